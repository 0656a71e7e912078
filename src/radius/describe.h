/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* Attributes as people read them, by the dictionary. What hides a password, or was made from one,
 * is named but not shown: describe_hides says by number and by name what that is, and the
 * dictionary adds what it marks as encrypted or secret. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct described {
	const char *name;
	const char *value; /* clean text (text_clean); NULL = not shown */
	bool is_text;      /* the value is the sender's own words */
};

/* Calls one with each attribute, in their order; what it is given lives until it returns. Ends at
 * an attribute that is longer than what is left. */
void describe_attributes(const uint8_t *attributes, size_t size,
	void (*one)(void *owner, const struct described *described), void *owner);

/* Is the attribute one whose value nobody is to see? name may be NULL. */
bool describe_hides(uint32_t vendor, uint32_t number, const char *name);

/* Do the octets look as if they told a password or a key? Plans may set up tunnels by attributes of
 * free form. */
bool describe_is_telling(const uint8_t *octets, size_t size);
