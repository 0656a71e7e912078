/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Packet filters: a rule as an operator writes it, and a list of rules in the words of each kind of
 * access server or router. Pure: rules go in, text or octets come out; pools are handed in.
 *
 *   permit|deny PROTOCOL SOURCE [PORTS] DESTINATION [PORTS] [established]
 *
 *   PROTOCOL     ip (all of IPv4), ipv6 (all of IPv6), tcp, udp, icmp, icmp6, gre, esp, ahp, ... or
 *                a number
 *   SOURCE and DESTINATION   any | host ADDRESS | NETWORK/LENGTH | NETWORK WILDCARD | pool NAME
 *   PORTS        eq PORT [PORT ...] | neq PORT | lt PORT | gt PORT | range PORT PORT: tcp and udp
 *
 * The first rule that matches a packet decides; what no rule matches is denied.
 *
 * A rule is of IPv4 if it says ip or names an IPv4 network, of IPv6 if it says ipv6 or icmp6 or
 * names an IPv6 network, else of both. A list is about IPv6 if one of its rules is of IPv6 alone,
 * and about IPv4 unless all the rules that are of one family are of IPv6. It does not touch the
 * packets of a family that it is not about. */
#include "base/addr.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* in: from the subscriber into the NAS; out: towards the subscriber. */
enum filter_direction { FILTER_IN, FILTER_OUT };

#define FILTER_LINE_MAX 511 /* octets of a rule as text: the longest one has some 440 */
#define FILTER_PORTS_MAX 10 /* of an eq: as many as IOS takes in one entry */
#define FILTER_NAME_MAX 64  /* octets of a filter's or a pool's name: as popradctl takes them */
/* What a filter's or a pool's name is made of: it needs no quotes in any of the forms. */
#define FILTER_NAME_OCTETS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:"
#define FILTER_RULES_MAX 256 /* of a list; more would fit no Access-Accept */
/* What the rules of a list may become once pools and ports are written out: the text of a router's
 * configuration can be that long, and memory stays bounded whatever the pools are. */
#define FILTER_ENTRIES_MAX 4096

/* What is wrong with a rule or a list, as one clause. */
struct filter_fault {
	unsigned column; /* in octets from 1; 0: not about a place in a line */
	char text[240];
};

enum filter_place { FILTER_ANY, FILTER_NETWORK, FILTER_POOL };
enum filter_comparison {
	FILTER_PORTS_ALL,
	FILTER_EQ,
	FILTER_NEQ,
	FILTER_LT,
	FILTER_GT,
	FILTER_RANGE
};

struct filter_ports {
	enum filter_comparison comparison;
	uint8_t count; /* of numbers: 1..FILTER_PORTS_MAX for eq, 2 for range, else 1; all: 0 */
	uint16_t numbers[FILTER_PORTS_MAX];
};

struct filter_side {
	enum filter_place place;
	struct prefix network;          /* FILTER_NETWORK */
	char pool[FILTER_NAME_MAX + 1]; /* FILTER_POOL */
	struct filter_ports ports;
};

struct filter_rule {
	bool is_permit;
	bool is_established; /* TCP with ACK or RST */
	uint8_t family;      /* 4, 6, or 0 = both */
	uint8_t protocol;    /* 0 = all; 1 means ICMPv6 (58) where it meets IPv6 */
	struct filter_side source, destination;
};

/* Reads one rule. ERR_SYNTAX or ERR_RANGE: *fault says what was expected in which column. */
int filter_rule_parse(
	const char *line, struct filter_rule *rule, struct filter_fault *fault) MUST_CHECK;
/* The one canonical text of a rule; reading it gives the same rule. */
char *filter_rule_format(TALLOC_CTX *ctx, const struct filter_rule *rule);
/* Words of that text: the protocol ("tcp", "99"), and "eq", ..., "" for FILTER_PORTS_ALL. */
char *filter_protocol_text(TALLOC_CTX *ctx, const struct filter_rule *rule);
const char *filter_comparison_text(enum filter_comparison comparison);

