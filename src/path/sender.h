/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Answers on their way out: collected during a turn of the event loop, sent at its end. */
#include "request/request.h"
#include <stdbool.h>
#include <talloc.h>

struct event_base;
struct sender;

struct sender *sender_new(TALLOC_CTX *ctx, struct event_base *base);

/* Copies the octets. They leave from the address and port that the request was sent to. */
void sender_send(
	struct sender *sender, const struct endpoint *to, const uint8_t *octets, size_t size);

bool sender_is_empty(const struct sender *sender);
