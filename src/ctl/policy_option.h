/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The options that a plan has, and a subscriber may have of his own instead (db/policy.h): the same
 * names, forms and checks for both. */
#include "ctl/ctl.h"
#include "ctl/pg.h"
#include "db/policy.h"

/* From where logins are allowed. */
#define BINDING_OPTIONS(NONE, TAKES_NONE)                                                          \
	{.name = "calling-station",                                                                \
		.type = VALUE_TEXT,                                                                \
		.form = "ID" NONE,                                                                 \
		.is_repeatable = true,                                                             \
		.takes_none = (TAKES_NONE),                                                        \
		.sentence = "From where logins are allowed (Calling-Station-Id): a MAC address, "  \
			    "a telephone number, or the text as the NAS sends it; a * at the "     \
			    "end stands for whatever follows. All that are given replace the "     \
			    "present ones."},                                                      \
		{.name = "no-calling-stations", .sentence = "From anywhere."},                     \
		{.name = "learn-calling-station",                                                  \
			.type = VALUE_CHOICE,                                                      \
			.form = "yes|no",                                                          \
			.takes_none = (TAKES_NONE),                                                \
			.sentence = "Whether, where no --calling-station is said, the first that " \
				    "a subscriber is let in from is the only one from then on; "   \
				    "no by default."},                                             \
		{.name = "called-station",                                                         \
			.type = VALUE_TEXT,                                                        \
			.form = "ID" NONE,                                                         \
			.is_repeatable = true,                                                     \
			.takes_none = (TAKES_NONE),                                                \
			.sentence = "To where logins are allowed (Called-Station-Id): a number, "  \
				    "an access point and its network, likewise."},                 \
		{.name = "no-called-stations", .sentence = "To anywhere."},                        \
		{.name = "nas-port-type",                                                          \
			.type = VALUE_TEXT,                                                        \
			.form = "TYPE" NONE,                                                       \
			.is_repeatable = true,                                                     \
			.takes_none = (TAKES_NONE),                                                \
			.sentence = "Over which type of port logins are allowed (Ethernet, "       \
				    "Wireless-802.11); all that are given replace the present "    \
				    "ones."},                                                      \
		{.name = "no-nas-port-types", .sentence = "Over any type of port."},               \
		{.name = "nas-group",                                                              \
			.type = VALUE_NAME,                                                        \
			.form = "G" NONE,                                                          \
			.is_repeatable = true,                                                     \
			.takes_none = (TAKES_NONE),                                                \
			.sentence = "Through the NASes of which groups logins are allowed; all "   \
				    "that are given replace the present ones."},                   \
	{                                                                                          \
		.name = "no-nas-groups", .sentence = "Through any NAS."                            \
	}

/* Into which tunnels lines are put. */
#define TUNNEL_CHOICE(NONE, TAKES_NONE)                                                          \
	{.name = "tunnel",                                                                       \
		.type = VALUE_NAME,                                                              \
		.form = "T" NONE,                                                                \
		.is_repeatable = true,                                                           \
		.takes_none = (TAKES_NONE),                                                      \
		.sentence = "A tunnel that the NAS puts the line into (popradctl tunnel), the "  \
			    "preferred one first: up to 31; all that are given replace the "     \
			    "present ones."},                                                    \
		{.name = "no-tunnels", .sentence = "The line ends at the NAS."},                 \
	{                                                                                        \
		.name = "tunnel-address", .type = VALUE_CHOICE, .form = "yes|no",                \
		.takes_none = (TAKES_NONE),                                                      \
		.sentence = "Whether a line that is put into a tunnel gets an address here all " \
			    "the same, of the pool or its static one; no by default."            \
	}

/* How much may be used. */
#define QUOTA_OPTIONS(NONE, TAKES_NONE)                                                          \
	{.name = "quota-day-time",                                                               \
		.type = VALUE_SECONDS,                                                           \
		.form = "D" NONE,                                                                \
		.takes_none = (TAKES_NONE),                                                      \
		.sentence = "How long all sessions of a day may last together (4h); 0 is no "    \
			    "limit. Days begin at midnight of the time zone."},                  \
		{.name = "quota-day-volume",                                                     \
			.type = VALUE_VOLUME,                                                    \
			.form = "V" NONE,                                                        \
			.takes_none = (TAKES_NONE),                                              \
			.sentence = "How many octets they may carry together (500M, 5G; powers " \
				    "of 1000); 0 is no limit."},                                 \
		{.name = "quota-month-time",                                                     \
			.type = VALUE_SECONDS,                                                   \
			.form = "D" NONE,                                                        \
			.takes_none = (TAKES_NONE),                                              \
			.sentence = "The same per calendar month."},                             \
		{.name = "quota-month-volume",                                                   \
			.type = VALUE_VOLUME,                                                    \
			.form = "V" NONE,                                                        \
			.takes_none = (TAKES_NONE),                                              \
			.sentence = "The same per calendar month."},                             \
		{.name = "quota-counts",                                                         \
			.type = VALUE_CHOICE,                                                    \
			.form = "both|in|out",                                                   \
			.takes_none = (TAKES_NONE),                                              \
			.sentence = "Which octets count: in is what the subscriber sends, out "  \
				    "what he "                                                   \
				    "is sent; both by default."},                                \
	{                                                                                        \
		.name = "prepaid", .type = VALUE_CHOICE, .form = "yes|no",                       \
		.takes_none = (TAKES_NONE),                                                      \
		.sentence = "Whether a subscriber may use what he has bought (subscriber "       \
			    "topup), and no more; no by default."                                \
	}

