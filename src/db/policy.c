/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Each field is a row: its names, where it is kept, and its reader. */
#include "db/policy.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "radius/packet.h"
#include <string.h>
#include <strings.h>

struct field {
	struct policy_field_info info;
	void (*read)(struct reader *reader, const struct field *field, void *value);
	size_t offset; /* of the value in struct policy */
};

static void read_count(struct reader *reader, const struct field *field, void *value)
{
	*(uint32_t *)value = reader_count(reader, field->info.column, INT32_MAX);
}

static void read_interim(struct reader *reader, const struct field *field, void *value)
{
	uint32_t interim_s = reader_count(reader, field->info.column, INT32_MAX);
	if (interim_s > 0 && interim_s < INTERIM_MIN_S)
		reader_refuse(reader, ERR_RANGE, field->info.column,
			"%u is neither 0 (none) nor at least 60 seconds", interim_s);
	*(uint32_t *)value = interim_s;
}

static void read_rate(struct reader *reader, const struct field *field, void *value)
{
	*(uint32_t *)value = reader_count(reader, field->info.column, RATE_MAX_KBIT);
}

/* The offset is that of the provision. */
static void read_dns_servers(struct reader *reader, const struct field *field, void *value)
{
	struct provision *provision = value;
	const char *name = field->info.column;
	const json_t *list = reader_list(reader, name, DNS_SERVERS_MAX);
	unsigned count = 0;
	for (; count < json_array_size(list) && reader->rc == 0; count++)
		provision->dns_servers[count] =
			reader_to_addr(reader, name, json_array_get(list, count));
	provision->dns_server_count = count;
}

/* The offset is that of the provision. */
static void read_routes(struct reader *reader, const struct field *field, void *value)
{
	struct provision *provision = value;
	const char *name = field->info.column;
	const json_t *list = reader_list(reader, name, ROUTES_MAX);
	unsigned count = 0;
	for (; count < json_array_size(list) && reader->rc == 0; count++)
		provision->routes[count] =
			reader_to_prefix(reader, name, json_array_get(list, count));
	provision->route_count = count;
}

static void read_hours(struct reader *reader, const struct field *field, void *value)
{
	const char *name = field->info.column;
	const char *text =
		reader_check_text(reader, name, reader_field(reader, name), HOURS_TEXT_MAX);
	struct hours_fault fault;
	struct hours *hours = NULL;
	if (reader->rc == 0 && strcasecmp(text, "always") != 0 &&
		hours_parse(reader->ctx, text, &hours, &fault) != 0)
		reader_refuse(reader, ERR_SYNTAX, name, "column %u: %s", fault.column, fault.text);
	*(const struct hours **)value = hours;
}

static void read_zone(struct reader *reader, const struct field *field, void *value)
{
	const char *name = reader_text(reader, field->info.column, ZONE_NAME_MAX);
	if (reader->rc == 0 && zone_find(name, clock_wall_us() / US_PER_S) == NULL)
		reader_refuse(reader, ERR_RANGE, field->info.column,
			"%s is no time zone that this machine knows", log_quote_text(name));
	*(const char **)value = name;
}

/* The offset is that of the provision. */
static void read_address_list(struct reader *reader, const struct field *field, void *value)
{
	struct provision *provision = value;
	const char *name = field->info.column;
	const json_t *text = reader_field(reader, name);
	bool is_none = json_is_string(text) && json_string_length(text) == 0;
	provision->address_list =
		is_none ? NULL
			: mem_must(talloc_strdup(reader->ctx,
				  reader_check_text(reader, name, text, ADDRESS_LIST_MAX)));
}

static void read_stations(struct reader *reader, const struct field *field, void *value)
{
	*(const struct station_list **)value = binding_read_stations(reader, field->info.column);
}

static void read_words(struct reader *reader, const struct field *field, void *value)
{
	*(const struct word_list **)value = binding_read_words(reader, field->info.column);
}

static void read_tunnels(struct reader *reader, const struct field *field, void *value)
{
	*(const struct tunnel_names **)value = tunnel_read_names(reader, field->info.column);
}

