/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* An accounting record, from acct_validate to acct_respond. It lives in the request's pool, as its
 * feature. Only the files of this folder see it. */
#include "acct/acct.h"
#include "db/session_key.h"
#include "request/line.h"
#include "request/request.h"

struct record {
	struct request *request;
	struct lane_item item;
	uint32_t status; /* Acct-Status-Type */
	const char *status_name;
	struct line line;
	int64_t event_us;                                    /* wall clock, see event_time.h */
	const char *acct_session_id, *acct_multi_session_id; /* the first: never NULL */
	const char *class; /* ours if there is one, else the first */
	bool has_class_key;
	uint8_t class_key[SESSION_KEY_SIZE];
	struct addr framed_address, framed_ipv6_address;
	struct prefix framed_ipv6_prefix, delegated_ipv6_prefix; /* family 0 = none */
	char *framed_interface_id;
	const char *authentic, *connect_info, *terminate_cause;
	/* -1 = not sent, or absurd */
	int64_t session_time_s, in_octets, out_octets, in_packets, out_packets;
	bool has_gigawords;
	/* what the database said */
	bool is_class_ignored;
	struct addr released; /* an address that this packet gave back */
	bool has_more;        /* account_device: sessions are left to close */
	const char *refusal;  /* why the record goes into quarantine */
};

static inline struct record *record_of(const struct request *request)
{
	return request->feature;
}

static inline struct record *record_of_item(const struct lane_item *item)
{
	return (struct record *)((char *)item - offsetof(struct record, item));
}

/* What the record says besides time and counters, as a number. */
int64_t acct_fingerprint(const struct record *record);

/* Columns that several calls have. -1 is null. */
void acct_put_counter(struct pg_batch *batch, int64_t value);
/* What names a session or its subscriber is empty there if the packet lacks it. */
void acct_put_name(struct pg_batch *batch, const char *name);
/* Of the event, of the arrival, and how long the session had lasted. */
void acct_put_times(const struct record *record, struct pg_batch *batch);

/* The done of every call here. */
void acct_done(struct lane_item *item, enum lane_outcome outcome);
/* For calls that return nothing but ord. */
void acct_take_nothing(struct lane_item *item, const struct pg_rows *rows, size_t row);
