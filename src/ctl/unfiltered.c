/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/unfiltered.h"
#include "base/mem.h"
#include "db/catalog.h"
#include "ctl/field.h"

#define NAMED_MAX "5" /* access servers that are called by their names */

/* The kinds without any form of filters, as an array. */
static void add_kinds(TALLOC_CTX *ctx, struct params *params)
{
	const char *names[NAS_KINDS_MAX];
	size_t count = 0;

	for (size_t i = 0; nas_kind_at(i) != NULL; i++)
		if (nas_kind_rendering(nas_kind_at(i), NAS_FORM_USUAL) == RENDER_NOTHING)
			names[count++] = nas_kind_at(i)->name;
	params_add_array(ctx, params, names, count);
}

int unfiltered_note(struct pg *pg, const char *group, const char *meaning)
{
	struct params params = {0};
	const char *list = NULL;
	int code;

	add_kinds(pg->call->ctx, &params);
	params_add(&params, group);
	code = pg_value(pg,
		"select string_agg(w.text, ', ' order by w.place) from (select row_number() over "
		"(order by n.name) as place, case when row_number() over (order by n.name) "
		"> " NAMED_MAX " then 'and ' || count(*) over () - " NAMED_MAX " || ' more' else "
		"n.name || ' (' || n.kind || case n.filter_form when 'none' then ', filter form "
		"none' else '' end || ')' end as text from poprad.nas n left join "
		"poprad.nas_group g using (nas_group_id) where (n.filter_form = 'none' or n.kind = "
		"any ($1::text[])) and ($2::text is null or g.name = $2)) w where w.place "
		"<= " NAMED_MAX " + 1",
		&params, &list);
	if (code == CTL_OK && list != NULL) {
		fprintf(pg->call->errors, "popradctl: note: no filters are sent to NAS ");
		field_print(pg->call->errors, list);
		fprintf(pg->call->errors, "; %s\n", meaning);
	}
	return code;
}
