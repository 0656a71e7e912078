/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What the files of this folder share: names, writing, and the writing out of pools and ports. */
#include "filter/filter.h"

#define PROTOCOL_ANY 0
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMP6 58
#define PORT_MAX 65535

/* A vendor-specific attribute: its header, the vendor's number, the vendor's header (RFC 2865
 * section 5.26). */
#define VENDOR_HEADER 8
#define VENDOR_VALUE_MAX 247

static inline bool network_is_host(const struct prefix *network)
{
	return network->bits == (network->addr.family == 4 ? 32 : 128);
}

static inline bool protocol_has_ports(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

/* Names of protocols. A name may bring its family with it (ip, ipv6, icmp6); else that is 0. */
bool filter_protocol_find(const char *word, size_t size, uint8_t *protocol, uint8_t *family);
/* NULL: it has none there, and is written as a number. */
const char *filter_protocol_name(uint8_t protocol, uint8_t family);
/* Names of ports as IOS has them, which are not the same for TCP and UDP. */
bool filter_port_find(uint8_t protocol, const char *word, size_t size, uint16_t *port);
const char *filter_port_name(uint8_t protocol, uint16_t port);

/* Appends to *text, which stays where talloc has it. */
void filter_put(char **text, const char *format, ...) PRINTF_LIKE(2, 3);
/* " eq smtp www", " range 1024 65535", or nothing. */
void filter_put_ports(char **text, uint8_t protocol, const struct filter_ports *ports);

/* The ports as ranges, first to last. Returns how many: none if all ports are meant. */
struct port_range {
	uint16_t first, last;
};
size_t filter_port_ranges(
	const struct filter_ports *ports, struct port_range ranges[FILTER_PORTS_MAX]);

/* "25,80,1024-65535", for forms that have such lists; nothing if all ports are meant. */
void filter_put_ranges(char **text, const struct filter_ports *ports);

/* Writes a clause; returns code. column is 0 where no line is spoken of. */
int filter_fail(struct filter_fault *fault, size_t column, int code, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* A rule with its pools and, where a form cannot say them, its ports written out. */
struct filter_entry {
	size_t rule; /* which one of the list, from 1; 0: the denial at the end */
	bool is_permit, is_established;
	uint8_t family;                    /* 4 or 6 */
	uint8_t protocol;                  /* PROTOCOL_ANY: all */
	struct prefix source, destination; /* no bits: any */
	struct filter_ports source_ports, destination_ports;
};
struct filter_entries {
	struct filter_entry *entries;
	size_t count;
	/* while they are made */
	size_t room;
};

/* What a form can say. */
struct filter_form {
	unsigned ports_max; /* of an eq */
	bool has_range;     /* else ranges become lt, gt, or an eq of each port */
	bool has_neq;       /* else it becomes two ranges */
	bool has_closing;   /* what no rule matches is denied, without being told so */
};

#define FAMILY_4 1u
#define FAMILY_6 2u
/* The families that the list is about. */
unsigned filter_families(const struct filter_list *list);

/* Writes the rules out, in their order, for those families that the list is about. */
int filter_expand(TALLOC_CTX *ctx, const struct filter_list *list, const struct filter_pools *pools,
	const struct filter_form *form, unsigned families, struct filter_entries *entries,
	struct filter_fault *fault) MUST_CHECK;

/* Checks what is true of all forms: there are rules, and the name can be written anywhere without
 * quotes. */
int filter_list_check(const struct filter_list *list, struct filter_fault *fault) MUST_CHECK;
/* The same for a subscriber's lists; two of one direction are refused. */
int filter_lists_check(
	const struct filter_list *lists, size_t count, struct filter_fault *fault) MUST_CHECK;

/* "permit tcp any host 10.0.1.1 eq smtp": an entry in the words of IOS. */
void filter_put_ios_entry(char **text, const struct filter_entry *entry);

/* Appends a copy of the octets as a value. header_octets: of its attribute. */
void filter_values_add(TALLOC_CTX *ctx, struct filter_values *values, const void *octets,
	size_t size, size_t header_octets);
