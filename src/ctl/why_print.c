/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * From what concerns the subscriber to what concerns the network; each reason is explained once. */
#include "ctl/why_print.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/field.h"
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <talloc.h>

struct printer {
	TALLOC_CTX *ctx;
	FILE *out;
	const json_t *why;
	json_t *explained; /* reasons */
};

/* One line; what came from outside cannot leave it. */
static void say(const struct printer *printer, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(const struct printer *printer, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	field_print(printer->out, mem_must(talloc_vasprintf(printer->ctx, format, list)));
	va_end(list);
	fputc('\n', printer->out);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static long long number_of(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* "2026-11-22T14:02:11Z" -> "2026-11-22 14:02:11" */
static const char *time_of(const struct printer *printer, const json_t *object, const char *name)
{
	const char *text = text_of(object, name);
	if (text == NULL || strlen(text) != strlen("2026-11-22T14:02:11Z"))
		return "-";
	return mem_must(talloc_asprintf(printer->ctx, "%.10s %.8s", text, text + 11));
}

/* The same without its day if that is the day of the other. */
static const char *later_time(
	const struct printer *printer, const json_t *object, const char *first, const char *last)
{
	const char *from = time_of(printer, object, first), *to = time_of(printer, object, last);
	return strncmp(from, to, 10) == 0 && strlen(to) > 11 ? to + 11 : to;
}

static const char *nas_text(const struct printer *printer, const json_t *object)
{
	const char *name = text_of(object, "nas");
	return mem_must(talloc_asprintf(printer->ctx, "%s (%s)",
		name != NULL ? name : "a NAS that is not known any more",
		text_of(object, "nas_address")));
}

static const char *port_text(const struct printer *printer, const json_t *object)
{
	const char *id = text_of(object, "nas_port_id");
	if (id != NULL)
		return mem_must(talloc_asprintf(printer->ctx, " port %s", id));
	if (json_is_integer(json_object_get(object, "nas_port")))
		return mem_must(
			talloc_asprintf(printer->ctx, " port %lld", number_of(object, "nas_port")));
	return "";
}

/* ", calling from 0255501234", or nothing */
static const char *optional(
	const struct printer *printer, const char *words, const json_t *object, const char *name)
{
	const char *text = text_of(object, name);
	return text == NULL ? "" : mem_must(talloc_asprintf(printer->ctx, "%s%s", words, text));
}

static void explain(const struct printer *printer, const char *reason, const char *indent)
{
	const json_t *advice = json_object_get(json_object_get(printer->why, "advice"), reason);
	if (advice == NULL || json_object_get(printer->explained, reason) != NULL)
		return;
	json_object_set_new(printer->explained, reason, json_true());
	say(printer, "%s%s", indent, text_of(advice, "what"));
	say(printer, "%sWhat to do: %s", indent, text_of(advice, "help"));
	say(printer, "%sTo the customer: %s", indent, text_of(advice, "customer"));
}

/* Passwords -------------------------------------------------------------------------------- */

static const struct {
	const char *form, *sentence;
	bool serves_chap, serves_mschap;
} forms[] = {
	{"cleartext", "in clear: PAP, CHAP and MS-CHAP can verify it", true, true},
	{"nt", "an NT hash: PAP and MS-CHAP can verify it, CHAP cannot", false, true},
	{"crypt", "a crypt hash: PAP can verify it, CHAP and MS-CHAP cannot", false, false},
	{"digest", "a hash: PAP can verify it, CHAP and MS-CHAP cannot", false, false},
	{"unknown", "of a form that the server does not know: nothing can verify it", false, false},
};

static bool is_chap(const char *method)
{
	return strcmp(method, "chap") == 0;
}

/* The newest attempt's method, if it does not suit the form. */
static void print_conflict(const struct printer *printer, size_t form)
{
	const json_t *newest = json_array_get(json_object_get(printer->why, "attempts"), 0);
	const char *method = text_of(newest, "method");
	if (method == NULL || strcmp(method, "pap") == 0 ||
		(is_chap(method) ? forms[form].serves_chap : forms[form].serves_mschap))
		return;
	say(printer, "  But %s sends %s.", nas_text(printer, newest),
		is_chap(method) ? "CHAP" : "MS-CHAP");
}

static void print_password(const struct printer *printer)
{
	const char *name = text_of(printer->why, "password");
	for (size_t n = 0; name != NULL && n < sizeof(forms) / sizeof(*forms); n++) {
		if (strcmp(forms[n].form, name) != 0)
			continue;
		say(printer, "  The stored password is %s.", forms[n].sentence);
		print_conflict(printer, n);
	}
}

/* The subscriber --------------------------------------------------------------------------- */

static void print_similar(const struct printer *printer)
{
	const json_t *similar = json_object_get(printer->why, "similar");
	const json_t *login;
	size_t index;
	json_array_foreach(similar, index, login) say(printer, "%s%s",
		index == 0 ? "  Similar logins: " : "                  ", json_string_value(login));
	if (json_array_size(similar) == 0)
		say(printer, "  Nor is there a similar one.");
}

/* "a, b" */
static const char *names_text(const struct printer *printer, const json_t *names)
{
	char *text = mem_must(talloc_strdup(printer->ctx, ""));
	const json_t *name;
	size_t index;
	json_array_foreach(names, index, name) text = mem_must(talloc_asprintf_append(
		text, "%s%s", index > 0 ? ", " : "", json_string_value(name)));
	return text;
}

static void print_imposed_by_group(const struct printer *printer, const json_t *imposed)
{
	if (json_is_object(imposed))
		say(printer, "    group %s imposes: %s", text_of(imposed, "group"),
			names_text(printer, json_object_get(imposed, "filters")));
}

static void print_filters(const struct printer *printer, const json_t *subscriber)
{
	const json_t *quarantine = json_object_get(subscriber, "quarantine"), *one;
	const json_t *imposed = json_object_get(subscriber, "imposed");
	size_t index;
	if (json_array_size(imposed) > 0)
		say(printer, "  His realm imposes: %s.", names_text(printer, imposed));
	if (json_is_object(quarantine))
		say(printer, "  In quarantine with filter set %s since %s: %s.",
			text_of(quarantine, "filter_set"), time_of(printer, quarantine, "since"),
			text_of(quarantine, "reason"));
	json_array_foreach(json_object_get(subscriber, "exempt_from"), index, one)
		say(printer, "  Exempt from filter %s since %s: %s.", text_of(one, "filter"),
			time_of(printer, one, "since"), text_of(one, "reason"));
}

/* "a, b", or NULL if the list is empty. */
static const char *list_text(const struct printer *printer, const json_t *object, const char *name)
{
	const json_t *one;
	char *text = NULL;
	size_t index;
	json_array_foreach(json_object_get(object, name), index, one) text =
		mem_must(talloc_asprintf(printer->ctx, "%s%s%s", text == NULL ? "" : text,
			text == NULL ? "" : ", ", json_string_value(one)));
	return text;
}

/* From where he may log in, in the words in which a NAS tells it. */
static void print_binding(const struct printer *printer, const json_t *subscriber)
{
	static const struct {
		const char *member, *words;
	} lists[] = {
		{"calling_stations", "from calling station"},
		{"called_stations", "to called station"},
		{"nas_port_types", "over ports of type"},
		{"nas_groups", "through NASes of group"},
	};
	const char *learned = text_of(subscriber, "learned_calling_station");
	for (size_t n = 0; n < sizeof lists / sizeof *lists; n++) {
		const char *text = list_text(printer, subscriber, lists[n].member);
		if (text != NULL)
			say(printer, "  Only %s %s.", lists[n].words, text);
	}
	if (json_array_size(json_object_get(subscriber, "calling_stations")) > 0 ||
		!json_is_true(json_object_get(subscriber, "learn_calling_station")))
		return;
	if (learned == NULL)
		say(printer,
			"  The next calling station that he is let in from will be the only one.");
	else
		say(printer, "  Only from calling station %s, learned at %s.", learned,
			time_of(printer, subscriber, "learned_at"));
}

static void print_tunnels(const struct printer *printer, const json_t *subscriber)
{
	const char *tunnels = list_text(printer, subscriber, "tunnels");
	if (tunnels == NULL)
		return;
	say(printer, "  His line is put into a tunnel: %s%s.", tunnels,
		json_is_true(json_object_get(subscriber, "tunnel_address"))
			? "; he gets an address here"
			: "; the other end gives the address");
}

/* "3 h 05 min", or octets as they are sold. */
static const char *amount_text(const struct printer *printer, const char *what, long long amount)
{
	static const char *const units[] = {"octets", "kB", "MB", "GB", "TB"};
	size_t unit = 0;
	double rest = (double)amount;
	if (strcmp(what, "seconds") == 0)
		return mem_must(talloc_asprintf(
			printer->ctx, "%lld h %02lld min", amount / 3600, amount / 60 % 60));
	for (; rest >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
		rest /= 1000;
	return mem_must(
		talloc_asprintf(printer->ctx, "%.*f %s", unit > 0 ? 2 : 0, rest, units[unit]));
}

/* True: nothing is left. */
static bool print_prepaid(const struct printer *printer, const json_t *left)
{
	const json_t *seconds = json_object_get(left, "seconds");
	const json_t *octets = json_object_get(left, "octets");
	bool has_time = json_is_integer(seconds), has_octets = json_is_integer(octets);
	if (!json_is_object(left))
		return false;
	if (!has_time && !has_octets)
		say(printer, "  Prepaid, and nothing has been bought yet.");
	if (has_time)
		say(printer, "  Prepaid time: %s left.",
			amount_text(printer, "seconds", json_integer_value(seconds)));
	if (has_octets)
		say(printer, "  Prepaid volume: %s left.",
			amount_text(printer, "octets", json_integer_value(octets)));
	return (!has_time && !has_octets) || (has_time && json_integer_value(seconds) == 0) ||
	       (has_octets && json_integer_value(octets) == 0);
}

static void print_quotas(const struct printer *printer, const json_t *subscriber)
{
	const json_t *quota;
	size_t index;
	bool is_used_up = false;
	json_array_foreach(json_object_get(subscriber, "quotas"), index, quota)
	{
		const char *what = text_of(quota, "what");
		long long used = number_of(quota, "used"), whole = number_of(quota, "quota");
		bool is_over = used >= whole;
		is_used_up = is_used_up || is_over;
		say(printer, "  Quota of the %s: %s of %s used%s%s.", text_of(quota, "period"),
			amount_text(printer, what, used), amount_text(printer, what, whole),
			is_over ? "; full again at " : "",
			is_over ? time_of(printer, quota, "full_again_at") : "");
	}
	is_used_up = print_prepaid(printer, json_object_get(subscriber, "prepaid")) || is_used_up;
	const char *garden = text_of(subscriber, "exhausted_plan");
	if (is_used_up && garden != NULL)
		say(printer, "  Let in with plan %s until then, and nothing of his own.", garden);
	else if (is_used_up)
		explain(printer, "quota_used_up", "  ");
}

static void print_subscriber(const struct printer *printer)
{
	const json_t *subscriber = json_object_get(printer->why, "subscriber");
	const char *login = text_of(printer->why, "login");
	const char *filter = text_of(printer->why, "filter");
	if (!json_is_object(subscriber) && filter != NULL) {
		say(printer,
			"%s: no subscriber, but the filter %s, for which access servers of the "
			"filter form filter-server ask by that name.",
			login, filter);
		return;
	}
	if (!json_is_object(subscriber)) {
		say(printer, "%s: there is no such subscriber.", login);
		print_similar(printer);
		return;
	}
	bool has_expired = json_is_true(json_object_get(subscriber, "has_expired"));
	bool has_end = text_of(subscriber, "expires_at") != NULL;
	say(printer, "%s: %s, plan %s, %s%s%s%s%s.", login, text_of(subscriber, "status"),
		text_of(subscriber, "plan"),
		has_expired ? "expired at " : (has_end ? "expires at " : "does not expire"),
		has_end ? time_of(printer, subscriber, "expires_at") : "",
		optional(printer, ", static address ", subscriber, "static_address"),
		optional(printer, ", static prefix ", subscriber, "framed_ipv6_prefix"),
		optional(printer, ", delegated prefix ", subscriber, "delegated_ipv6_prefix"));
	const char *hours = text_of(subscriber, "login_hours");
	if (hours != NULL && strcmp(hours, "always") != 0)
		say(printer, "  Login hours: %s (%s).", hours, text_of(subscriber, "time_zone"));
	print_binding(printer, subscriber);
	print_tunnels(printer, subscriber);
	print_quotas(printer, subscriber);
	const char *garden = text_of(subscriber, "let_in_with");
	if (garden != NULL)
		say(printer, "  Let in with plan %s meanwhile, and nothing of his own.", garden);
	else if (strcmp(text_of(subscriber, "status"), "suspended") == 0)
		explain(printer, "suspended", "  ");
	else if (has_expired)
		explain(printer, "expired", "  ");
	print_filters(printer, subscriber);
	print_password(printer);
}

/* Sessions --------------------------------------------------------------------------------- */

static void print_session(const struct printer *printer, const json_t *session)
{
	bool is_active = strcmp(text_of(session, "state"), "active") == 0;
	say(printer, "%s since %s on %s%s%s%s%s%s (session %s).",
		is_active ? "Online" : "Let in, but its NAS has not reported the session's start;",
		time_of(printer, session, "since"), nas_text(printer, session),
		port_text(printer, session),
		optional(printer, ", from ", session, "calling_station_id"),
		optional(printer, ", address ", session, "address"),
		optional(printer, ", prefix ", session, "framed_ipv6_prefix"),
		optional(printer, ", delegated prefix ", session, "delegated_ipv6_prefix"),
		text_of(session, "session_key"));
	if (json_is_true(json_object_get(session, "is_over_quota")))
		say(printer, "  Its newest record shows that a quota, or what was prepaid, is used "
			     "up (over_quota).");
	print_imposed_by_group(printer, json_object_get(session, "imposed"));
}

static void print_last_session(const struct printer *printer)
{
	const json_t *last = json_object_get(printer->why, "last_session");
	if (!json_is_object(last))
		return;
	say(printer, "The last closed session: %s to %s on %s%s%s.",
		time_of(printer, last, "started_at"), time_of(printer, last, "stopped_at"),
		nas_text(printer, last), optional(printer, ", address ", last, "address"),
		optional(printer, ", ended by ", last, "terminate_cause"));
}

static void print_sessions(const struct printer *printer)
{
	const json_t *sessions = json_object_get(printer->why, "sessions"), *session;
	long long limit = number_of(json_object_get(printer->why, "subscriber"), "session_limit");
	size_t index;
	if (!json_is_object(json_object_get(printer->why, "subscriber")))
		return;
	if (json_array_size(sessions) == 0)
		say(printer, "Not online.");
	json_array_foreach(sessions, index, session) print_session(printer, session);
	if (limit > 0)
		say(printer, "At most %lld at a time.", limit);
	print_last_session(printer);
}

/* Attempts --------------------------------------------------------------------------------- */

/* "wrong_password" -> "wrong password" */
static const char *reason_words(const struct printer *printer, const json_t *attempt)
{
	const char *reason = text_of(attempt, "reason"), *result = text_of(attempt, "result");
	bool is_garden = reason != NULL && result != NULL && strcmp(result, "accept") == 0;
	char *words = mem_must(talloc_asprintf(printer->ctx, "%s%s",
		is_garden ? "accepted into the walled garden, because " : "",
		reason != NULL ? reason : "accepted"));
	for (char *c = words; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	return words;
}

static const char *count_text(const struct printer *printer, const json_t *attempt)
{
	if (number_of(attempt, "attempts") == 1)
		return mem_must(talloc_asprintf(
			printer->ctx, "1 attempt at %s", time_of(printer, attempt, "last_at")));
	return mem_must(talloc_asprintf(printer->ctx, "%lld attempts since %s, the last at %s",
		number_of(attempt, "attempts"), time_of(printer, attempt, "first_at"),
		later_time(printer, attempt, "first_at", "last_at")));
}

static void print_attempt(const struct printer *printer, const json_t *attempt)
{
	const char *result = text_of(attempt, "result"), *reason = text_of(attempt, "reason");
	say(printer, "  %s%s: %s%s, on %s%s%s%s.",
		strcmp(result, "drop") == 0 ? "not answered, " : "", reason_words(printer, attempt),
		count_text(printer, attempt),
		optional(printer, ", from ", attempt, "calling_station_id"),
		nas_text(printer, attempt), port_text(printer, attempt),
		optional(printer, ", with ", attempt, "method"),
		optional(printer, ", address ", attempt, "address"));
	if (strcmp(result, "accept") == 0 && text_of(attempt, "sent") != NULL)
		say(printer, "    sent: %s", text_of(attempt, "sent"));
	if (text_of(attempt, "detail") != NULL)
		say(printer, "    He came %s.", text_of(attempt, "detail"));
	if (strcmp(result, "accept") == 0)
		print_imposed_by_group(printer, json_object_get(attempt, "imposed"));
	if (number_of(attempt, "held_ms") > 0)
		say(printer,
			"    So many were wrong that the answers were held back, the longest for "
			"%g "
			"s; the right password is let in at once.",
			(double)number_of(attempt, "held_ms") / 1000);
	if (reason != NULL && strcmp(result, "accept") != 0)
		explain(printer, reason, "    ");
}

static void print_attempts(const struct printer *printer)
{
	const json_t *attempts = json_object_get(printer->why, "attempts"), *attempt;
	size_t index;
	if (json_array_size(attempts) == 0) {
		say(printer, "No attempt of this login is known.");
		if (json_array_size(json_object_get(printer->why, "sessions")) > 0) {
			say(printer, "  The login behind that session has left no row, or not yet: "
				     "rows follow "
				     "the answers by a moment, are left out while the database is "
				     "busy, and are kept for attempts_keep.");
			return;
		}
		say(printer,
			"  The customer's equipment sends another login or none, does not get as "
			"far as the NAS, or the NAS does not ask this server.");
		return;
	}
	say(printer, "Attempts, the newest first:");
	json_array_foreach(attempts, index, attempt) print_attempt(printer, attempt);
}

/* A row stands for a minute. */
static void print_drop(const struct printer *printer, const json_t *drop)
{
	long long minutes = number_of(drop, "minutes");
	const char *from = text_of(drop, "nas") != NULL ? nas_text(printer, drop)
							: text_of(drop, "nas_address");
	if (minutes == 1)
		say(printer, "  %s: from %s at %s.", reason_words(printer, drop), from,
			time_of(printer, drop, "last_at"));
	else
		say(printer, "  %s: from %s in %lld minutes since %s, the last at %s.",
			reason_words(printer, drop), from, minutes,
			time_of(printer, drop, "first_at"),
			later_time(printer, drop, "first_at", "last_at"));
	explain(printer, text_of(drop, "reason"), "    ");
}

static void print_dropped(const struct printer *printer)
{
	const json_t *dropped = json_object_get(printer->why, "dropped"), *one;
	size_t index;
	if (json_array_size(dropped) == 0)
		return;
	say(printer, "Packets of the last day that were dropped before it was known whose they "
		     "are:");
	json_array_foreach(dropped, index, one) print_drop(printer, one);
}

void why_print(FILE *out, const json_t *why)
{
	struct printer printer = {.ctx = mem_must(talloc_new(NULL)),
		.out = out,
		.why = why,
		.explained = mem_must(json_object())};
	print_subscriber(&printer);
	print_sessions(&printer);
	print_attempts(&printer);
	print_dropped(&printer);
	json_decref(printer.explained);
	talloc_free(printer.ctx);
}
