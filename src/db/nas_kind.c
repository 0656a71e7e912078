/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The kinds of access server, and what each can be sent. `other` stands last: what follows the RFCs
 * and nothing else. */
#include "db/catalog.h"
#include <string.h>

const char *const nas_form_names[NAS_FORMS + 1] = {
	[NAS_FORM_USUAL] = "usual",
	[NAS_FORM_NAMES] = "names",
	[NAS_FORM_RULES] = "rules",
	[NAS_FORM_OLD_RULES] = "old-rules",
	[NAS_FORM_FILTER_SERVER] = "filter-server",
	[NAS_FORM_NONE] = "none",
};

static const struct nas_kind kinds[] = {
	{.name = "cisco",
		.rates = RATES_CISCO,
		.dns = DNS_CISCO,
		.dns_ipv6 = DNS_RFC6911,
		.names = RENDER_FILTER_ID,
		.rules = RENDER_CISCO_RULES,
		.has_filter_server = true,
		.sentence = "Cisco IOS. Filter-Id names an access list with .in or .out behind it; "
			    "without that IOS would apply it outbound. Form rules: the rules "
			    "themselves, as ip:inacl#N= and ip:outacl#N= in Cisco-AVPair. Form "
			    "filter-server: names, and the router asks for the rules of each."},
	{.name = "mikrotik",
		.rates = RATES_MIKROTIK,
		.has_octet_limits = true,
		.has_address_lists = true,
		.names = RENDER_FILTER_ID,
		.sentence = "MikroTik RouterOS. Filter-Id names a firewall chain with .in or .out "
			    "behind it; a chain ppp must jump to it, and of several names for one "
			    "direction the last one counts. Beside it, a plan's --address-list, "
			    "and what is "
			    "left of a quota of octets."},
	{.name = "juniper",
		.rates = RATES_JUNIPER,
		.dns = DNS_ERX,
		.dns_ipv6 = DNS_ERX_IPV6,
		.names = RENDER_ERX_POLICY,
		.sentence = "Juniper E-series and MX. ERX-Ingress-Policy-Name and "
			    "ERX-Egress-Policy-Name name a policy for each direction; no "
			    "Filter-Id is sent."},
	{.name = "usr",
		.dns = DNS_USR,
		.names = RENDER_FILTER_ID_BASE,
		.sentence = "USRobotics NETServer. It adds .in and .out to the one name that "
			    "Filter-Id gives (at most 15 characters), and applies no filter at all "
			    "if it does not know them. A plan with two filters needs a filter set.",
		.filter_name_max = 15},
	{.name = "portmaster",
		.names = RENDER_FILTER_ID_BASE,
		.sentence = "Livingston and Lucent PortMaster. It adds .in and .out to the one "
			    "name that Filter-Id gives. A plan with two filters needs a filter "
			    "set."},
	{.name = "ascend",
		.dns = DNS_ASCEND,
		.rules = RENDER_ASCEND,
		.old_rules = RENDER_ASCEND_OLD,
		.sentence = "Ascend and Lucent MAX, TNT and APX. The rules themselves are sent, in "
			    "Ascend-Data-Filter: as an attribute of the vendor, or with the form "
			    "old-rules as attribute 242, where the device is set to that. No "
			    "Filter-Id is sent."},
	{.name = "nokia",
		.rates = RATES_NOKIA,
		.dns = DNS_NOKIA,
		.dns_ipv6 = DNS_NOKIA_IPV6,
		.rules = RENDER_NAS_RULES,
		.sentence = "Nokia 7750. The rules themselves are sent, in NAS-Filter-Rule: at "
			    "most 10, pools and lists of ports written out. No Filter-Id is sent.",
		.filter_rules_max = 10,
		.filter_ports_max = 1},
	{.name = "huawei",
		.rates = RATES_HUAWEI,
		.dns = DNS_HUAWEI,
		.dns_ipv6 = DNS_HUAWEI_IPV6,
		.sentence = "Huawei ME60 and NE. No filters are sent: it takes Filter-Id for a "
			    "user group."},
	{.name = "accel-ppp",
		.rates = RATES_SHAPER,
		.dns = DNS_MICROSOFT,
		.dns_ipv6 = DNS_RFC6911,
		.sentence = "accel-ppp. No filters are sent: it takes Filter-Id for the rate of "
			    "its shaper."},
	{.name = "l2tpns",
		.dns = DNS_ASCEND_OLD,
		.names = RENDER_FILTER_ID,
		.sentence = "l2tpns. Filter-Id names one of its access lists with .in or .out "
			    "behind it."},
	{.name = "pppd",
		.rates = RATES_WISPR,
		.dns = DNS_MICROSOFT,
		.names = RENDER_FILTER_ID,
		.sentence = "pppd with radius.so and radattr.so. Filter-Id is left to the scripts "
			    "of the host, in /var/run/radattr.INTERFACE."},
	{.name = "other",
		.rates = RATES_WISPR,
		.dns = DNS_MICROSOFT,
		.dns_ipv6 = DNS_RFC6911,
		.names = RENDER_FILTER_ID,
		.rules = RENDER_NAS_RULES,
		.sentence = "Any other. Filter-Id names a filter with .in or .out behind it. Form "
			    "rules: the rules themselves, in NAS-Filter-Rule (RFC 4849).",
		.filter_ports_max = FILTER_PORTS_MAX},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

const struct nas_kind *nas_kind_find(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

const struct nas_kind *nas_kind_at(size_t index)
{
	return index < KIND_COUNT ? &kinds[index] : NULL;
}

enum filter_rendering nas_kind_rendering(const struct nas_kind *kind, enum nas_form form)
{
	switch (form) {
	case NAS_FORM_USUAL:
		return kind->names != RENDER_NOTHING ? kind->names : kind->rules;
	case NAS_FORM_NAMES:
		return kind->names;
	case NAS_FORM_RULES:
		return kind->rules;
	case NAS_FORM_OLD_RULES:
		return kind->old_rules;
	case NAS_FORM_FILTER_SERVER:
		return kind->has_filter_server ? kind->names : RENDER_NOTHING;
	case NAS_FORM_NONE:
	case NAS_FORMS:
		break;
	}
	return RENDER_NOTHING;
}

bool nas_kind_has_form(const struct nas_kind *kind, enum nas_form form)
{
	return form == NAS_FORM_USUAL || form == NAS_FORM_NONE ||
	       nas_kind_rendering(kind, form) != RENDER_NOTHING;
}