static void read_flag(struct reader *reader, const struct field *field, void *value)
{
	*(bool *)value = reader_bool(reader, field->info.column);
}

static void read_quota_volume(struct reader *reader, const struct field *field, void *value)
{
	*(uint64_t *)value = (uint64_t)reader_int(reader, field->info.column, 0, INT64_MAX);
}

static void read_quota_counts(struct reader *reader, const struct field *field, void *value)
{
	static const char *const words[] = {
		[QUOTA_COUNTS_BOTH] = "both",
		[QUOTA_COUNTS_IN] = "in",
		[QUOTA_COUNTS_OUT] = "out",
		NULL,
	};
	*(enum quota_counts *)value =
		(enum quota_counts)reader_choice(reader, field->info.column, words);
}

static const struct field fields[POLICY_FIELDS] = {
	[POLICY_SESSION_LIMIT] = {{.column = "session_limit", .option = "sessions"}, read_count,
		offsetof(struct policy, session_limit)},
	[POLICY_SESSION_TIMEOUT] = {{.column = "session_timeout_s",
					    .option = "session-timeout",
					    .attribute = ATTR_SESSION_TIMEOUT},
		read_count, offsetof(struct policy, session_timeout_s)},
	[POLICY_IDLE_TIMEOUT] = {{.column = "idle_timeout_s",
					 .option = "idle-timeout",
					 .attribute = ATTR_IDLE_TIMEOUT},
		read_count, offsetof(struct policy, idle_timeout_s)},
	[POLICY_INTERIM] = {{.column = "interim_s",
				    .option = "interim",
				    .attribute = ATTR_ACCT_INTERIM_INTERVAL},
		read_interim, offsetof(struct policy, interim_s)},
	[POLICY_RATE_IN] = {{.column = "rate_in_kbit", .option = "rate-in"}, read_rate,
		offsetof(struct policy, provision.rate_in_kbit)},
	[POLICY_RATE_OUT] = {{.column = "rate_out_kbit", .option = "rate-out"}, read_rate,
		offsetof(struct policy, provision.rate_out_kbit)},
	[POLICY_DNS_SERVERS] = {{.column = "dns_servers",
					.option = "dns-server",
					.type = POLICY_LIST,
					.no_option = "no-dns-servers"},
		read_dns_servers, offsetof(struct policy, provision)},
	[POLICY_ROUTES] = {{.column = "routes",
				   .option = "route",
				   .type = POLICY_LIST,
				   .no_option = "no-routes",
				   .is_own_alone = true},
		read_routes, offsetof(struct policy, provision)},
	[POLICY_LOGIN_HOURS] = {{.column = "login_hours",
					.option = "login-hours",
					.type = POLICY_TEXT},
		read_hours, offsetof(struct policy, login_hours)},
	[POLICY_TIME_ZONE] = {{.column = "time_zone", .option = "time-zone", .type = POLICY_TEXT},
		read_zone, offsetof(struct policy, time_zone)},
	[POLICY_ADDRESS_LIST] = {{.column = "address_list",
					 .option = "address-list",
					 .type = POLICY_TEXT,
					 .no_option = "no-address-list"},
		read_address_list, offsetof(struct policy, provision)},
	[POLICY_CALLING_STATIONS] = {{.column = "calling_stations",
					     .option = "calling-station",
					     .type = POLICY_LIST,
					     .no_option = "no-calling-stations",
					     .is_rare = true},
		read_stations, offsetof(struct policy, binding.calling_stations)},
	[POLICY_LEARN_CALLING_STATION] = {{.column = "learn_calling_station",
						  .option = "learn-calling-station",
						  .type = POLICY_FLAG,
						  .is_rare = true},
		read_flag, offsetof(struct policy, binding.learns)},
	[POLICY_CALLED_STATIONS] = {{.column = "called_stations",
					    .option = "called-station",
					    .type = POLICY_LIST,
					    .no_option = "no-called-stations",
					    .is_rare = true},
		read_stations, offsetof(struct policy, binding.called_stations)},
	[POLICY_NAS_PORT_TYPES] = {{.column = "nas_port_types",
					   .option = "nas-port-type",
					   .type = POLICY_LIST,
					   .no_option = "no-nas-port-types",
					   .is_rare = true},
		read_words, offsetof(struct policy, binding.nas_port_types)},
	[POLICY_NAS_GROUPS] = {{.column = "nas_groups",
				       .option = "nas-group",
				       .type = POLICY_LIST,
				       .no_option = "no-nas-groups",
				       .is_rare = true},
		read_words, offsetof(struct policy, binding.nas_groups)},
	[POLICY_TUNNELS] = {{.column = "tunnels",
				    .option = "tunnel",
				    .type = POLICY_LIST,
				    .no_option = "no-tunnels",
				    .is_rare = true},
		read_tunnels, offsetof(struct policy, tunnels)},
	[POLICY_TUNNEL_ADDRESS] = {{.column = "tunnel_address",
					   .option = "tunnel-address",
					   .type = POLICY_FLAG,
					   .is_rare = true},
		read_flag, offsetof(struct policy, tunnel_address)},
	[POLICY_QUOTA_DAY_TIME] =
		{{.column = "quota_day_s", .option = "quota-day-time", .is_rare = true}, read_count,
			offsetof(struct policy, quota.day_s)},
	[POLICY_QUOTA_DAY_VOLUME] =
		{{.column = "quota_day_octets", .option = "quota-day-volume", .is_rare = true},
			read_quota_volume, offsetof(struct policy, quota.day_octets)},
	[POLICY_QUOTA_MONTH_TIME] =
		{{.column = "quota_month_s", .option = "quota-month-time", .is_rare = true},
			read_count, offsetof(struct policy, quota.month_s)},
	[POLICY_QUOTA_MONTH_VOLUME] =
		{{.column = "quota_month_octets", .option = "quota-month-volume", .is_rare = true},
			read_quota_volume, offsetof(struct policy, quota.month_octets)},
	[POLICY_QUOTA_COUNTS] = {{.column = "quota_counts",
					 .option = "quota-counts",
					 .type = POLICY_TEXT,
					 .is_rare = true},
		read_quota_counts, offsetof(struct policy, quota.counts)},
	[POLICY_PREPAID] =
		{{.column = "prepaid", .option = "prepaid", .type = POLICY_FLAG, .is_rare = true},
			read_flag, offsetof(struct policy, prepaid)},
};

