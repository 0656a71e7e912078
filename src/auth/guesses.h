/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Wrong passwords and unknown logins that came a while ago, counted for each login and for each
 * line that they came from: each makes the next one's Access-Reject wait twice as long. Nothing is
 * ever locked. Who knows the password is let in at once, however many others guess at it.
 *
 * A fixed table for each worker, without locks or shared memory. With a guesser whose packets the
 * kernel spreads over several workers each of them begins anew, which gains him little, for the
 * wait doubles. When the table is full, those of whom least is remembered are forgotten first; and
 * nobody can choose whose place he takes, because the hash has a seed that nobody knows. */
#include "request/line.h"
#include <stdint.h>
#include <talloc.h>

/* Remembered at most, of one login or one line: then the wait has been doubled so often. */
#define GUESSES_MAX 16
/* After so long without another one of them is forgotten. */
#define GUESSES_FORGET_S 60

struct guesses;
struct guesses *guesses_new(TALLOC_CTX *ctx);

/* A wrong one: remembers it, and returns how many earlier ones are remembered of its login or of
 * its line, whichever are more. The line is the Calling-Station-Id, else the NAS's address and
 * port. */
unsigned guesses_add(struct guesses *guesses, const struct line *line, const struct addr *source,
	int64_t now_ns);

/* How long the answer waits, base_ms at first and most_ms at most. */
int64_t guesses_wait_ms(unsigned earlier, int64_t base_ms, int64_t most_ms);
