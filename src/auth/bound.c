/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Does the login come from where the subscriber is bound to? What the NAS does not tell of the line
 * is in no list. Who is refused leaves words for the help desk: what came, and what was expected.
 */
#include "auth/login.h"
#include "base/mem.h"
#include "request/trace.h"
#include <string.h>

static void begin_detail(struct login *login, const char *words, const char *came, const char *none)
{
	login->refusal_detail = mem_must(
		came != NULL
			? talloc_asprintf(login->request->pool, "%s %s instead of ", words, came)
			: talloc_asprintf(login->request->pool, "%s instead of ", none));
}

static void add_detail(struct login *login, size_t place, const char *text, const char *end)
{
	login->refusal_detail = mem_must(talloc_asprintf(login->request->pool, "%s%s%s%s",
		login->refusal_detail, place > 0 ? ", " : "", text, end));
}

static enum reject refuse(struct login *login, enum reject reason)
{
	TRACE_SAY(login->request, "comes %s", login->refusal_detail);
	return reason;
}

static bool has_station(struct login *login, const struct station_list *list, const char *station)
{
	return station != NULL &&
	       station_list_has(list, station_normalise(login->request->pool, station));
}

static enum reject refuse_station(struct login *login, enum reject reason,
	const struct station_list *list, const char *words, const char *came, const char *none)
{
	begin_detail(login, words, came, none);
	for (size_t n = 0; n < list->count; n++)
		add_detail(
			login, n, list->patterns[n].text, list->patterns[n].is_prefix ? "*" : "");
	return refuse(login, reason);
}

static bool has_word(const struct word_list *list, const char *word)
{
	return word != NULL && word_list_has(list, word);
}

static enum reject refuse_word(struct login *login, enum reject reason,
	const struct word_list *list, const char *words, const char *came, const char *none)
{
	begin_detail(login, words, came, none);
	for (size_t n = 0; n < list->count; n++)
		add_detail(login, n, list->words[n], "");
	return refuse(login, reason);
}

#define FROM_STATION "from calling station"
#define FROM_NONE "without calling station"

/* Where no list says anything, what was learned counts, or is learned now. */
static enum reject check_learned(struct login *login)
{
	const struct binding *binding = &login->policy->binding;
	const char *came = login->line.calling_station_id;
	if (!binding->learns)
		return REJECT_none;
	const char *station = came == NULL ? NULL : station_normalise(login->request->pool, came);
	if (binding->learned == NULL) {
		/* A question opens no session and binds nobody; in a garden he has nothing of his
		 * own. */
		if (login->wants_address && login->garden_reason == REJECT_none)
			login->learns_station = station;
		return REJECT_none;
	}
	if (station != NULL && strcmp(station, binding->learned) == 0)
		return REJECT_none;
	begin_detail(login, FROM_STATION, came, FROM_NONE);
	add_detail(login, 0, binding->learned, "");
	return refuse(login, REJECT_other_calling_station);
}

enum reject bound_check(struct login *login)
{
	const struct binding *binding = &login->policy->binding;
	const struct line *line = &login->line;
	const char *group = login->request->nas->nas_group;
	enum reject reason = REJECT_none;
	if (binding->calling_stations == NULL)
		reason = check_learned(login);
	else if (!has_station(login, binding->calling_stations, line->calling_station_id))
		reason = refuse_station(login, REJECT_other_calling_station,
			binding->calling_stations, FROM_STATION, line->calling_station_id,
			FROM_NONE);
	if (reason != REJECT_none)
		return reason;
	if (binding->called_stations != NULL &&
		!has_station(login, binding->called_stations, line->called_station_id))
		return refuse_station(login, REJECT_other_called_station, binding->called_stations,
			"to called station", line->called_station_id, "without called station");
	if (binding->nas_port_types != NULL &&
		!has_word(binding->nas_port_types, line->nas_port_type))
		return refuse_word(login, REJECT_other_port_type, binding->nas_port_types,
			"over a port of type", line->nas_port_type, "without a type of port");
	if (binding->nas_groups != NULL && !has_word(binding->nas_groups, group))
		return refuse_word(login, REJECT_other_nas_group, binding->nas_groups,
			"through a NAS of group", group, "through a NAS of no group");
	return REJECT_none;
}
