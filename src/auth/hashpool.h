/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A few threads that run crypt(3), so that a slow password hash never stalls the event loop. They
 * touch their own job only: neither talloc nor libradius nor the log. All calls here are made from
 * the loop's thread. Jobs live in an array that is allocated once; passwords are wiped as soon as
 * they have been used. */
#include "base/err.h"
#include "base/metrics.h"
#include <stddef.h>
#include <talloc.h>

struct hashpool;
struct hashpool_job;

/* queue_max jobs may wait or run, or have finished and not been collected, at one time. NULL if the
 * threads or the descriptor cannot be had (errno). Freeing it waits for the hashes that are
 * running; no done follows. */
struct hashpool *hashpool_new(TALLOC_CTX *ctx, unsigned threads, unsigned queue_max);

/* Readable while there is something for hashpool_collect. */
int hashpool_fd(const struct hashpool *pool);

/* Asks whether `given` (size octets, PAP_PASSWORD_MAX at most) is the password of the crypt(3)
 * string `stored`; both are copied. done is called from hashpool_collect, never from here, with
 * REJECT_none, REJECT_wrong_password or REJECT_password_form_unknown; *job is then gone.
 * ERR_FULL: nothing was queued, and the caller drops the request (never rejects: the password was
 * not looked at). ERR_RANGE: an argument is longer than any valid one. */
int hashpool_submit(struct hashpool *pool, const char *stored, const char *given, size_t size,
	void (*done)(void *owner, enum reject verdict), void *owner,
	struct hashpool_job **job) MUST_CHECK;

/* The request is gone: no done follows. A hash that is running runs on, its verdict is discarded.
 */
void hashpool_cancel(struct hashpool *pool, struct hashpool_job *job);

/* Calls done for each finished job; returns how many. Does not wait. done may submit again. */
size_t hashpool_collect(struct hashpool *pool);