const struct policy_field_info *policy_field_info(enum policy_field field)
{
	return &fields[field].info;
}

static void read_field(struct reader *reader, const struct field *field, struct policy *policy)
{
	field->read(reader, field, (char *)policy + field->offset);
}

void policy_read(struct reader *reader, struct policy *policy)
{
	for (unsigned n = 0; n < POLICY_FIELDS; n++) {
		const struct policy_field_info *info = &fields[n].info;
		bool is_absent =
			info->is_rare && json_object_get(reader->object, info->column) == NULL;
		if (!info->is_own_alone && !is_absent)
			read_field(reader, &fields[n], policy);
	}
}

void own_filters_read(struct reader *reader, struct own_filters *own)
{
	if (json_object_get(reader->object, "quarantine_filter_set_id") != NULL)
		own->quarantine_filter_set_id = reader_id(reader, "quarantine_filter_set_id", 1);
	if (json_object_get(reader->object, "exempt_filter_ids") == NULL)
		return;
	const json_t *list = reader_list(reader, "exempt_filter_ids", LOGIN_FILTERS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *id = json_array_get(list, i);
		int64_t number = json_is_integer(id) ? json_integer_value(id) : 0;
		if (number < 1 || number > INT32_MAX)
			reader_refuse(reader, ERR_RANGE, "exempt_filter_ids",
				"element %zu is no filter's number", i + 1);
		else
			own->exempt_filter_ids[own->exempt_count++] = (int32_t)number;
	}
}

