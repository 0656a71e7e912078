/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Login attempts: each Access-Request that was answered, and each that was dropped for a reason
 * that the help desk can do something about, leaves one row of poprad.auth_attempt. The rows are
 * gathered while answers leave, and stored in batches over a connection of their own: nothing that
 * happens to them holds up a login or a record. What cannot be stored in time is lost and counted,
 * and so is it while many logins wait for the database: first the attempts of those who are let in,
 * of whom a session tells.
 *
 * A packet that was dropped before it was known to come from its NAS could say anything: nothing of
 * what it says is stored, and of one source only one row a minute. */
#include "base/metrics.h"
#include "db/lane.h"
#include "request/line.h"
#include "request/request.h"

/* poprad.auth_attempt_days and auth_attempt_store. */
extern const struct lane_call attempts_days_call, attempts_store_call;

/* What only the feature knows of a login (request->feature_attempt); zeroed before. */
struct attempt_facts {
	const struct line *line;
	int32_t subscriber_id;      /* 0 = none was found */
	const char *method;         /* NULL = none */
	enum reject refused;        /* of an accepted login: why in a walled garden */
	const struct addr *address; /* NULL = none */
	int64_t duration_us;        /* until the answer was ready; 0 = until now */
	const char *detail; /* of the refusal: what came, and what was expected; NULL = none */
	int64_t held_ms;    /* that earlier wrong passwords held it back; 0 = they did not */
};

struct attempts;
struct attempts *attempts_new(TALLOC_CTX *ctx, struct worker *worker);

/* Its lane came up: the days' partitions first. */
void attempts_lane_up(struct attempts *attempts);

/* The answer has been sent; request->reply is it. */
void attempts_answered(struct attempts *attempts, const struct request *request);
void attempts_dropped(struct attempts *attempts, const struct request *request, enum drop reason);

/* Nothing waits that can be stored. */
bool attempts_are_stored(const struct attempts *attempts);

/* attempt_sent.c: the attributes of an answer as text, without secrets and without those that have
 * columns of their own or tell nothing; cut at size octets. */
void attempt_sent_text(const uint8_t *attributes, size_t length, char *text, size_t size);
