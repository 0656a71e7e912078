/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The kinds of access servers: popradctl offers them, the catalog reads them, replies follow them.
 */
#include "db/catalog.h"
#include <string.h>

static const struct nas_kind kinds[] = {
	{"cisco", FILTER_ID_WITH_DIRECTION,
		"Cisco IOS and what behaves like it: Filter-Id is NAME.in and NAME.out."},
	{"mikrotik", FILTER_ID_WITH_DIRECTION,
		"MikroTik RouterOS: Filter-Id names a firewall chain, NAME.in and NAME.out."},
	{"pppd", FILTER_ID_WITH_DIRECTION,
		"pppd and its derivatives: scripts read Filter-Id, NAME.in and NAME.out."},
	{"portmaster", FILTER_ID_BASE,
		"Livingston PortMaster: Filter-Id is NAME, to which it appends .in and .out."},
	{"usr", FILTER_ID_BASE,
		"USRobotics and 3Com: Filter-Id is NAME, to which it appends .in and .out."},
	{"accel-ppp", FILTER_NONE,
		"accel-ppp: a Filter-Id would set the rate of a shaper, so none is sent."},
	{"juniper", FILTER_NONE, "Juniper: filters are vendor attributes of the plan."},
	{"nokia", FILTER_NONE, "Nokia 7750: filters are vendor attributes of the plan."},
	{"huawei", FILTER_NONE, "Huawei: Filter-Id means a user group, so none is sent."},
	{"other", FILTER_ID_WITH_DIRECTION, "Anything else: Filter-Id is NAME.in and NAME.out."},
};

const struct nas_kind *nas_kind_at(size_t index)
{
	return index < sizeof(kinds) / sizeof(*kinds) ? &kinds[index] : NULL;
}

const struct nas_kind *nas_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}
