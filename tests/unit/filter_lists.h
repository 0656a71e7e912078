/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* The sample provider's filters and pool, and lists made of lines, for the tests of filters. */
#include "filter/filter.h"
#include <CUnit/CUnit.h>
#include <stdio.h>

#define SAMPLE_RULES_MAX 8

struct sample_list {
	struct filter_list list;
	struct filter_rule rules[SAMPLE_RULES_MAX];
};

/* Lines up to a NULL. */
static inline const struct filter_list *sample_list_make(struct sample_list *sample,
	const char *name, enum filter_direction direction, const char *const *lines)
{
	size_t count = 0;

	for (; lines[count] != NULL; count++) {
		struct filter_fault fault;
		int err;

		CU_ASSERT_FATAL(count < SAMPLE_RULES_MAX);
		err = filter_rule_parse(lines[count], &sample->rules[count], &fault);
		if (err != 0)
			fprintf(stderr, "%s: %u: %s\n", lines[count], fault.column, fault.text);
		CU_ASSERT_EQUAL_FATAL(err, 0);
	}
	sample->list = (struct filter_list){name, direction, sample->rules, count};
	return &sample->list;
}
#define LINES(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* 10.0.8.0/21 and 192.168.4.0/22, as in sql/sample; mixed has a network of IPv6, too. */
static const struct prefix dynamic_networks[] = {
	{{4, {10, 0, 8, 0}}, 21},
	{{4, {192, 168, 4, 0}}, 22},
	{{6, {0x20, 0x01, 0x0d, 0xb8}}, 32},
};
static const struct filter_pool sample_pool_rows[] = {
	{"dynamic", dynamic_networks, 2},
	{"mixed", dynamic_networks, 3},
	{"empty", NULL, 0},
};
static const struct filter_pools sample_pools = {sample_pool_rows, 3};

static inline const struct filter_list *sample_to_customers(struct sample_list *sample)
{
	return sample_list_make(sample, "to-general-customer-equipment", FILTER_OUT,
		LINES("deny tcp any pool dynamic eq smtp www pop2 pop3 139 irc 443 1080 8000 8080",
			"permit ip any any"));
}

static inline const struct filter_list *sample_from_customers(struct sample_list *sample)
{
	return sample_list_make(sample, "from-general-customer-equipment", FILTER_IN,
		LINES("permit tcp pool dynamic 10.0.1.0/28 eq smtp",
			"deny tcp pool dynamic any eq smtp", "permit ip any any"));
}

static inline const struct filter_list *sample_from_internet(struct sample_list *sample)
{
	return sample_list_make(sample, "from-internet", FILTER_IN,
		LINES("permit tcp any 10.0.1.0/28 eq smtp", "deny tcp any any eq smtp",
			"permit ip any any"));
}
