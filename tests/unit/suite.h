/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#pragma once
/* How every unit test program ends: its one suite runs, and the exit status says whether all of it
 * passed. A suite whose preparation fails has failed, too. */
#include <CUnit/Basic.h>

/* A line of the table of tests, for a test whose function's name says enough. */
#define TEST(function)              \
	{                           \
#function, function \
	}

static inline int suite_run_with(
	const char *name, CU_InitializeFunc prepare, CU_CleanupFunc clean_up, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, prepare, clean_up, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failure_records();
	CU_cleanup_registry();
	return failures != 0;
}

static inline int suite_run(const char *name, CU_TestInfo *tests)
{
	return suite_run_with(name, NULL, NULL, tests);
}
