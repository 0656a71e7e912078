/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The names that IOS has for protocols and ports. What only newer releases know is understood, but
 * written as a number. */
#include "filter/filter_private.h"
#include <string.h>

struct protocol_name {
	const char *name;
	uint8_t protocol;
	uint8_t family;  /* that the name brings with it */
	bool is_in_ipv6; /* known in IPv6 access lists, too */
};
static const struct protocol_name protocols[] = {
	{"ip", PROTOCOL_ANY, 4, false},
	{"ipv6", PROTOCOL_ANY, 6, true},
	{"tcp", PROTOCOL_TCP, 0, true},
	{"udp", PROTOCOL_UDP, 0, true},
	{"icmp", PROTOCOL_ICMP, 0, true},
	{"icmp6", PROTOCOL_ICMP6, 6, true},
	{"igmp", 2, 0, false},
	{"ipinip", 4, 0, false},
	{"gre", 47, 0, false},
	{"esp", 50, 0, true},
	{"ahp", 51, 0, true},
	{"eigrp", 88, 0, false},
	{"ospf", 89, 0, false},
	{"nos", 94, 0, false},
	{"pim", 103, 0, false},
	{"pcp", 108, 0, true},
};
#define PROTOCOL_COUNT (sizeof protocols / sizeof *protocols)

struct port_name {
	const char *name;
	uint16_t port;
	bool is_written;
};
static const struct port_name tcp_ports[] = {
	{"echo", 7, true},
	{"discard", 9, true},
	{"daytime", 13, true},
	{"chargen", 19, true},
	{"ftp-data", 20, true},
	{"ftp", 21, true},
	{"telnet", 23, true},
	{"smtp", 25, true},
	{"time", 37, true},
	{"whois", 43, true},
	{"tacacs", 49, true},
	{"domain", 53, true},
	{"gopher", 70, true},
	{"finger", 79, true},
	{"www", 80, true},
	{"hostname", 101, true},
	{"pop2", 109, true},
	{"pop3", 110, true},
	{"sunrpc", 111, true},
	{"ident", 113, true},
	{"nntp", 119, true},
	{"msrpc", 135, false},
	{"bgp", 179, true},
	{"irc", 194, true},
	{"pim-auto-rp", 496, true},
	{"exec", 512, true},
	{"login", 513, true},
	{"cmd", 514, true},
	{"syslog", 514, false},
	{"lpd", 515, true},
	{"talk", 517, true},
	{"uucp", 540, true},
	{"klogin", 543, true},
	{"kshell", 544, true},
	{"drip", 3949, false},
	{"onep-plain", 15001, false},
	{"onep-tls", 15002, false},
	{NULL, 0, false},
};
static const struct port_name udp_ports[] = {
	{"echo", 7, true},
	{"discard", 9, true},
	{"time", 37, true},
	{"nameserver", 42, true},
	{"tacacs", 49, true},
	{"domain", 53, true},
	{"bootps", 67, true},
	{"bootpc", 68, true},
	{"tftp", 69, true},
	{"sunrpc", 111, true},
	{"ntp", 123, true},
	{"netbios-ns", 137, true},
	{"netbios-dgm", 138, true},
	{"netbios-ss", 139, true},
	{"snmp", 161, true},
	{"snmptrap", 162, true},
	{"xdmcp", 177, true},
	{"dnsix", 195, true},
	{"mobile-ip", 434, true},
	{"pim-auto-rp", 496, true},
	{"isakmp", 500, true},
	{"biff", 512, true},
	{"who", 513, true},
	{"syslog", 514, true},
	{"talk", 517, true},
	{"rip", 520, true},
	{"ripv6", 521, false},
	{"non500-isakmp", 4500, false},
	{NULL, 0, false},
};

static const char *const comparisons[] = {"", "eq", "neq", "lt", "gt", "range"};

static bool is_same(const char *name, const char *word, size_t size)
{
	return strlen(name) == size && memcmp(name, word, size) == 0;
}

bool filter_protocol_find(const char *word, size_t size, uint8_t *protocol, uint8_t *family)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if (is_same(protocols[i].name, word, size)) {
			*protocol = protocols[i].protocol;
			*family = protocols[i].family;
			return true;
		}
	}
	return false;
}

const char *filter_protocol_name(uint8_t protocol, uint8_t family)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		const struct protocol_name *name = &protocols[i];
		if (name->protocol == protocol && (name->family == 0 || name->family == family) &&
			(family != 6 || name->is_in_ipv6))
			return name->name;
	}
	return NULL;
}

static const struct port_name *ports_of(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP ? tcp_ports : udp_ports;
}

bool filter_port_find(uint8_t protocol, const char *word, size_t size, uint16_t *port)
{
	for (const struct port_name *name = ports_of(protocol); name->name != NULL; name++) {
		if (is_same(name->name, word, size)) {
			*port = name->port;
			return true;
		}
	}
	return false;
}

const char *filter_port_name(uint8_t protocol, uint16_t port)
{
	for (const struct port_name *name = ports_of(protocol); name->name != NULL; name++) {
		if (name->port == port && name->is_written)
			return name->name;
	}
	return NULL;
}

const char *filter_comparison_text(enum filter_comparison comparison)
{
	return comparisons[comparison];
}
