/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The Access-Reject: what the subscriber may read, what MS-CHAP wants, and the log line that says
 * the true reason. */
#include "auth/guesses.h"
#include "auth/login.h"
#include "base/log.h"
#include "base/text.h"
#include "request/trace.h"
#include <stdio.h>

/* RFC 2759 section 6; 691 tells nothing but that it failed. */
static unsigned mschap_error_code(enum reject reason)
{
	switch (reason) {
	case REJECT_suspended:
	case REJECT_expired:
		return 647; /* ERROR_ACCT_DISABLED */
	case REJECT_outside_login_hours:
	case REJECT_quota_used_up:
		return 646; /* ERROR_RESTRICTED_LOGON_HOURS */
	case REJECT_service_not_allowed:
	case REJECT_other_calling_station:
	case REJECT_other_called_station:
	case REJECT_other_port_type:
	case REJECT_other_nas_group:
		return 649; /* ERROR_NO_DIALIN_PERMISSION */
	default:
		return 691; /* ERROR_AUTHENTICATION_FAILURE */
	}
}

/* RFC 2548 section 2.1.5: the response's identifier, then the text of the Failure packet. R=0: the
 * peer is not to try again in this exchange, for no challenge of ours would reach it. */
static void add_mschap_error(struct request *request, enum reject reason)
{
	const struct credential *credential = &login_of(request)->credential;
	char challenge[2 * MSCHAP2_CHALLENGE_SIZE + 1];
	char value[96];
	/* The version of the change-password packets: 3 with MS-CHAPv2, 2 before (RFC 2433 section
	 * 8). */
	unsigned version = credential->method == CREDENTIAL_MSCHAP2 ? 3 : 2;
	text_to_hex(credential->challenge, credential->challenge_size, challenge);
	int size = snprintf(value, sizeof value, "%cE=%u R=0 C=%s V=%u", credential->response[0],
		mschap_error_code(reason), challenge, version);
	reply_add_vendor(&request->reply, VENDOR_MICROSOFT, MS_CHAP_ERROR, value, (size_t)size);
}

static bool is_mschap(const struct credential *credential)
{
	return credential->response != NULL && (credential->method == CREDENTIAL_MSCHAP1 ||
						       credential->method == CREDENTIAL_MSCHAP2);
}

static void report(const struct request *request, enum reject reason)
{
	struct login *login = login_of(request);
	char source[ADDR_TEXT_MAX];
	login->refused = reason;
	login->duration_us = request_age_us(request);
	log_event(LOG_LEVEL_INFO, "login_rejected",
		"reason=%s login=%s nas=%s source=%s calling_station=%s duration_us=%lld%s%s",
		reject_name(reason), log_quote_text(login->line.user_name),
		log_quote_text(request->nas->name), addr_format(&request->endpoint.remote, source),
		log_quote_text(login->line.calling_station_id), (long long)login->duration_us,
		login->refusal_detail != NULL ? " came=" : "",
		login->refusal_detail != NULL ? log_quote_text(login->refusal_detail) : "");
}

/* A wrong password and a login that there is not look the same, also in how long they wait. */
static bool is_guess(enum reject reason)
{
	return reason == REJECT_wrong_password || reason == REJECT_unknown_subscriber;
}

/* From the arrival, so that the time does not tell how far the login came; and not past the NAS's
 * patience, or it would take the server for dead. */
static void hold_back(struct request *request, enum reject reason)
{
	struct login *login = login_of(request);
	const struct worker *worker = request->worker;
	int64_t reject_ms = worker->conf->reject_delay_ms, delay_ms = reject_ms;
	int64_t patience_ms = request_patience_ns(request) / NS_PER_MS;
	if (is_guess(reason))
		delay_ms = guesses_wait_ms(guesses_add(worker->guesses, &login->line,
						   &request->endpoint.remote, clock_mono_ns()),
			reject_ms, worker->conf->guess_delay_ms);
	if (delay_ms > patience_ms)
		delay_ms = patience_ms;
	if (delay_ms > reject_ms) {
		login->held_ms = delay_ms;
		metric_add(METRIC_guesses_held, 1);
		TRACE_SAY(request, "held back for %lld ms, because others before it were wrong",
			(long long)delay_ms);
	}
	request->reply_not_before_ns = request->arrival_ns + delay_ms * NS_PER_MS;
}

struct step_result auth_reject(struct request *request, enum reject reason)
{
	metric_count_reject(reason);
	report(request, reason);
	request_begin_reply(request, CODE_ACCESS_REJECT);
	reply_add_text(&request->reply, ATTR_REPLY_MESSAGE, reject_reply_message(reason));
	if (is_mschap(&login_of(request)->credential))
		add_mschap_error(request, reason);
	hold_back(request, reason);
	return REPLY;
}
