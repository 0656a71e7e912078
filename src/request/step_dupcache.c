/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tells retransmissions from new requests (RFC 5080 section 2.2.2). */
#include "base/mem.h"
#include "db/session_key.h"
#include "request/dupcache.h"
#include "request/steps.h"
#include <string.h>

static struct dupcache_key key_of(const struct request *request)
{
	const struct endpoint *endpoint = &request->endpoint;
	return (struct dupcache_key){.remote = endpoint->remote,
		.local = endpoint->local,
		.remote_port = endpoint->remote_port,
		.local_port = endpoint->local_port,
		.code = request->facts.code,
		.id = request->facts.id};
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
	const uint8_t *octets = dupcache_reply(entry, &request->answer_size);
	request->answer = mem_must(talloc_memdup(request->pool, octets, request->answer_size));
	request->is_repeat = true;
	metric_add(METRIC_duplicates_answered, 1);
	return REPLY;
}

struct step_result step_dupcache(struct request *request)
{
	/* An old answer to a Status-Server would say how things were, not how they are. */
	if (request->facts.code == CODE_STATUS_SERVER)
		return NEXT;

	const struct dupcache_key key = key_of(request);
	struct dupcache_entry *entry;
	void *superseded;
	enum dupcache_verdict verdict = dupcache_enter(request->worker->dupcache, &key,
		request->packet + 4, request, clock_mono_ns(), &entry, &superseded);
	if (superseded != NULL)
		request_supersede(superseded);
	switch (verdict) {
	case DUPCACHE_IN_PROGRESS:
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