/* A list of rules, all of one direction. Everything is borrowed. */
struct filter_list {
	const char *name;
	enum filter_direction direction;
	const struct filter_rule *rules;
	size_t count;
};

/* The pools that rules may name: what a rule says of a pool, it says of all its networks. */
struct filter_pool {
	const char *name;
	const struct prefix *networks;
	size_t count;
};
struct filter_pools {
	const struct filter_pool *pools;
	size_t count;
};

/* Each function below renders a list. ERR_RANGE: the list has no rules, a rule cannot be said in
 * that form, a pool is not there, or it becomes too long; *fault says which rule and why. */

/* Configuration of a Cisco router: a named or numbered access list, and one of IPv6 if the list is
 * about IPv6. If it is about both, IPv6's is called NAME-ipv6: IOS has one space of names. */
int filter_ios(TALLOC_CTX *ctx, const struct filter_list *list, const struct filter_pools *pools,
	char **text, struct filter_fault *fault) MUST_CHECK;

/* A RouterOS script: a chain of the list's name, to jump to. What is permitted returns to the chain
 * that jumped. */
int filter_mikrotik(TALLOC_CTX *ctx, const struct filter_list *list,
	const struct filter_pools *pools, char **text, struct filter_fault *fault) MUST_CHECK;

/* A file for nft -f: one table for the list, hooked in where packets come in (FILTER_IN) or leave.
 * interface is a name, perhaps with * at its end; NULL is every interface but lo. Loaded again it
 * replaces itself. */
int filter_nftables(TALLOC_CTX *ctx, const struct filter_list *list,
	const struct filter_pools *pools, const char *interface, char **text,
	struct filter_fault *fault) MUST_CHECK;

/* Values of RADIUS attributes, in the order to send them in. */
struct filter_value {
	const uint8_t *octets;
	size_t size;
};
struct filter_values {
	struct filter_value *values; /* owned by the ctx of the call, with their octets */
	size_t count;
	size_t packet_octets; /* what they take of a packet, attribute headers included */
};

/* Makes one list of several of a direction (count is 1 at least), named as the first: their rules
 * in their order. What a list says of a packet, no later one changes; where a list permits
 * everything else, that is left to the later ones, and where it denies everything else, they have
 * nothing to say any more. The rules belong to ctx, or are the only list's own. ERR_RANGE: a list
 * has no rules, or they are too many together. */
int filter_merge(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	struct filter_list *merged, struct filter_fault *fault) MUST_CHECK;

/* The functions below take a subscriber's lists, at most one of each direction. */

/* Cisco-AVPair (RFC 2865 section 5.26, vendor 9 type 1): "ip:inacl#1=deny tcp any any eq smtp". One
 * port an entry: only named lists of a configuration take several. */
int filter_cisco_avpairs(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, struct filter_values *values,
	struct filter_fault *fault) MUST_CHECK;

/* Ascend-Data-Filter. IPv4 records are of FILTER_ASCEND_SHORT octets or, zeros behind,
 * FILTER_ASCEND_LONG; IPv6 records have 48. packet_octets is that of the vendor-specific form; the
 * old attribute 242 takes 6 less each. */
#define FILTER_ASCEND_SHORT 24
#define FILTER_ASCEND_LONG 32
int filter_ascend(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, size_t record_octets, struct filter_values *values,
	struct filter_fault *fault) MUST_CHECK;

/* NAS-Filter-Rule (RFC 4849): rules as in RFC 3588 section 4.3 with a NUL between them, cut into
 * pieces of 253 octets wherever that falls. ports_max is how many ports or ranges of ports a rule
 * may have: FILTER_PORTS_MAX, or 1 for a NAS that takes no lists. *rule_count may be NULL. */
int filter_nas_rules(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, unsigned ports_max, struct filter_values *values,
	size_t *rule_count, struct filter_fault *fault) MUST_CHECK;
