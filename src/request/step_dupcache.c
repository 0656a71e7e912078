/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tells retransmissions from new requests (RFC 5080 section 2.2.2). */
#include "base/mem.h"
#include "db/session_key.h"
#include "request/dupcache.h"
#include "request/steps.h"
#include <string.h>

static struct dupcache_key key_of(const struct endpoint *endpoint, uint8_t code, uint8_t id)
{
	return (struct dupcache_key){.remote = endpoint->remote,
		.local = endpoint->local,
		.remote_port = endpoint->remote_port,
		.local_port = endpoint->local_port,
		.code = code,
		.id = id};
}

bool step_dupcache_ends(const struct worker *worker, const struct datagram *datagram)
{
	if (datagram->size < RADIUS_HEADER_SIZE)
		return false;
	const uint8_t *octets = datagram->octets;
	const struct dupcache_key key = key_of(&datagram->endpoint, octets[0], octets[1]);
	return dupcache_has(
		worker->dupcache, &key, octets + RADIUS_AUTHENTICATOR_OFFSET, clock_mono_ns());
}

static struct step_result begin_new(
	struct request *request, struct dupcache_entry *entry, bool is_again)
{
	request->duplicate_entry = entry;
	if (!is_again)
		session_key_mint(dupcache_session_key(entry));
	memcpy(request->session_key, dupcache_session_key(entry), SESSION_KEY_SIZE);
	metric_add(request->facts.code == CODE_ACCESS_REQUEST ? METRIC_access_requests
							      : METRIC_accounting_requests,
		1);
	return NEXT;
}

static struct step_result send_again(struct request *request, const struct dupcache_entry *entry)
{
	/* The copy outlives the entry, should the cache forget it. */
	request->answer_size = dupcache_reply_size(entry);
	uint8_t *octets = mem_must(talloc_size(request->pool, request->answer_size));
	dupcache_copy_reply(entry, octets);
	request->answer = octets;
	request->is_repeat = true;
	metric_add(METRIC_duplicates_answered, 1);
	return REPLY;
}

struct step_result step_dupcache(struct request *request)
{
	/* An old answer to a Status-Server would say how things were, not how they are. */
	if (request->facts.code == CODE_STATUS_SERVER)
		return NEXT;

	const struct dupcache_key key =
		key_of(&request->endpoint, request->facts.code, request->facts.id);
	struct dupcache_entry *entry;
	void *superseded;
	enum dupcache_verdict verdict = dupcache_enter(request->worker->dupcache, &key,
		request->packet + RADIUS_AUTHENTICATOR_OFFSET, request, clock_mono_ns(), &entry,
		&superseded);
	if (superseded != NULL)
		request_supersede(superseded);
	switch (verdict) {
	case DUPCACHE_IN_PROGRESS:
		request_prolong(dupcache_owner(entry), request->deadline_ns);
		return DROP_BECAUSE(DROP_duplicate);
	case DUPCACHE_ANSWERED:
		return send_again(request, entry);
	case DUPCACHE_AGAIN:
		return begin_new(request, entry, true);
	case DUPCACHE_NEW:
		break;
	}
	return begin_new(request, entry, false);
}
