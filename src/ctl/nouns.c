/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The nouns of popradctl, in the order of the help and the manual. */
#include "ctl/commands.h"

const struct noun ctl_nouns[] = {
	{"status", "The running server.", status_commands},
	{"db", "The database: the private cluster and the schema.", db_commands},
	{"nas", "Access servers: who may ask, with which secret.", nas_commands},
	{"group", "Groups of access servers (POPs).", group_commands},
	{"pool", "Addresses to lease.", pool_commands},
	{"address", "Single addresses.", address_commands},
	{"filter", "Packet filters that plans name.", filter_commands},
	{"filterset", "Pairs of filters that equipment knows by one name.", filter_set_commands},
	{"tunnel", "Tunnels that lines are put into.", tunnel_commands},
	{"plan", "What subscribers buy: pool, limits, filters.", plan_commands},
	{"realm", "The part of a login behind the @.", realm_commands},
	{"subscriber", "Who may log in.", subscriber_commands},
	{"session", "Who is online.", session_commands},
	{"history", "Sessions that ended, month by month.", history_commands},
	{"usage", "What was used on which day.", usage_commands},
	{"billing", "What a billing system reads.", billing_commands},
	{"spool", "Accounting on disk while the database is away.", spool_commands},
	{"quarantine", "Accounting that the database refused.", quarantine_commands},
	{"import", "What another server has.", import_commands},
	{"why", "Why somebody cannot log in.", why_commands},
	{"trace", "Packets as they come.", trace_commands},
	{0},
};