static void overlay_filters(struct reader *reader, struct policy *policy)
{
	struct own_filters own = {0};
	own_filters_read(reader, &own);
	if (own.quarantine_filter_set_id != 0 || own.exempt_count > 0)
		policy->filters = mem_must(talloc_memdup(reader->ctx, &own, sizeof own));
}

/* The numbers of a period: seconds, octets in, octets out, end. */
#define USED_NUMBERS 4

static void read_used(struct reader *reader, struct policy *policy)
{
	const char *name = "quota_used";
	const json_t *list = reader_list(reader, name, 2 * USED_NUMBERS);
	int64_t numbers[2 * USED_NUMBERS] = {0};
	if (reader->rc == 0 && json_array_size(list) != 2 * USED_NUMBERS)
		reader_refuse(reader, ERR_SYNTAX, name, "has %zu elements", json_array_size(list));
	for (size_t i = 0; reader->rc == 0 && i < 2 * USED_NUMBERS; i++) {
		const json_t *number = json_array_get(list, i);
		numbers[i] = json_is_integer(number) ? json_integer_value(number) : -1;
		if (numbers[i] < 0)
			reader_refuse(reader, ERR_RANGE, name, "element %zu is no count", i + 1);
	}
	if (reader->rc != 0)
		return;
	struct quota_used *used = mem_must(talloc(reader->ctx, struct quota_used));
	struct quota_period_used *periods[] = {&used->day, &used->month};
	for (size_t i = 0; i < 2; i++) {
		const int64_t *number = &numbers[i * USED_NUMBERS];
		*periods[i] = (struct quota_period_used){.seconds = (uint64_t)number[0],
			.octets_in = (uint64_t)number[1],
			.octets_out = (uint64_t)number[2],
			.ends_s = number[3]};
	}
	policy->quota_used = used;
}

static void read_left(struct reader *reader, struct policy *policy)
{
	const char *name = "prepaid_left";
	const json_t *list = reader_list(reader, name, 2);
	const json_t *seconds = json_array_get(list, 0), *octets = json_array_get(list, 1);
	if (reader->rc == 0 && (!json_is_integer(seconds) || !json_is_integer(octets)))
		reader_refuse(reader, ERR_SYNTAX, name, "is not two integers");
	if (reader->rc != 0)
		return;
	struct prepaid_left *left = mem_must(talloc(reader->ctx, struct prepaid_left));
	*left = (struct prepaid_left){
		.seconds = json_integer_value(seconds), .octets = json_integer_value(octets)};
	policy->prepaid_left = left;
}

static void overlay(struct reader *reader, struct policy *policy)
{
	if (!json_is_object(reader->object)) {
		reader_refuse(reader, ERR_SYNTAX, "document", "is no object");
		return;
	}
	for (unsigned n = 0; n < POLICY_FIELDS; n++) {
		if (json_object_get(reader->object, fields[n].info.column) == NULL)
			continue;
		read_field(reader, &fields[n], policy);
		policy->own |= 1u << n;
	}
	if (json_object_get(reader->object, "learned_calling_station") != NULL)
		policy->binding.learned = binding_read_station(reader, "learned_calling_station");
	if (json_object_get(reader->object, "quota_used") != NULL)
		read_used(reader, policy);
	if (json_object_get(reader->object, "prepaid_left") != NULL)
		read_left(reader, policy);
	overlay_filters(reader, policy);
}

int policy_overlay(TALLOC_CTX *ctx, const struct policy *plan, const char *own,
	const struct policy **policy_out, char **why)
{
	json_error_t error;
	json_t *document = json_loads(own, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL) {
		*why = mem_must(talloc_strdup(ctx, log_quote_text(error.text)));
		return ERR_SYNTAX;
	}
	struct policy *policy = mem_must(talloc_memdup(ctx, plan, sizeof *plan));
	struct reader reader = {.ctx = ctx, .object = document};
	overlay(&reader, policy);
	json_decref(document);
	*policy_out = policy;
	*why = reader.why;
	return reader.rc;
}
