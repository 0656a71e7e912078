/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The error codes that functions return, and one text for each.
 * A function returns 0 or one of the negative codes below; its result goes through its last
 * argument. */

#define ERR_TABLE(X)                                                  \
	X(ERR_SYNTAX, -1, "the text does not have the expected form") \
	X(ERR_RANGE, -2, "the value is outside its range")            \
	X(ERR_NOT_FOUND, -3, "there is no such thing")                \
	X(ERR_FULL, -4, "a bound is reached")                         \
	X(ERR_SYSTEM, -5, "the operating system refused (see errno)") \
	X(ERR_LIBRARY, -6, "a library refused")                       \
	X(ERR_EXISTS, -7, "it exists already")

enum err {
#define X(name, value, text) name = value,
	ERR_TABLE(X)
#undef X
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* The sentence for a code; never NULL, also for 0 and for a number that is no code. */
const char *err_text(int code);