/* NONE is "|none" where an own value can be taken away, TAKES_NONE true then. */
#define POLICY_OPTIONS(NONE, TAKES_NONE)                                                          \
	{.name = "sessions",                                                                      \
		.type = VALUE_NUMBER,                                                             \
		.form = "N" NONE,                                                                 \
		.takes_none = (TAKES_NONE),                                                       \
		.sentence = "Sessions at a time; 0 is no limit."},                                \
		{.name = "session-timeout",                                                       \
			.type = VALUE_SECONDS,                                                    \
			.form = "D" NONE,                                                         \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "Longest session (8h); 0 is no limit."},                      \
		{.name = "idle-timeout",                                                          \
			.type = VALUE_SECONDS,                                                    \
			.form = "D" NONE,                                                         \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "Longest silence in a session (15m); 0 is no limit."},        \
		{.name = "login-hours",                                                           \
			.type = VALUE_TEXT,                                                       \
			.form = "HOURS" NONE,                                                     \
			.takes_none = (TAKES_NONE),                                               \
			.sentence =                                                               \
				"When logins are allowed, and behind which sessions end: 'Mo-Fr " \
				"18:00-23:00, Sa-Su 00:00-24:00', or always."},                   \
		{.name = "time-zone",                                                             \
			.type = VALUE_ZONE,                                                       \
			.form = "ZONE" NONE,                                                      \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "Whose clock the login hours go by (Europe/Berlin); a "       \
				    "plan's is UTC by default."},                                 \
		{.name = "interim",                                                               \
			.type = VALUE_SECONDS,                                                    \
			.form = "D" NONE,                                                         \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "Time between accounting updates (10m), at least 60s; 0 "     \
				    "leaves it to the NAS."},                                     \
		{.name = "rate-in",                                                               \
			.type = VALUE_NUMBER,                                                     \
			.form = "K" NONE,                                                         \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "What the subscriber may send, in kbit/s; 0 is no limit. "    \
				    "In and out as in filters: seen by the NAS. Both rates "      \
				    "are given, or neither."},                                    \
		{.name = "rate-out",                                                              \
			.type = VALUE_NUMBER,                                                     \
			.form = "K" NONE,                                                         \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "What is sent to the subscriber, likewise."},                 \
		{.name = "dns-server",                                                            \
			.type = VALUE_ADDRESS,                                                    \
			.form = "A" NONE,                                                         \
			.is_repeatable = true,                                                    \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "A name server for the subscriber, the preferred one first: " \
				    "up to two IPv4 and two IPv6 addresses; all that are given "  \
				    "replace the present ones."},                                 \
		{.name = "no-dns-servers", .sentence = "No name servers."},                       \
		{.name = "address-list",                                                          \
			.type = VALUE_NAME,                                                       \
			.form = "LIST" NONE,                                                      \
			.takes_none = (TAKES_NONE),                                               \
			.sentence = "The list of its firewall that a MikroTik router puts the "   \
				    "subscriber's address on while he is online."},               \
		{.name = "no-address-list", .sentence = "No such list."},                         \
		TUNNEL_CHOICE(NONE, TAKES_NONE), QUOTA_OPTIONS(NONE, TAKES_NONE),                 \
		BINDING_OPTIONS(NONE, TAKES_NONE)

/* What only a subscriber has. */
#define SUBSCRIBER_POLICY_OPTIONS                                                               \
	{.name = "route",                                                                       \
		.type = VALUE_PREFIX,                                                           \
		.form = "NET",                                                                  \
		.is_repeatable = true,                                                          \
		.sentence =                                                                     \
			"A network behind the line, which the NAS routes to it (Framed-Route, " \
			"Framed-IPv6-Route): up to 16; all that are given replace the "         \
			"present ones."},                                                       \
	{                                                                                       \
		.name = "no-routes", .sentence = "No such networks."                            \
	}

/* The options that were given as a JSON object of columns, null for those that are taken away; NULL
 * if none was given. */
int policy_params(struct call *call, bool is_subscriber, struct params *params) MUST_CHECK;

/* What a column of a file says of the field, to be let go of by the caller: entries of a list stand
 * between semicolons. *why: what is wrong, or NULL. For types of port the dictionary is loaded. */
json_t *policy_column_value(
	struct call *call, enum policy_field field, char *text, const char **why) MUST_CHECK;
