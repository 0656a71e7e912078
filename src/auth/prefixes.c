/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The IPv6 prefixes of a login: which it asks for, and how the answer says them (RFC 3162, RFC
 * 4818). */
#include "auth/login.h"
#include <stdio.h>

static bool is_set(const struct prefix *prefix)
{
	return addr_is_set(&prefix->addr);
}

bool prefixes_are_set(const struct prefixes *prefixes)
{
	return is_set(&prefixes->framed) || is_set(&prefixes->delegated);
}

bool prefixes_replace(const struct login *login, const struct encoded_attr *attr)
{
	const struct prefixes *fixed = &login->subscriber.static_prefixes;
	if (attr->vendor != 0)
		return false;
	return (attr->number == ATTR_FRAMED_IPV6_PREFIX && is_set(&fixed->framed)) ||
	       (attr->number == ATTR_DELEGATED_IPV6_PREFIX && is_set(&fixed->delegated));
}

void prefixes_choose(struct login *login)
{
	const struct prefixes *fixed = &login->subscriber.static_prefixes;
	if (!login->wants_address || !prefixes_are_set(fixed))
		return;
	/* The plan's are left out already. */
	if (given_find(login, 0, ATTR_FRAMED_IPV6_PREFIX) == NULL)
		login->prefixes.framed = fixed->framed;
	if (given_find(login, 0, ATTR_DELEGATED_IPV6_PREFIX) == NULL)
		login->prefixes.delegated = fixed->delegated;
}

void prefixes_add(struct reply *reply, const struct prefixes *prefixes)
{
	if (is_set(&prefixes->framed))
		reply_add_prefix6(reply, ATTR_FRAMED_IPV6_PREFIX, &prefixes->framed);
	if (is_set(&prefixes->delegated))
		reply_add_prefix6(reply, ATTR_DELEGATED_IPV6_PREFIX, &prefixes->delegated);
}

const char *prefixes_format(const struct prefixes *prefixes, char text[PREFIXES_TEXT_MAX])
{
	char framed[ADDR_TEXT_MAX], delegated[ADDR_TEXT_MAX];
	text[0] = '\0';
	if (prefixes_are_set(prefixes))
		snprintf(text, PREFIXES_TEXT_MAX, " framed_ipv6_prefix=%s delegated_ipv6_prefix=%s",
			is_set(&prefixes->framed) ? prefix_format(&prefixes->framed, framed) : "-",
			is_set(&prefixes->delegated)
				? prefix_format(&prefixes->delegated, delegated)
				: "-");
	return text;
}
