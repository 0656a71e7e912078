/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* CRC-32C (Castagnoli's polynomial, as in RFC 3720 appendix B.4). It finds every change of up to
 * three bits, and every run of changed octets that is no longer than itself, in records of any size
 * that we write; that is what disks do to data. It keeps nobody from forging a record: the folder's
 * permissions do. A hash that would costs ten times as much for each record. */
#include <stddef.h>
#include <stdint.h>

/* crc is 0 at first, else that of the octets before these. */
uint32_t crc32c(uint32_t crc, const void *octets, size_t size);
