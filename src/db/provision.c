/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Rates and name servers in the attributes of each kind of access server. */
#include "db/provision.h"
#include "db/catalog.h"
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 253

/* One of them alone, which the database does not allow, is none. */
static bool has_rates(const struct provision *provision)
{
	return provision->rate_in_kbit != 0 && provision->rate_out_kbit != 0;
}

bool provision_is_empty(const struct provision *provision)
{
	return !has_rates(provision) && provision->dns_server_count == 0 &&
	       provision->route_count == 0 && provision->address_list == NULL;
}

/* Rates --------------------------------------------------------------------------------------- */

static bool is_32_bits(const struct nas_kind *kind)
{
	return kind->rates == RATES_HUAWEI || kind->rates == RATES_WISPR;
}

bool provision_rates_fit(const struct provision *provision, const struct nas_kind *kind)
{
	return !is_32_bits(kind) || (provision->rate_in_kbit <= RATE_32_MAX_KBIT &&
					    provision->rate_out_kbit <= RATE_32_MAX_KBIT);
}

static void put_bits(struct reply *reply, uint32_t vendor, uint8_t number, uint32_t kbit)
{
	uint64_t bits = (uint64_t)kbit * 1000;
	uint32_t value = bits < UINT32_MAX ? (uint32_t)bits : UINT32_MAX;
	uint8_t octets[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16 & 0xff),
		(uint8_t)(value >> 8 & 0xff), (uint8_t)(value & 0xff)};
	reply_add_vendor(reply, vendor, number, octets, sizeof octets);
}

static void put_text(struct reply *reply, uint32_t vendor, uint8_t number, const char *text)
{
	reply_add_vendor(reply, vendor, number, text, strlen(text));
}

/* The session's policy is copied and its class-default changed; a router that has given the session
 * no policy in that direction makes none. */
static void put_cisco_rates(struct reply *reply, uint64_t in_kbit, uint64_t out_kbit)
{
	char text[TEXT_MAX];
	snprintf(text, sizeof text, "qos-policy-in=add-class(sub,(class-default),police(%llu))",
		(unsigned long long)in_kbit * 1000);
	put_text(reply, VENDOR_CISCO, CISCO_AVPAIR, text);
	snprintf(text, sizeof text, "qos-policy-out=add-class(sub,(class-default),shape(%llu))",
		(unsigned long long)out_kbit * 1000);
	put_text(reply, VENDOR_CISCO, CISCO_AVPAIR, text);
}

static void put_rates(struct reply *reply, enum rate_form form, uint32_t in_kbit, uint32_t out_kbit)
{
	char text[TEXT_MAX];
	switch (form) {
	case RATES_NOTHING:
		break;
	case RATES_MIKROTIK:
		snprintf(text, sizeof text, "%uk/%uk", in_kbit, out_kbit);
		put_text(reply, VENDOR_MIKROTIK, MIKROTIK_RATE_LIMIT, text);
		break;
	case RATES_CISCO:
		put_cisco_rates(reply, in_kbit, out_kbit);
		break;
	case RATES_JUNIPER:
		/* T02 is the shaping rate; k is 1000. */
		snprintf(text, sizeof text, "T02 %uk", out_kbit);
		put_text(reply, VENDOR_ERX, ERX_COS_SHAPING_PMT_TYPE, text);
		break;
	case RATES_NOKIA:
		/* Egress, the aggregate rate. */
		snprintf(text, sizeof text, "e:r:rate=%u", out_kbit);
		put_text(reply, VENDOR_NOKIA, ALC_SUBSCRIBER_QOS_OVERRIDE, text);
		break;
	case RATES_HUAWEI:
		put_bits(reply, VENDOR_HUAWEI, HUAWEI_INPUT_AVERAGE_RATE, in_kbit);
		put_bits(reply, VENDOR_HUAWEI, HUAWEI_OUTPUT_AVERAGE_RATE, out_kbit);
		break;
	case RATES_WISPR:
		put_bits(reply, VENDOR_WISPR, WISPR_BANDWIDTH_MAX_UP, in_kbit);
		put_bits(reply, VENDOR_WISPR, WISPR_BANDWIDTH_MAX_DOWN, out_kbit);
		break;
	case RATES_SHAPER:
		snprintf(text, sizeof text, "%u/%u", out_kbit, in_kbit);
		reply_add_text(reply, ATTR_FILTER_ID, text);
		break;
	}
}

