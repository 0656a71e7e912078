/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* popradctl's command table and one call of it.
 * A command is a noun, a verb, arguments, options, a sentence and a function. Parsing, checking of
 * values, --help at each level and the list of commands in popradctl(1) all come from the table, so
 * a command's function only sees values that have the right form. */
#include "base/err.h"
#include "conf/conf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <talloc.h>

/* What popradctl returns to the shell. */
enum exit_code {
	CTL_OK = 0,
	CTL_REFUSED = 1,  /* not found, or it may not be so */
	CTL_USAGE = 2,    /* the command line or a value on it is malformed */
	CTL_DATABASE = 3, /* the database is away or failed */
};

/* How a value is checked, and what form it is passed on in. */
enum value_type {
	VALUE_FLAG,     /* an option without value */
	VALUE_TEXT,     /* one line of text, up to VALUE_TEXT_MAX octets */
	VALUE_NAME,     /* letters, digits and . _ - + : up to VALUE_NAME_MAX octets */
	VALUE_REALM,    /* a realm; passed on in lower case */
	VALUE_LOGIN,    /* user or user@realm; passed on with the realm in lower case */
	VALUE_SECRET,   /* a NAS's: one line of text, never repeated in a message */
	VALUE_PASSWORD, /* one line, not empty, up to VALUE_PASSWORD_MAX octets */
	VALUE_NUMBER,   /* 0..2147483647 */
	VALUE_SECONDS,  /* a duration (8h, 15m, 90s, 45); passed on in seconds */
	VALUE_MILLISECONDS,
	VALUE_VOLUME,  /* octets (5G, 500M, 1500000); passed on in octets */
	VALUE_CHOICE,  /* one of the words of its form */
	VALUE_KIND,    /* a kind of NAS */
	VALUE_ADDRESS, /* passed on as the family's usual text */
	VALUE_HOST,    /* an address or a host name; the address as its family's usual text */
	VALUE_PREFIX,  /* a network without host bits */
	VALUE_KEY,     /* a session key: a UUID */
	VALUE_RULE,    /* a filter rule; passed on in its canonical text */
	VALUE_ZONE,    /* a time zone that this machine knows */
	VALUE_MONTH,   /* 2026-10; passed on as its first day */
	VALUE_CURSOR,  /* a change number: 0..999999999999999999 */
	VALUE_PRICE,   /* 1.20: up to 9 digits before the point and 6 behind it */
	VALUE_FILE,
};

#define VALUE_TEXT_MAX 253     /* the longest value of a RADIUS attribute (RFC 2865 section 5) */
#define VALUE_NAME_MAX 64      /* fits a column of a listing; the names are the operator's own */
#define VALUE_HOST_MAX 128     /* room for an address and its like among attributes of 253 */
#define VALUE_PASSWORD_MAX 256 /* room for every crypt(3) form; cleartext is at most 128 in PAP */

struct parameter {
	const char *name; /* "session-timeout"; an argument "NAME"; NULL ends a table */
	enum value_type type;
	const char *form;     /* what stands for an option's value in the help; the choices */
	const char *sentence; /* for the help and the manual */
	bool is_optional;     /* arguments */
	bool is_repeatable;   /* options, and the last argument */
	bool is_required;     /* options */
	bool takes_none;      /* options: none stands for no value, and is passed on as it is */
};

struct call;

struct command {
	const char *verb;                            /* NULL: the noun alone is the command */
	const struct parameter *arguments, *options; /* may be NULL */
	const char *sentence;
	const char *details; /* a paragraph more, or NULL */
	const char *example; /* a line that works */
	int (*run)(struct call *call);
};

struct noun {
	const char *name;
	const char *sentence;
	const struct command *commands; /* ends with run == NULL */
};

/* The table; ends with name == NULL. */
extern const struct noun ctl_nouns[];

/* The option that every listing command has. */
#define OPTION_JSON                                                                     \
	{                                                                               \
		.name = "json", .sentence = "Write a JSON document instead of a table." \
	}

struct given {
	const struct parameter *parameter;
	const char *value; /* checked and in its passed-on form */
};

struct call {
	TALLOC_CTX *ctx;
	const struct noun *noun;
	const struct command *command; /* NULL: only help was asked for */
	const char *conf_path;         /* NULL: the default */
	bool is_help, is_version;
	struct given *given; /* arguments and options, in the order of the line */
	unsigned given_count;
	struct conf *conf; /* after call_load_conf */
	FILE *out, *errors;
};

/* Finds the command and checks every value. 0, or CTL_USAGE or CTL_REFUSED after one line on
 * call->errors. The caller sets ctx, out and errors and zeroes the rest. */
int call_parse(struct call *call, int argc, char *const argv[]) MUST_CHECK;

/* The value of an argument ("NAME") or option ("secret"), or NULL. Asking for one that is not in
 * the command's table is our own bug. */
const char *call_value(const struct call *call, const char *name);
bool call_has(const struct call *call, const char *name);
/* All values of a repeatable option or argument, owned by the call; *count may be 0. */
const char *const *call_values(const struct call *call, const char *name, size_t *count);

/* One line "popradctl: ..." on call->errors; returns code. */
int call_fail(const struct call *call, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Reads the configuration once. 0, CTL_REFUSED or CTL_USAGE (its errors are written). */
int call_load_conf(struct call *call) MUST_CHECK;

/* The help that fits what was parsed: everything, a noun, or a command. */
void call_print_help(const struct call *call);
/* Every command and its options as the body of a section of popradctl(1), mdoc. */
void ctl_print_manual(FILE *out);

/* Checks a value. *normal (owned by ctx) is what to pass on. CTL_USAGE or CTL_REFUSED: *why is one
 * clause. */
int value_check(TALLOC_CTX *ctx, const struct parameter *parameter, const char *text,
	const char **normal, const char **why) MUST_CHECK;

/* A secret or password: from the option NAME, else from the first line of standard input if
 * NAME-stdin was given. *value is NULL if neither was. */
int call_secret(struct call *call, const char *name, const char **value) MUST_CHECK;
