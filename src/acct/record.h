/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* An accounting record, from the packet to the database. It lives in a request's pool, as its
 * feature, or in the pool of one that is stored later (replay.c). */
#include "acct/acct.h"
#include "db/session_key.h"
#include "request/line.h"
#include "request/request.h"
#include "spool/spool.h"

struct record {
	TALLOC_CTX *pool; /* texts are in it */
	struct worker *worker;
	struct request *request; /* NULL: its NAS has its answer */
	struct lane_item item;
	/* the lane's outcome */
	void (*done)(struct record *record, enum lane_outcome outcome);
	struct spool_item spool_item;
	/* of the packet */
	int32_t nas_id;
	struct addr source;
	int64_t arrival_us; /* wall clock */
	uint8_t new_key[SESSION_KEY_SIZE];
	const uint8_t *packet;
	size_t packet_size;
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
	bool is_over_quota;   /* since this record */
	bool is_flagged;      /* for its counters, now */
	struct addr released; /* an address that this packet gave back */
	/* account_device: the key behind which the walk over the device's sessions goes on */
	uint8_t device_reached[SESSION_KEY_SIZE];
	bool has_more;       /* that walk is not at its end */
	const char *refusal; /* why the record goes into quarantine */
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

/* What every record takes from its request: where it came from, when, and the key for a session of
 * its own. The rest of *record stays. */
void acct_begin(struct record *record, struct request *request);

/* How to store it: record->item. */
void acct_prepare(struct record *record);

/* What follows from a lane's outcome, but LANE_EXPIRED. */
enum record_verdict {
	RECORD_STORED,
	RECORD_AGAIN,     /* record->item is to be submitted, to another call or once more */
	RECORD_FORGOTTEN, /* the statement returned no row: nobody knows */
	RECORD_HOPELESS,  /* neither it nor its quarantine could be stored */
};
enum record_verdict acct_judge(struct record *record, enum lane_outcome outcome);

/* Whoever has it cannot guess the NAS's secret from it any more: its authenticator and its
 * Message-Authenticator become zero. */
void acct_blank_packet(uint8_t *packet, size_t size);

/* The done of every call here. */
void acct_done(struct lane_item *item, enum lane_outcome outcome);
/* For calls that return nothing but ord. */
void acct_take_nothing(struct lane_item *item, const struct pg_rows *rows, size_t row);
