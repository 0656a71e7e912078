/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* What popradload is told on its command line, checked. */
#include "base/addr.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum load_mode { LOAD_AUTH, LOAD_ACCT, LOAD_SESSION, LOAD_STORM };
enum load_method { LOAD_PAP, LOAD_CHAP, LOAD_MSCHAP2 };

struct load_settings {
	enum load_mode mode;
	enum load_method method;
	struct addr server;
	uint16_t auth_port, acct_port;
	const char *secret;
	const char *login, *password; /* patterns: %d is the subscriber's number */
	uint64_t first, count;
	struct addr source; /* of the first NAS; none = the kernel's choice */
	uint64_t sources, ports;
	uint64_t window;
	uint64_t rate;       /* operations a second; 0 = closed loop */
	uint64_t operations; /* 0 = until the duration is over */
	int64_t duration_ns; /* 0 = until the operations are done */
	int64_t timeout_ns;
	uint64_t retries;
	int64_t redial_ns, hold_ns;
	int64_t patience_ns; /* an answer after this time is none to a NAS */
	uint64_t interims;
	uint64_t online; /* mixed: sessions that are there when the records begin */
	uint64_t run;    /* what Acct-Session-Ids of this run begin with */
	bool is_mixed;
	bool is_json, is_quiet, is_unsigned, owns_server;
};

#define LOAD_NAME_MAX 253 /* octets of a User-Name */

/* Reads the command line. Returns 0; ERR_NOT_FOUND after --help was answered; ERR_SYNTAX
 * after a sentence on stderr. */
int settings_read(int argc, char **argv, struct load_settings *settings) MUST_CHECK;

const char *load_mode_name(enum load_mode mode);
const char *load_method_name(enum load_method method);

/* Writes the number's decimal digits, without NUL; returns how many. */
#define NUMBER_DIGITS_MAX 20
size_t number_write(uint64_t number, char digits[NUMBER_DIGITS_MAX]);

/* Writes the pattern with %d replaced (%% is a percent sign); returns the size, or -1 if it is
 * longer than max. text has room for max + 1 octets. */
int pattern_expand(const char *pattern, uint64_t number, char *text, size_t max);
