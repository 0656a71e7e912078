/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Begins a login: reads what the request says of itself, and refuses at once what no subscriber's
 * row could make good. */
#include "auth/auth.h"
#include "auth/login.h"
#include "base/mem.h"
#include "request/attempts.h"
#include "request/trace.h"
#include <string.h>

static void wipe(TALLOC_CTX *memory)
{
	if (memory != NULL)
		explicit_bzero(memory, talloc_get_size(memory));
}

/* The request ends, whichever way: proposed addresses go back, and no password stays in the pool,
 * whose memory is used again. */
static void login_end(struct request *request)
{
	struct login *login = login_of(request);
	const struct proposal *proposal = &login->proposal;
	for (size_t n = 0; n < proposal->count; n++)
		freelist_put_back(request->worker->freelist, &proposal->candidates[n]);
	if (login->job != NULL)
		hashpool_cancel(request->worker->hashpool, login->job);
	wipe(login->subscriber.password);
	tunnels_wipe(&login->own_tunnels);
	wipe(login);
}

/* For the attempt's row. */
static void describe(const struct request *request, struct attempt_facts *facts)
{
	const struct login *login = login_of(request);
	facts->line = &login->line;
	facts->subscriber_id = login->subscriber.subscriber_id;
	if (login->credential.is_given)
		facts->method = credential_method_name(login->credential.method);
	facts->refused = login->refused != REJECT_none ? login->refused : login->garden_reason;
	facts->detail = login->refusal_detail;
	facts->address = &login->admission.address;
	facts->duration_us = login->duration_us;
	facts->held_ms = login->held_ms;
}

/* RFC 2865 section 5.6. Services without PPP get no address; of those, the ones that open a command
 * line are refused later unless the plan allows them. */
static bool service_has_address(uint32_t service_type)
{
	switch (service_type) {
	case SERVICE_LOGIN:
	case SERVICE_CALLBACK_LOGIN:
	case SERVICE_ADMINISTRATIVE:
	case SERVICE_NAS_PROMPT:
	case SERVICE_AUTHENTICATE_ONLY:
	case SERVICE_CALLBACK_NAS_PROMPT:
	case SERVICE_CALLBACK_ADMINISTRATIVE:
		return false;
	default:
		return true;
	}
}

/* RFC 2865 section 4.1. */
static bool has_two_passwords(const struct attrs *attrs)
{
	return attrs_find(attrs, 0, ATTR_USER_PASSWORD) != NULL &&
	       attrs_find(attrs, 0, ATTR_CHAP_PASSWORD) != NULL;
}

struct step_result auth_read(struct request *request)
{
	if (has_two_passwords(request->attrs))
		return DROP_BECAUSE(DROP_bad_contents);
	struct login *login = mem_must(talloc_zero(request->pool, struct login));
	login->request = request;
	request->feature = login;
	request->feature_end = login_end;
	request->feature_attempt = describe;

	line_read(request->attrs, &login->line);
	if (!attrs_get_u32(request->attrs, ATTR_SERVICE_TYPE, &login->service_type))
		login->service_type = SERVICE_FRAMED;
	login->wants_address = service_has_address(login->service_type);

	enum reject reason = credential_read(request, &login->credential);
	TRACE_SAY(request, "%s",
		login->credential.is_given ? credential_method_name(login->credential.method)
					   : "no credential");
	if (reason == REJECT_none && login->line.login == NULL)
		reason = REJECT_no_user_name;
	if (reason != REJECT_none)
		return auth_reject(request, reason);
	return filter_server_is_asked(request) ? filter_server_answer(request) : NEXT;
}
