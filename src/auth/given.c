/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The reply attributes that operators give: per plan (encoded once, in the catalog) and per
 * subscriber (text in his row, encoded when he logs in). */
#include "auth/login.h"
#include "base/log.h"
#include "base/mem.h"
#include <string.h>

/* Of one subscriber; past it the rest is left out, with a log line. A reply of 4096 octets has no
 * room for more anyway. */
#define SUBSCRIBER_ATTRIBUTES_MAX 100

static const struct encoded_attr *find_in(
	const struct given_attr *given, uint32_t vendor, uint32_t number)
{
	for (; given != NULL; given = given->next)
		if (given->attr->vendor == vendor && given->attr->number == number)
			return given->attr;
	return NULL;
}

const struct encoded_attr *given_find(const struct login *login, uint32_t vendor, uint32_t number)
{
	return find_in(login->given, vendor, number);
}

/* Filter-Id and NAS-Filter-Rule are one question with two answers, and exclude each other (RFC 4849
 * section 2). */
static bool is_replaced(const struct given_attr *own, const struct encoded_attr *attr)
{
	if (find_in(own, attr->vendor, attr->number) != NULL)
		return true;
	if (attr->vendor != 0)
		return false;
	if (attr->number == ATTR_FILTER_ID)
		return find_in(own, 0, ATTR_NAS_FILTER_RULE) != NULL;
	return attr->number == ATTR_NAS_FILTER_RULE && find_in(own, 0, ATTR_FILTER_ID) != NULL;
}

static void report(const struct subscriber *subscriber, const char *text, const char *why)
{
	static struct log_limit limit;
	log_event_limited(&limit, LOG_LEVEL_WARNING, "subscriber_attribute_ignored",
		"subscriber_id=%d attribute=%s why=%s", subscriber->subscriber_id,
		log_quote_text(text), log_quote_text(why));
}

static struct given_attr **append(
	TALLOC_CTX *ctx, struct given_attr **end, const struct encoded_attr *attr)
{
	struct given_attr *given = mem_must(talloc_zero(ctx, struct given_attr));
	given->attr = attr;
	*end = given;
	return &given->next;
}

/* attributes is split in place. */
static struct given_attr **collect_subscriber(
	TALLOC_CTX *ctx, const struct subscriber *subscriber, struct given_attr **end)
{
	char *rest = subscriber->attributes;
	char *text;
	for (unsigned n = 0; (text = strsep(&rest, "\n")) != NULL; n++) {
		char *why = NULL;
		if (n == SUBSCRIBER_ATTRIBUTES_MAX) {
			report(subscriber, text, "too many attributes");
			break;
		}
		struct encoded_attr *attr = mem_must(talloc(ctx, struct encoded_attr));
		if (attr_from_text(ctx, text, attr, &why) == 0)
			end = append(ctx, end, attr);
		else
			report(subscriber, text, why);
	}
	return end;
}

/* An option of the subscriber's own goes before the plan's attribute that says the same. */
static bool is_own(const struct login *login, const struct encoded_attr *attr)
{
	const struct policy *policy = login->policy;
	if (policy->own == 0)
		return false;
	if ((policy->own & 1u << POLICY_TUNNELS) != 0 && tunnel_is_attribute(attr))
		return true;
	if (provide_has_own(login, attr))
		return true;
	if (attr->vendor != 0)
		return false;
	for (enum policy_field field = 0; field < POLICY_FIELDS; field++)
		if ((policy->own & 1u << field) != 0 &&
			policy_field_info(field)->attribute == attr->number)
			return true;
	return false;
}

const struct given_attr *given_collect(const struct login *login)
{
	TALLOC_CTX *ctx = login->request->pool;
	const struct plan *plan = login->plan;
	struct given_attr *first = NULL;
	struct given_attr **end = collect_subscriber(ctx, &login->subscriber, &first);
	const struct given_attr *own = first;
	/* Found in the subscriber's part alone: a plan may give one attribute several times. */
	struct given_attr *plan_first = NULL, **plan_end = &plan_first;
	for (size_t n = 0; n < plan->attribute_count; n++) {
		const struct encoded_attr *attr = &plan->attributes[n];
		if (!is_replaced(own, attr) && !is_own(login, attr) &&
			!prefixes_replace(login, attr))
			plan_end = append(ctx, plan_end, attr);
	}
	*end = plan_first;
	return first;
}

static bool is_left_out(const struct login *login, const struct encoded_attr *attr)
{
	unsigned displaced = login->filters->displaces;
	if (displaced != 0 && (filter_carrier_of(attr) & displaced) != 0)
		return true;
	if (attr->vendor != 0)
		return false;
	/* Its value has been taken, and cut by the expiry. */
	if (attr->number == ATTR_SESSION_TIMEOUT)
		return true;
	/* RFC 4849 section 2: beside a Filter-Id the NAS would not heed it. */
	return attr->number == ATTR_NAS_FILTER_RULE && given_find(login, 0, ATTR_FILTER_ID) != NULL;
}

void given_add(struct request *request)
{
	const struct login *login = login_of(request);
	for (const struct given_attr *given = login->given; given != NULL; given = given->next)
		if (!is_left_out(login, given->attr))
			reply_add_encoded(&request->reply, given->attr);
}
