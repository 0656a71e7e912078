/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Which attributes speak of filters: those that a plan or a subscriber gives may stand in the way
 * of those that are made of filters. */
#include "db/catalog.h"
#include <string.h>

/* A per-user rule, and not one of the many other things that this attribute says. */
static bool is_cisco_rule(const struct encoded_attr *attr)
{
	static const char *const beginnings[] = {
		"ip:inacl", "ip:outacl", "ipv6:inacl", "ipv6:outacl"};
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
		size_t size = strlen(beginnings[i]);
		if (attr->size >= 8 + size && memcmp(attr->octets + 8, beginnings[i], size) == 0)
			return true;
	}
	return false;
}

/* They name a filter, a policy or rules that the equipment would apply beside or instead of others.
 */
static bool names_filter(const struct encoded_attr *attr)
{
	static const struct {
		uint32_t vendor, number;
	} others[] = {
		{VENDOR_CISCO, CISCO_IN_ACL},
		{VENDOR_CISCO, CISCO_OUT_ACL},
		{VENDOR_CISCO, CISCO_IPV6_IN_ACL},
		{VENDOR_CISCO, CISCO_IPV6_OUT_ACL},
		{VENDOR_ERX, ERX_IPV6_INGRESS_POLICY_NAME},
		{VENDOR_ERX, ERX_IPV6_EGRESS_POLICY_NAME},
		{VENDOR_ERX, ERX_INPUT_INTERFACE_FILTER},
		{VENDOR_ERX, ERX_OUTPUT_INTERFACE_FILTER},
		{VENDOR_NOKIA, ALC_SUBSCRIBER_FILTER},
		{VENDOR_NOKIA, ALC_NAS_FILTER_RULE_SHARED},
		{VENDOR_USR, USR_IFILTER_IP},
		{VENDOR_USR, USR_OFILTER_IP},
		{VENDOR_USR, USR_CALL_INPUT_FILTER},
		{VENDOR_USR, USR_CALL_OUTPUT_FILTER},
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].vendor == attr->vendor && others[i].number == attr->number)
			return true;
	return false;
}

static unsigned carrier_of(const struct encoded_attr *attr)
{
	switch (attr->vendor) {
	case 0:
		return attr->number == ATTR_FILTER_ID         ? CARRIER_FILTER_ID
		       : attr->number == ATTR_NAS_FILTER_RULE ? CARRIER_NAS_RULES
		       : attr->number == ASCEND_DATA_FILTER   ? CARRIER_ASCEND
							      : 0;
	case VENDOR_ASCEND:
		return attr->number == ASCEND_DATA_FILTER ? CARRIER_ASCEND : 0;
	case VENDOR_ERX:
		return attr->number == ERX_INGRESS_POLICY_NAME ||
				       attr->number == ERX_EGRESS_POLICY_NAME
			       ? CARRIER_ERX_POLICY
			       : 0;
	case VENDOR_CISCO:
		return attr->number == CISCO_AVPAIR && is_cisco_rule(attr) ? CARRIER_CISCO_RULES
									   : 0;
	default:
		return 0;
	}
}

unsigned filter_carrier_of(const struct encoded_attr *attr)
{
	unsigned carrier = carrier_of(attr);
	return carrier == 0 && names_filter(attr) ? CARRIER_OTHER : carrier;
}
