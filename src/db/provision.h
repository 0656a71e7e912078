/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What a session is provided with besides its address and its filters: rates and name servers. A
 * plan says it once, in values; each kind of access server is told in its own attributes. */
#include "base/addr.h"
#include "radius/encode.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nas_kind;

/* 100 Gbit/s: more is a slip of the pen. */
#define RATE_MAX_KBIT 100000000
/* Equipment knows a primary and a secondary one of each family. */
#define DNS_SERVERS_PER_FAMILY 2
#define DNS_SERVERS_MAX (2 * DNS_SERVERS_PER_FAMILY)

/* Octets of an address list's name: as popradctl takes names. */
#define ADDRESS_LIST_MAX 64

/* Of one subscriber; they fit into what an answer keeps free of filters and attributes. */
#define ROUTES_MAX 16

struct provision {
	/* In thousands of bits a second. in: from the subscriber into the access server, as in
	 * filters and in accounting; out: towards him. 0 = no limit, then of both. */
	uint32_t rate_in_kbit, rate_out_kbit;
	unsigned dns_server_count;
	unsigned route_count;
	const char *address_list; /* of a firewall, for the session's address; NULL = none */
	struct prefix routes[ROUTES_MAX];         /* networks behind the subscriber's line */
	struct addr dns_servers[DNS_SERVERS_MAX]; /* the preferred one of a family first; only the
						     first DNS_SERVERS_PER_FAMILY are told */
};

/* How a kind is told the rates. */
enum rate_form {
	RATES_NOTHING,
	RATES_MIKROTIK, /* Mikrotik-Rate-Limit "512k/2048k": what the router receives goes first */
	RATES_CISCO,    /* Cisco-AVPair "qos-policy-in=...", for the policy that the session has */
	RATES_JUNIPER,  /* ERX-CoS-Shaping-Pmt-Type "T02 2048k": out alone */
	RATES_NOKIA,    /* Alc-Subscriber-QoS-Override "e:r:rate=2048": out alone */
	RATES_HUAWEI,   /* Huawei-Input-Average-Rate, Huawei-Output-Average-Rate, bit/s */
	RATES_WISPR,    /* WISPr-Bandwidth-Max-Up, WISPr-Bandwidth-Max-Down, bit/s */
	RATES_SHAPER,   /* Filter-Id "2048/512": what goes to the subscriber first */
};

/* How a kind is told name servers of one family. */
enum dns_form {
	DNS_NOTHING,
	DNS_CISCO,      /* Cisco-AVPair "ip:dns-servers=A B" */
	DNS_MICROSOFT,  /* MS-Primary-DNS-Server, MS-Secondary-DNS-Server (RFC 2548) */
	DNS_ERX,        /* ERX-Primary-Dns, ERX-Secondary-Dns */
	DNS_ERX_IPV6,   /* ERX-Ipv6-Primary-Dns, ERX-Ipv6-Secondary-Dns */
	DNS_USR,        /* USR-Primary_DNS_Server, USR-Secondary_DNS_Server */
	DNS_ASCEND,     /* Ascend-Client-Primary-DNS, ...; in the old form for a NAS of that form */
	DNS_ASCEND_OLD, /* the same as attributes 135 and 136 */
	DNS_NOKIA,      /* Alc-Primary-Dns, Alc-Secondary-Dns */
	DNS_NOKIA_IPV6, /* Alc-Ipv6-Primary-Dns, Alc-Ipv6-Secondary-Dns */
	DNS_HUAWEI,     /* Huawei-Primary-DNS, Huawei-Secondary-DNS */
	DNS_HUAWEI_IPV6, /* Huawei-DNS-Server-IPv6-address, once each */
	DNS_RFC6911,     /* DNS-Server-IPv6-Address, once each */
};

/* True: there is nothing to tell. */
bool provision_is_empty(const struct provision *provision);

/* Adds the attributes for that kind; is_old: the NAS takes Ascend's in their old form. */
void provision_put(struct reply *reply, const struct provision *provision,
	const struct nas_kind *kind, bool is_old);

/* False: the kind's attribute counts bits a second in 32 bits, and holds RATE_32_MAX_KBIT at most.
 * More is told as that. */
bool provision_rates_fit(const struct provision *provision, const struct nas_kind *kind);
#define RATE_32_MAX_KBIT 4294967

/* Two attributes, header and all, of one type. Of Cisco-AVPair: those that say something of the
 * same thing, "ip:dns-servers=". */
bool attribute_is_same_type(const uint8_t *one, const uint8_t *other);
