/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Each noun's rows of the command table. */
#include "ctl/ctl.h"

extern const struct command db_commands[], nas_commands[], group_commands[], plan_commands[],
	pool_commands[], filter_commands[], filter_set_commands[], realm_commands[],
	subscriber_commands[], session_commands[], address_commands[], status_commands[],
	why_commands[], trace_commands[], tunnel_commands[], spool_commands[],
	quarantine_commands[], usage_commands[], history_commands[], billing_commands[],
	import_commands[];

/* Reads a file of subscribers ("-": standard input) and inserts them all, or none. */
int subscriber_import(struct call *call);
/* Who may log in, with what he has of his own. */
int subscriber_add(struct call *call);
int subscriber_set(struct call *call);
int subscriber_list(struct call *call);
int subscriber_show(struct call *call);
/* Says so; returns CTL_REFUSED. */
int subscriber_not_there(const struct call *call, const char *login);
/* What a subscriber has of his own of filters. */
int subscriber_exempt(struct call *call);
int subscriber_unexempt(struct call *call);
int subscriber_quarantine(struct call *call);
int subscriber_release(struct call *call);
/* What prepaid subscribers have bought. */
int subscriber_topup(struct call *call);
int subscriber_topups(struct call *call);
/* What a plan costs. */
int plan_tariff(struct call *call);
int plan_untariff(struct call *call);
/* Writes filters as routers and access servers have them. */
int filter_export(struct call *call);
/* Stores what lies in the spool. */
int spool_replay(struct call *call);
/* Shows what a subscriber would be sent. */
int filter_preview(struct call *call);
