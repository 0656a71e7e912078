/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* A record as octets: what the spool and the quarantine keep, so that it can be stored later as if
 * it had just come. It holds what was read from the packet, when that arrived, from whom, and the
 * packet without its authenticator; never a secret.
 *
 *	u8 version, then fields: u8 number, u16 size, octets (numbers in network order)
 *
 * A field that the record lacks is left out. A number means the same for ever. A form that an older
 * server would misunderstand has another version, and such a server leaves it alone. */
#include "acct/record.h"

/* Writes it; returns its size. */
size_t event_encode(const struct record *record, uint8_t *octets, size_t room);

/* The other way, texts in ctx; what says how to store it (item, request) is zero. ERR_SYNTAX: it is
 * no such form, or of another version. */
int event_decode(
	TALLOC_CTX *ctx, const uint8_t *octets, size_t size, struct record *record) MUST_CHECK;

/* Each field that is there, as text, in the order of the table. */
void event_describe(const struct record *record,
	void (*tell)(void *owner, const char *name, const char *value), void *owner);
