/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Does the login come from where the subscriber is bound to? What the NAS does not tell of the line
 * is in no list. */
#include "auth/login.h"
#include "request/trace.h"
#include <string.h>

static bool has_station(struct login *login, const struct station_list *list, const char *station)
{
	return station != NULL &&
	       station_list_has(list, station_normalise(login->request->pool, station));
}

static bool has_word(const struct word_list *list, const char *word)
{
	return word != NULL && word_list_has(list, word);
}

/* The operator's list goes before what was learned. */
static bool has_calling_station(struct login *login)
{
	const struct binding *binding = &login->policy->binding;
	const char *station = login->line.calling_station_id;
	if (binding->calling_stations != NULL)
		return has_station(login, binding->calling_stations, station);
	if (!binding->learns)
		return true;
	if (station != NULL)
		station = station_normalise(login->request->pool, station);
	if (binding->learned == NULL) {
		/* A question opens no session, and binds nobody. */
		login->learns_station = login->wants_address ? station : NULL;
		return true;
	}
	return station != NULL && strcmp(station, binding->learned) == 0;
}

enum reject bound_check(struct login *login)
{
	const struct binding *binding = &login->policy->binding;
	if (!has_calling_station(login))
		return REJECT_other_calling_station;
	if (binding->called_stations != NULL &&
		!has_station(login, binding->called_stations, login->line.called_station_id))
		return REJECT_other_called_station;
	if (binding->nas_port_types != NULL &&
		!has_word(binding->nas_port_types, login->line.nas_port_type))
		return REJECT_other_port_type;
	if (binding->nas_groups != NULL &&
		!has_word(binding->nas_groups, login->request->nas->nas_group))
		return REJECT_other_nas_group;
	return REJECT_none;
}
