/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A Cisco router of the form filter-server is sent names of filters, and asks for the rules of each
 * as if it were a user: the filter's name, the password that both sides were given, Service-Type
 * Outbound. It keeps the answer for a while. No database is asked: the catalog has the answers. */
#include "auth/auth.h"
#include "auth/login.h"
#include "base/log.h"
#include "request/trace.h"
#include <string.h>

bool filter_server_is_asked(const struct request *request)
{
	return request->nas->filter_password != NULL &&
	       login_of(request)->service_type == SERVICE_OUTBOUND;
}

/* Compares all octets whatever they are, so that the time does not tell how many were right. */
static bool is_right(const struct credential *credential, const char *password)
{
	size_t size = strlen(password);
	unsigned difference = credential->password_size != size;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(credential->password[i] ^ password[i]);
	return credential->method == CREDENTIAL_PAP && difference == 0;
}

/* Some ask for "no-smtp", others for what Filter-Id said, "no-smtp.in". */
static bool is_name_of(const struct filter *filter, const char *name)
{
	size_t size = strlen(filter->list.name);
	const char *suffix = filter->list.direction == FILTER_IN ? ".in" : ".out";
	return strncmp(name, filter->list.name, size) == 0 &&
	       (name[size] == '\0' || strcmp(name + size, suffix) == 0);
}

static const struct filter *find(const struct catalog *catalog, const char *name)
{
	size_t count;
	const struct filter *filters = catalog_filters(catalog, &count), *found = NULL;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(filters[i].list.name, name) == 0)
			return &filters[i];
		if (is_name_of(&filters[i], name))
			found = &filters[i];
	}
	return found;
}

struct step_result filter_server_answer(struct request *request)
{
	struct login *login = login_of(request);
	if (!is_right(&login->credential, request->nas->filter_password))
		return auth_reject(request, REJECT_wrong_password);
	const struct filter *filter = find(request->catalog, login->line.login);
	if (filter == NULL)
		return auth_reject(request, REJECT_unknown_filter);
	TRACE_SAY(request, "the NAS asks for filter %s, %zu octets", filter->list.name,
		filter->answer.size);
	if (filter->answer_fault != NULL)
		return auth_reject(request, REJECT_filter_unfit);
	request_begin_reply(request, CODE_ACCESS_ACCEPT);
	reply_add_u32(&request->reply, ATTR_SERVICE_TYPE, SERVICE_OUTBOUND);
	if (!reply_add_part(&request->reply, filter->answer.octets, filter->answer.size))
		return auth_reject(request, REJECT_filter_unfit);
	metric_add(METRIC_filter_answers, 1);
	login->duration_us = request_age_us(request);
	log_event(LOG_LEVEL_INFO, "filter_sent", "filter=%s nas=%s",
		log_quote_text(filter->list.name), log_quote_text(request->nas->name));
	return REPLY;
}
