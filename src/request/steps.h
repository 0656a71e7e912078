/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The steps that every packet takes before a feature serves it, each in the file of its name. Their
 * order is in path/steps.c. */
#include "request/request.h"

/* Source address -> NAS record, and with it the secret and the deadline. */
step_function step_nas;
/* Octets, code, signature and the NAS's policies: what passes is well formed and comes from the
 * NAS. */
step_function step_admit;
/* Retransmissions end here; a packet under a used ID supersedes the older one. */
step_function step_dupcache;
/* Is this a retransmission that ends there, as far as its octets tell before any check? */
bool step_dupcache_ends(const struct worker *worker, const struct datagram *datagram);
/* Octets -> attributes. */
step_function step_decode;
/* Status-Server (RFC 5997): answered only while the port's work can be done, so that NASes and
 * proxies fail over. */
step_function step_status;
