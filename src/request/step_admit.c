/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Lets in what is well formed, allowed on its port, and signed as the NAS's record demands. Nothing
 * behind this step looks at a packet that did not come from the NAS, with one exception that RADIUS
 * cannot avoid: an Access-Request without Message-Authenticator carries no signature at all. */
#include "base/mem.h"
#include "request/learned.h"
#include "request/steps.h"

static bool code_is_served(enum port_role role, uint8_t code)
{
	uint8_t served = role == PORT_AUTH ? CODE_ACCESS_REQUEST : CODE_ACCOUNTING_REQUEST;
	return code == served || code == CODE_STATUS_SERVER;
}

static const char *forget_note(struct request *request)
{
	char source[ADDR_TEXT_MAX];
	return mem_must(talloc_asprintf(request->pool, "remedy=\"popradctl nas forget %s\"",
		addr_format(&request->endpoint.remote, source)));
}

/* An Access-Request without Message-Authenticator: may it come in all the same? */
static enum drop check_unsigned(struct request *request)
{
	const struct nas *nas = request->nas;
	/* RFC 3579 section 3.1: a packet with EAP-Message and without it is discarded. */
	if (request->facts.has_eap_message)
		return DROP_no_message_authenticator;
	if (nas->limit_proxy_state && request->facts.has_proxy_state)
		return DROP_proxy_state;
	switch (nas->require_message_authenticator) {
	case MESSAGE_AUTHENTICATOR_NO:
		return DROP_none;
	case MESSAGE_AUTHENTICATOR_YES:
		return DROP_no_message_authenticator;
	case MESSAGE_AUTHENTICATOR_AUTO:
		break;
	}
	const struct addr *source = &request->endpoint.remote;
	if (!catalog_has_learned(request->catalog, source) &&
		!learned_has(request->worker->learned, source))
		return DROP_none;
	request->note = forget_note(request);
	return DROP_no_message_authenticator;
}

/* Only from an Access-Request without EAP-Message, for every NAS signs EAP and Status-Server: from
 * those nothing can be learned about its other requests. */
static void learn(struct request *request)
{
	const struct nas *nas = request->nas;
	const struct addr *source = &request->endpoint.remote;
	if (request->facts.code != CODE_ACCESS_REQUEST || request->facts.has_eap_message)
		return;
	if (nas->require_message_authenticator != MESSAGE_AUTHENTICATOR_AUTO)
		return;
	if (!catalog_has_learned(request->catalog, source))
		learned_add(request->worker->learned, source, nas->nas_id);
}

static enum drop check_signature(struct request *request)
{
	const struct nas *nas = request->nas;
	const struct packet_facts *facts = &request->facts;

	if (facts->code == CODE_ACCOUNTING_REQUEST &&
		!accounting_authenticator_verify(
			request->packet, facts->length, nas->secret, nas->secret_size))
		return DROP_bad_authenticator;
	if (facts->message_authenticator != 0) {
		if (!message_authenticator_verify(
			    request->packet, facts, nas->secret, nas->secret_size))
			return DROP_bad_message_authenticator;
		learn(request);
		return DROP_none;
	}
	if (facts->code == CODE_ACCESS_REQUEST)
		return check_unsigned(request);
	/* RFC 5997 section 3: nothing else protects a Status-Server. */
	if (facts->code == CODE_STATUS_SERVER)
		return DROP_no_message_authenticator;
	return DROP_none;
}

struct step_result step_admit(struct request *request)
{
	enum drop reason = packet_check(request->packet, request->packet_size, &request->facts);
	request_checked(request);
	if (reason != DROP_none)
		return DROP_BECAUSE(reason);
	if (!code_is_served(request->endpoint.role, request->facts.code))
		return DROP_BECAUSE(DROP_bad_code);
	reason = check_signature(request);
	return reason == DROP_none ? NEXT : DROP_BECAUSE(reason);
}
