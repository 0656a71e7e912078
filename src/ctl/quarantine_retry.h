/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Puts records that were in quarantine into the spool of this machine, from where the server stores
 * them. */
#include "ctl/ctl.h"

struct retry;
/* 0, or what to return after a line on call->errors. */
int retry_new(struct call *call, struct retry **retry) MUST_CHECK;
/* An event as hex. ERR_SYNTAX: it is none. */
int retry_add(struct retry *retry, const char *hex) MUST_CHECK;
/* Writes them all, durably. */
int retry_write(struct retry *retry) MUST_CHECK;