/* Name servers -------------------------------------------------------------------------------- */

/* The attributes of a form. numbers: of the primary and the secondary server. */
static const struct dns_attributes {
	uint32_t vendor; /* 0 = standard */
	uint16_t numbers[DNS_SERVERS_PER_FAMILY];
} dns_attributes[] = {
	[DNS_MICROSOFT] = {VENDOR_MICROSOFT, {MS_PRIMARY_DNS_SERVER, MS_SECONDARY_DNS_SERVER}},
	[DNS_ERX] = {VENDOR_ERX, {ERX_PRIMARY_DNS, ERX_SECONDARY_DNS}},
	[DNS_ERX_IPV6] = {VENDOR_ERX, {ERX_IPV6_PRIMARY_DNS, ERX_IPV6_SECONDARY_DNS}},
	[DNS_USR] = {VENDOR_USR, {USR_PRIMARY_DNS_SERVER, USR_SECONDARY_DNS_SERVER}},
	[DNS_ASCEND] = {VENDOR_ASCEND, {ASCEND_CLIENT_PRIMARY_DNS, ASCEND_CLIENT_SECONDARY_DNS}},
	[DNS_ASCEND_OLD] = {0, {ASCEND_CLIENT_PRIMARY_DNS, ASCEND_CLIENT_SECONDARY_DNS}},
	[DNS_NOKIA] = {VENDOR_NOKIA, {ALC_PRIMARY_DNS, ALC_SECONDARY_DNS}},
	[DNS_NOKIA_IPV6] = {VENDOR_NOKIA, {ALC_IPV6_PRIMARY_DNS, ALC_IPV6_SECONDARY_DNS}},
	[DNS_HUAWEI] = {VENDOR_HUAWEI, {HUAWEI_PRIMARY_DNS, HUAWEI_SECONDARY_DNS}},
	[DNS_HUAWEI_IPV6] = {VENDOR_HUAWEI,
		{HUAWEI_DNS_SERVER_IPV6_ADDRESS, HUAWEI_DNS_SERVER_IPV6_ADDRESS}},
	[DNS_RFC6911] = {0, {ATTR_DNS_SERVER_IPV6_ADDRESS, ATTR_DNS_SERVER_IPV6_ADDRESS}},
};

/* USRobotics' numbers have four octets, and no length follows them. */
static void put_usr(struct reply *reply, uint16_t number, const struct addr *server)
{
	uint8_t value[12] = {0, 0, VENDOR_USR >> 8, VENDOR_USR & 0xff, 0, 0, (uint8_t)(number >> 8),
		(uint8_t)(number & 0xff)};
	memcpy(value + 8, server->bytes, 4);
	reply_add_octets(reply, ATTR_VENDOR_SPECIFIC, value, sizeof value);
}

static void put_server(struct reply *reply, const struct dns_attributes *attributes, size_t place,
	const struct addr *server)
{
	uint16_t number = attributes->numbers[place];
	if (attributes->vendor == VENDOR_USR)
		put_usr(reply, number, server);
	else if (attributes->vendor != 0)
		reply_add_vendor(reply, attributes->vendor, (uint8_t)number, server->bytes,
			server->family == 4 ? 4 : 16);
	else
		reply_add_addr(reply, (uint8_t)number, server);
}

static void put_cisco_servers(struct reply *reply, const struct addr *const *servers, size_t count)
{
	char text[TEXT_MAX] = "ip:dns-servers=", one[ADDR_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(text);
		snprintf(text + size, sizeof text - size, "%s%s", i > 0 ? " " : "",
			addr_format(servers[i], one));
	}
	put_text(reply, VENDOR_CISCO, CISCO_AVPAIR, text);
}

/* Without it, a device with Ascend's software keeps the servers to itself. */
static void put_ascend_assign(struct reply *reply, bool is_old)
{
	static const uint8_t yes[] = {0, 0, 0, 1};
	if (is_old)
		reply_add_octets(reply, ASCEND_CLIENT_ASSIGN_DNS, yes, sizeof yes);
	else
		reply_add_vendor(reply, VENDOR_ASCEND, ASCEND_CLIENT_ASSIGN_DNS, yes, sizeof yes);
}

