/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "base/err.h"

const char *err_text(int code)
{
	switch (code) {
	case 0:
		return "no error";
#define X(name, value, text) \
	case name:           \
		return text;
		ERR_TABLE(X)
#undef X
	default:
		return "unknown error";
	}
}
