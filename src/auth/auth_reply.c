/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The Access-Accept: address, times, Class, filters, MS-CHAP keys, and what the plan and the
 * subscriber's record give besides. */
#include "auth/auth.h"
#include "auth/login.h"
#include "base/log.h"
#include <string.h>

#define FRAMED_PROTOCOL_PPP 1 /* RFC 2865 section 5.7 */

/* Interim updates of sessions that began together (a region that reconnects) would come together
 * for ever: each session's interval is its own, within this much of the plan's. */
#define INTERIM_JITTER_PER_MILLE 100

/* A standard attribute with its usual value, unless the subscriber or the plan gives another. */
static void add_default_u32(struct request *request, uint8_t number, uint32_t value)
{
	if (given_find(login_of(request), 0, number) == NULL)
		reply_add_u32(&request->reply, number, value);
}

/* From the session's key, so that a repeated answer says the same. */
static uint32_t jittered_interim_s(uint32_t interim_s, const uint8_t key[SESSION_KEY_SIZE])
{
	unsigned random = (unsigned)key[SESSION_KEY_SIZE - 2] << 8 | key[SESSION_KEY_SIZE - 1];
	uint64_t per_mille =
		1000 - INTERIM_JITTER_PER_MILLE + random % (2 * INTERIM_JITTER_PER_MILLE + 1);
	uint64_t jittered = interim_s * per_mille / 1000;
	return jittered < INTERIM_MIN_S ? INTERIM_MIN_S : (uint32_t)jittered;
}

static void add_address(struct request *request)
{
	const struct login *login = login_of(request);
	const struct addr *address = &login->admission.address;
	if (address->family == 4) {
		reply_add_addr(&request->reply, ATTR_FRAMED_IP_ADDRESS, address);
		if (given_find(login, 0, ATTR_FRAMED_IP_NETMASK) == NULL)
			reply_add_addr(
				&request->reply, ATTR_FRAMED_IP_NETMASK, &login->plan->netmask);
	} else if (address->family == 6) {
		reply_add_addr(&request->reply, ATTR_FRAMED_IPV6_ADDRESS, address);
	}
}

/* False: the filters did not fit beside the request's Proxy-States. */
static bool add_framed_service(struct request *request)
{
	const struct login *login = login_of(request);
	char class[SESSION_CLASS_SIZE + 1];
	add_default_u32(request, ATTR_SERVICE_TYPE, SERVICE_FRAMED);
	add_default_u32(request, ATTR_FRAMED_PROTOCOL, FRAMED_PROTOCOL_PPP);
	add_address(request);
	prefixes_add(&request->reply, &login->admission.prefixes);
	session_class_format(login->admission.session_key, class);
	reply_add_text(&request->reply, ATTR_CLASS, class);
	if (login->interim_s != 0)
		add_default_u32(request, ATTR_ACCT_INTERIM_INTERVAL,
			jittered_interim_s(login->interim_s, login->admission.session_key));
	bool is_complete =
		reply_add_part(&request->reply, login->filters->octets, login->filters->size);
	provide_add(request);
	quota_add(request);
	return is_complete;
}

void times_add(struct request *request)
{
	const struct login *login = login_of(request);
	if (login->session_timeout_s != 0)
		reply_add_u32(&request->reply, ATTR_SESSION_TIMEOUT, login->session_timeout_s);
	if (login->policy->idle_timeout_s != 0)
		add_default_u32(request, ATTR_IDLE_TIMEOUT, login->policy->idle_timeout_s);
}

/* REJECT_none; or why he is not let in: without the filters the line would be open, and without the
 * tunnels it would end here. */
static enum reject add_service(struct request *request)
{
	if (!tunnels_add(request))
		return REJECT_tunnel_unfit;
	if (!login_of(request)->wants_address)
		add_default_u32(request, ATTR_SERVICE_TYPE, login_of(request)->service_type);
	else if (!add_framed_service(request))
		return REJECT_filter_unfit;
	times_add(request);
	given_add(request);
	return REJECT_none;
}

/* RFC 2548 section 2.4: encryption is allowed, with 40 or 128 bit keys. */
static void add_mppe_policy(struct reply *reply)
{
	static const uint8_t allowed[4] = {0, 0, 0, 1}, types[4] = {0, 0, 0, 6};
	reply_add_vendor(reply, VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_POLICY, allowed, 4);
	reply_add_vendor(reply, VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_TYPES, types, 4);
}

static void add_mschap1(struct request *request)
{
	uint8_t keys[32];
	mschap1_mppe_keys(login_of(request)->nt_hash, keys);
	reply_add_mschap1_mppe_keys(&request->reply, keys);
	add_mppe_policy(&request->reply);
	explicit_bzero(keys, sizeof keys);
}

static void add_mschap2(struct request *request)
{
	const struct login *login = login_of(request);
	const struct credential *credential = &login->credential;
	uint8_t success[MSCHAP2_SUCCESS_SIZE], send[MPPE_KEY_SIZE], receive[MPPE_KEY_SIZE];
	size_t user_size;
	const char *user = credential_mschap2_user(request, &user_size);

	mschap2_success(login->nt_hash, credential->challenge, credential->response, user,
		user_size, success);
	reply_add_vendor(
		&request->reply, VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, success, sizeof success);
	mschap2_mppe_keys(login->nt_hash, credential->response, send, receive);
	reply_add_vendor_encrypted(
		&request->reply, VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, send, sizeof send);
	reply_add_vendor_encrypted(
		&request->reply, VENDOR_MICROSOFT, MS_MPPE_RECV_KEY, receive, sizeof receive);
	add_mppe_policy(&request->reply);
	explicit_bzero(send, sizeof send);
	explicit_bzero(receive, sizeof receive);
}

static void report(const struct request *request)
{
	struct login *login = login_of(request);
	char source[ADDR_TEXT_MAX], address[ADDR_TEXT_MAX], prefixes[PREFIXES_TEXT_MAX];
	login->duration_us = request_age_us(request);
	log_event(LOG_LEVEL_INFO, "login_accepted",
		"login=%s method=%s nas=%s source=%s calling_station=%s address=%s%s "
		"duration_us=%lld",
		log_quote_text(login->line.user_name),
		credential_method_name(login->credential.method),
		log_quote_text(request->nas->name), addr_format(&request->endpoint.remote, source),
		log_quote_text(login->line.calling_station_id),
		addr_format(&login->admission.address, address),
		prefixes_format(&login->admission.prefixes, prefixes),
		(long long)login->duration_us);
}

struct step_result auth_reply(struct request *request)
{
	const struct login *login = login_of(request);
	if (login->verdict != REJECT_none)
		return auth_reject(request, login->verdict);

	request_begin_reply(request, CODE_ACCESS_ACCEPT);
	if (login->credential.method == CREDENTIAL_MSCHAP1)
		add_mschap1(request);
	if (login->credential.method == CREDENTIAL_MSCHAP2)
		add_mschap2(request);
	/* RFC 2865 section 5.6: to Authenticate-Only the Access-Accept alone is the answer. */
	enum reject unfit = login->service_type == SERVICE_AUTHENTICATE_ONLY ? REJECT_none
									     : add_service(request);
	if (unfit != REJECT_none)
		return auth_reject(request, unfit);
	if (login->garden_reason != REJECT_none)
		metric_add(METRIC_garden_accepts, 1);
	report(request);
	return REPLY;
}
