/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/auth/exhausted.h. */
#include "auth/exhausted.h"
#include "suite.h"

static void test_one_second(void)
{
	struct exhausted *exhausted = exhausted_new(NULL);
	CU_ASSERT_FALSE(exhausted_has(exhausted, 1, 0, 0));
	exhausted_mark(exhausted, 1, 2, 100);
	CU_ASSERT_TRUE(exhausted_has(exhausted, 1, 2, 100));
	CU_ASSERT_TRUE(exhausted_has(exhausted, 1, 2, 99 + EXHAUSTED_NS));
	CU_ASSERT_FALSE(exhausted_has(exhausted, 1, 2, 100 + EXHAUSTED_NS));
	CU_ASSERT_FALSE(exhausted_has(exhausted, 1, 3, 100));
	CU_ASSERT_FALSE(exhausted_has(exhausted, 2, 2, 100));
	talloc_free(exhausted);
}

static void test_many_pools(void)
{
	struct exhausted *exhausted = exhausted_new(NULL);
	for (int32_t pool_id = 1; pool_id <= 1000; pool_id++) {
		exhausted_mark(exhausted, pool_id, 0, 0);
		CU_ASSERT_TRUE_FATAL(exhausted_has(exhausted, pool_id, 0, 1));
	}
	CU_ASSERT_FALSE(exhausted_has(exhausted, 1, 0, 1));
	talloc_free(exhausted);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a mark lasts a second", test_one_second},
		{"more pools than marks", test_many_pools},
		CU_TEST_INFO_NULL,
	};
	return suite_run("auth/exhausted", tests);
}
