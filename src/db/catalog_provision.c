/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Says what plans provide once for each sort of access server that there is, and whether it fits.
 */
#include "base/mem.h"
#include "db/catalog_private.h"

/* Kept free of filters, the plan's attributes and what it provides: header, Message-Authenticator,
 * MS-CHAP's keys, address, Class and times take up to 300 octets; the rest is for Proxy-State and
 * what the subscriber's record gives. */
#define REPLY_REST_OCTETS 512

struct rendered_provision provision_render(TALLOC_CTX *ctx, const struct provision *provision,
	const struct nas_kind *kind, bool is_old)
{
	uint8_t buffer[RADIUS_MAX_PACKET];
	struct reply part;
	reply_init_part(&part, buffer);
	provision_put(&part, provision, kind, is_old);
	if (part.length == 0)
		return (struct rendered_provision){0};
	return (struct rendered_provision){
		.octets = mem_must(talloc_memdup(ctx, buffer, part.length)), .size = part.length};
}

/* Views that are told the same share it. */
static void render_view(struct catalog *catalog, const struct plan *plan, unsigned number,
	struct rendered_provision *provisions)
{
	const struct nas_view *view = &catalog->views[number];
	bool is_old = view->form == NAS_FORM_OLD_RULES;
	for (unsigned i = 0; i < number; i++) {
		if (catalog->views[i].kind == view->kind &&
			(catalog->views[i].form == NAS_FORM_OLD_RULES) == is_old) {
			provisions[number] = provisions[i];
			return;
		}
	}
	provisions[number] = provision_render(catalog, &plan->policy.provision, view->kind, is_old);
}

static size_t octets_taken(const struct plan *plan, unsigned view)
{
	size_t taken = plan->tunnels.octets;
	taken += plan->provisions ? plan->provisions[view].size : 0;
	for (size_t i = 0; i < plan->attribute_count; i++)
		taken += encoded_attr_octets(&plan->attributes[i]);
	return taken;
}

size_t catalog_octets_left(const struct plan *plan, unsigned view)
{
	size_t taken = REPLY_REST_OCTETS + octets_taken(plan, view);
	return taken < RADIUS_MAX_PACKET ? RADIUS_MAX_PACKET - taken : 0;
}

static void check(struct catalog *catalog, const struct plan *plan, unsigned number)
{
	const struct nas_view *view = &catalog->views[number];
	const struct provision *provision = &plan->policy.provision;
	size_t taken = octets_taken(plan, number);
	if (!provision_rates_fit(provision, view->kind)) {
		char *why = mem_must(talloc_asprintf(catalog,
			"it is told at most %d kbit/s, and these are %u in and %u out",
			RATE_32_MAX_KBIT, provision->rate_in_kbit, provision->rate_out_kbit));
		catalog_refuse(catalog, plan->name, plan->name, PLAN_RATES, view, false, why);
		talloc_free(why);
	}
	if (taken > RADIUS_MAX_PACKET - REPLY_REST_OCTETS) {
		char *why = mem_must(talloc_asprintf(catalog,
			"they take %zu octets of an answer, in which they have %d", taken,
			RADIUS_MAX_PACKET - REPLY_REST_OCTETS));
		catalog_refuse(catalog, plan->name, plan->name, PLAN_ATTRIBUTES, view, false, why);
		talloc_free(why);
	}
}

void catalog_render_provisions(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->plan_count; i++) {
		struct plan *plan = &catalog->plans[i];
		struct rendered_provision *provisions = NULL;
		if (!provision_is_empty(&plan->policy.provision)) {
			provisions = mem_must(talloc_zero_array(
				catalog, struct rendered_provision, catalog->view_count + 1));
			for (unsigned view = 0; view < catalog->view_count; view++)
				render_view(catalog, plan, view, provisions);
		}
		plan->provisions = provisions;
		for (unsigned view = 0; view < catalog->view_count; view++)
			check(catalog, plan, view);
	}
}
