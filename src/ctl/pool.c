/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl pool and popradctl address: what may be leased, and who holds it. */
#include "ctl/catalog_change.h"
#include "ctl/commands.h"
#include "ctl/output.h"

static const struct parameter pool_add_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The pool; made with its first range."},
	{.name = "CIDR", .type = VALUE_PREFIX, .sentence = "The range, such as 100.64.0.0/15."},
	{0},
};
static const struct parameter pool_add_options[] = {
	{.name = "group",
		.type = VALUE_NAME,
		.form = "G",
		.sentence = "Only for access servers of this group; without it the range serves "
			    "every group."},
	{.name = "prefix-length",
		.type = VALUE_NUMBER,
		.form = "N",
		.sentence = "Lease IPv6 prefixes of this length, 17 to 64, instead of addresses: "
			    "the range is a network of IPv6 that holds up to 2^32 of them."},
	{.name = "all",
		.sentence = "Lease the first and the last address of the range too; they are left "
			    "out otherwise."},
	{0},
};
static const struct parameter pool_list_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .is_optional = true, .sentence = "Only this pool."},
	{0},
};
static const struct parameter pool_remove_arguments[] = {
	{.name = "NAME", .type = VALUE_NAME, .sentence = "The pool."},
	{.name = "CIDR",
		.type = VALUE_PREFIX,
		.is_optional = true,
		.sentence = "Only this range of it."},
	{0},
};
static const struct parameter json_options[] = {OPTION_JSON, {0}};
static const struct parameter address_arguments[] = {
	{.name = "ADDRESS",
		.type = VALUE_PREFIX,
		.sentence = "The address, or the IPv6 prefix with its length."},
	{0},
};

static int pool_add(struct call *call)
{
	struct catalog_change *change;
	struct params params = {0};
	const char *count = NULL;
	struct pg *pg;
	const char *length = call_value(call, "prefix-length");
	int code;

	if (length != NULL && call_has(call, "all"))
		return call_fail(call, CTL_USAGE,
			"--all is about addresses; of prefixes all are leased anyway");
	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "CIDR"));
	params_add(&params, call_value(call, "group"));
	params_add(&params, length != NULL ? length : call_has(call, "all") ? "true" : "false");
	code = pg_open(call, &pg);
	if (code == CTL_OK)
		code = catalog_change_begin(pg, &change);
	if (code == CTL_OK)
		code = pg_value(pg,
			length != NULL
				? "select poprad.prefix_pool_add($1, $2::cidr, $3, $4::int)::text"
				: "select poprad.pool_add($1, $2::cidr, $3, $4::boolean)::text",
			&params, &count);
	if (code == CTL_OK)
		code = catalog_change_end(change);
	if (code == CTL_OK)
		fprintf(call->out, "%s %s added\n", count,
			length != NULL ? "prefixes" : "addresses");
	return code;
}

static int pool_list(struct call *call)
{
	/* A pool whose last range was removed is listed too. */
	struct listing listing = {
		.select = "select coalesce(r.pool_range_id, -p.pool_id) as _key, p.name, "
			  "p.pool_id, r.pool_range_id, r.prefix, p.lease_length, "
			  "g.name as nas_group, r.first_address, r.last_address, "
			  "coalesce(x.size, a.size) as size, a.used, "
			  "coalesce(x.size, a.size) - a.used as free from poprad.pool p "
			  "left join poprad.pool_range r using (pool_id) "
			  "left join poprad.prefix_range x using (pool_range_id) "
			  "left join poprad.nas_group g using (nas_group_id) "
			  "cross join lateral (select count(*) as size, count(*) filter "
			  "(where session_key is not null or is_static) as used "
			  "from poprad.address where address between r.first_address "
			  "and r.last_address and pool_range_id = r.pool_range_id) a",
		.key = "coalesce(r.pool_range_id, -p.pool_id)",
		.after = "coalesce($1::int, -2147483648)",
		.brief = "name prefix lease_length nas_group size used free",
	};
	struct pg *pg;
	int code = pg_open(call, &pg);

	listing_filter(call->ctx, &listing, "p.name = $", call_value(call, "NAME"));
	return code != CTL_OK ? code : output_list(pg, &listing);
}

static int pool_remove(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "NAME"));
	params_add(&params, call_value(call, "CIDR"));
	return code != CTL_OK
		       ? code
		       : pg_run(pg, "select poprad.pool_remove($1, $2::cidr)", &params, NULL);
}

static int address_show(struct call *call)
{
	struct params params = {0};
	struct pg *pg;
	int code = pg_open(call, &pg);

	params_add(&params, call_value(call, "ADDRESS"));
	return code != CTL_OK
		       ? code
		       : output_show(pg,
				 "select a.address, p.name as pool, r.prefix, "
				 "a.is_static, (select string_agg(o.login, ' ') from "
				 "poprad.static_owner(a.address) o) as static_login, s.login, "
				 "a.session_key, a.changed_at from poprad.address a "
				 "left join poprad.pool p using (pool_id) "
				 "left join poprad.pool_range r using (pool_range_id) "
				 "left join poprad.subscriber s on s.subscriber_id = "
				 "a.subscriber_id "
				 "where a.address = $1::inet",
				 &params, "such address or prefix in a pool, nor a static one");
}

const struct command pool_commands[] = {
	{
		.verb = "add",
		.arguments = pool_add_arguments,
		.options = pool_add_options,
		.sentence = "Adds a range of addresses, or of IPv6 prefixes, to a pool.",
		.details =
			"The range must begin on a boundary of its length and overlap no other. "
			"An IPv4 range has a length of /8 or more, an IPv6 range of addresses of "
			"/108 or more: each address is a row. All prefixes of a pool have one "
			"length.",
		.example = "popradctl pool add west-dynamic 100.64.0.0/15 --group west",
		.run = pool_add,
	},
	{
		.verb = "list",
		.arguments = pool_list_arguments,
		.options = json_options,
		.sentence = "Lists the ranges with their size, and how much is used and free.",
		.example = "popradctl pool list",
		.run = pool_list,
	},
	{
		.verb = "remove",
		.arguments = pool_remove_arguments,
		.sentence = "Removes a range, or the whole pool.",
		.details =
			"Refused while an address of it is leased, and while a plan uses the pool.",
		.example = "popradctl pool remove west-dynamic 100.64.0.0/15",
		.run = pool_remove,
	},
	{0},
};

const struct command address_commands[] = {
	{
		.verb = "show",
		.arguments = address_arguments,
		.options = json_options,
		.sentence = "Says whose an address or a prefix is: its pool, its present or last "
			    "holder, its session.",
		.example = "popradctl address show 10.0.8.17",
		.run = address_show,
	},
	{0},
};