static void put_family(struct reply *reply, const struct provision *provision, uint8_t family,
	enum dns_form form, bool is_old)
{
	const struct addr *servers[DNS_SERVERS_MAX];
	size_t count = 0;
	for (unsigned i = 0; i < provision->dns_server_count; i++)
		if (provision->dns_servers[i].family == family && count < DNS_SERVERS_PER_FAMILY)
			servers[count++] = &provision->dns_servers[i];
	if (form == DNS_NOTHING || count == 0)
		return;
	if (form == DNS_CISCO) {
		put_cisco_servers(reply, servers, count);
		return;
	}
	enum dns_form said = form == DNS_ASCEND && is_old ? DNS_ASCEND_OLD : form;
	for (size_t i = 0; i < count; i++)
		put_server(reply, &dns_attributes[said], i, servers[i]);
	if (form == DNS_ASCEND)
		put_ascend_assign(reply, is_old);
}

/* Routes -------------------------------------------------------------------------------------- */

/* No gateway is the subscriber's address (RFC 2865 section 5.22, RFC 3162 section 2.5). */
static void put_route(struct reply *reply, const struct prefix *route)
{
	char text[TEXT_MAX], network[ADDR_TEXT_MAX];
	bool is_four = route->addr.family == 4;
	snprintf(text, sizeof text, "%s %s 1", prefix_format(route, network),
		is_four ? "0.0.0.0" : "::");
	reply_add_text(reply, is_four ? ATTR_FRAMED_ROUTE : ATTR_FRAMED_IPV6_ROUTE, text);
}

void provision_put(struct reply *reply, const struct provision *provision,
	const struct nas_kind *kind, bool is_old)
{
	if (has_rates(provision))
		put_rates(reply, kind->rates, provision->rate_in_kbit, provision->rate_out_kbit);
	put_family(reply, provision, 4, kind->dns, is_old);
	put_family(reply, provision, 6, kind->dns_ipv6, is_old);
	if (provision->address_list != NULL && kind->has_address_lists)
		put_text(reply, VENDOR_MIKROTIK, MIKROTIK_ADDRESS_LIST, provision->address_list);
	for (unsigned i = 0; i < provision->route_count; i++)
		put_route(reply, &provision->routes[i]);
}

/* Types --------------------------------------------------------------------------------------- */

/* Of an attribute of 26: the octets that make its type. */
static size_t vendor_type_size(const uint8_t *attribute)
{
	static const uint8_t usr[] = {0, 0, VENDOR_USR >> 8, VENDOR_USR & 0xff};
	size_t number = memcmp(attribute + 2, usr, sizeof usr) == 0 ? 4 : 1;
	return 2 + 4 + number;
}

/* Up to the = and with it; all of the value if there is none. */
static size_t avpair_key_size(const uint8_t *attribute)
{
	const uint8_t *value = attribute + 8;
	size_t size = attribute[1] - 8u;
	const uint8_t *equals = memchr(value, '=', size);
	return equals ? (size_t)(equals - value) + 1 : size;
}

static bool is_cisco_avpair(const uint8_t *attribute)
{
	static const uint8_t beginning[] = {0, 0, 0, VENDOR_CISCO, CISCO_AVPAIR};
	return attribute[1] >= 8 && memcmp(attribute + 2, beginning, sizeof beginning) == 0;
}

bool attribute_is_same_type(const uint8_t *one, const uint8_t *other)
{
	if (one[0] != other[0])
		return false;
	if (one[0] != ATTR_VENDOR_SPECIFIC)
		return true;
	/* The shortest that has a vendor and a number of one octet. */
	if (one[1] < 7 || other[1] < 7)
		return false;
	size_t size = vendor_type_size(one);
	if (one[1] < size || other[1] < size || memcmp(one + 2, other + 2, size - 2) != 0)
		return false;
	if (!is_cisco_avpair(one) || !is_cisco_avpair(other))
		return true;
	size_t key = avpair_key_size(one);
	return key == avpair_key_size(other) && memcmp(one + 8, other + 8, key) == 0;
}
