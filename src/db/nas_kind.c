/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The kinds of access server. `other` stands last: what follows RFC 2865 and nothing else. */
#include "db/catalog.h"
#include <string.h>

static const struct nas_kind kinds[] = {
	{.name = "cisco",
		.filter_style = FILTER_ID_WITH_DIRECTION,
		.sentence = "Cisco IOS. Filter-Id names an access list with .in or .out behind it; "
			    "without that IOS would apply it outbound."},
	{.name = "mikrotik",
		.filter_style = FILTER_ID_WITH_DIRECTION,
		.sentence = "MikroTik RouterOS. Filter-Id names a firewall chain with .in or .out "
			    "behind it; a chain ppp must jump to it, and of several names for one "
			    "direction the last one counts."},
	{.name = "juniper",
		.filter_style = FILTER_NONE,
		.sentence = "Juniper E-series and MX. Policies are named by "
			    "ERX-Ingress-Policy-Name and ERX-Egress-Policy-Name, which a plan may "
			    "carry as attributes; no Filter-Id is sent."},
	{.name = "usr",
		.filter_style = FILTER_ID_BASE,
		.sentence = "USRobotics NETServer. It adds .in and .out to the one name that "
			    "Filter-Id gives (at most 15 characters), and applies no filter at all "
			    "if it does not know them.",
		.filter_name_max = 15},
	{.name = "portmaster",
		.filter_style = FILTER_ID_BASE,
		.sentence = "Livingston and Lucent PortMaster. It adds .in and .out to the one "
			    "name that Filter-Id gives."},
	{.name = "ascend",
		.filter_style = FILTER_NONE,
		.sentence = "Ascend and Lucent MAX, TNT and APX. Filters are sent as rules in "
			    "Ascend-Data-Filter, which a plan may carry as attributes; no "
			    "Filter-Id is sent."},
	{.name = "nokia",
		.filter_style = FILTER_NONE,
		.sentence = "Nokia 7750. Filters are named by Alc-Subscriber-Filter, which a plan "
			    "may carry as an attribute; no Filter-Id is sent."},
	{.name = "huawei",
		.filter_style = FILTER_NONE,
		.sentence = "Huawei ME60 and NE. It takes Filter-Id for a user group, so none is "
			    "sent."},
	{.name = "accel-ppp",
		.filter_style = FILTER_NONE,
		.sentence = "accel-ppp. It takes Filter-Id for the rate of its shaper, so none is "
			    "sent."},
	{.name = "l2tpns",
		.filter_style = FILTER_ID_WITH_DIRECTION,
		.sentence = "l2tpns. Filter-Id names one of its access lists with .in or .out "
			    "behind it."},
	{.name = "pppd",
		.filter_style = FILTER_ID_WITH_DIRECTION,
		.sentence = "pppd with radius.so and radattr.so. Filter-Id is left to the scripts "
			    "of the host, in /var/run/radattr.INTERFACE."},
	{.name = "other",
		.filter_style = FILTER_ID_WITH_DIRECTION,
		.sentence = "Any other. Filter-Id names a filter with .in or .out behind it."},
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
