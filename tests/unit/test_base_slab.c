/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/base/slab.h. */
#include "base/slab.h"
#include "suite.h"
#include <stdint.h>
#include <string.h>

#define MANY 3000
#define SIZE (3 * SLAB_LINE) /* does not divide a block */

static uint8_t *pieces[MANY];

/* Pieces begin at lines and do not overlap: each keeps what was written into it. */
static void test_apart(void)
{
	struct slab *slab = slab_new(NULL, SIZE);
	bool are_at_lines = true, are_apart = true;
	for (unsigned n = 0; n < MANY; n++) {
		pieces[n] = slab_take(slab);
		are_at_lines = are_at_lines && (uintptr_t)pieces[n] % SLAB_LINE == 0;
		memset(pieces[n], (uint8_t)n, SIZE);
	}
	for (unsigned n = 0; n < MANY; n++)
		for (unsigned i = 0; i < SIZE; i++)
			are_apart = are_apart && pieces[n][i] == (uint8_t)n;
	CU_ASSERT_TRUE(are_at_lines);
	CU_ASSERT_TRUE(are_apart);
	CU_ASSERT_TRUE(slab_size(slab) >= MANY * SIZE);
	talloc_free(slab);
}

static void test_used_again(void)
{
	struct slab *slab = slab_new(NULL, SIZE);
	CU_ASSERT_TRUE(slab_is_used_up(slab));
	for (unsigned n = 0; n < MANY; n++)
		pieces[n] = slab_take(slab);
	while (!slab_is_used_up(slab))
		slab_take(slab);
	size_t size = slab_size(slab);
	for (unsigned n = 0; n < MANY; n++)
		slab_give(slab, pieces[n]);
	CU_ASSERT_PTR_EQUAL(slab_take(slab), pieces[MANY - 1]);
	for (unsigned n = 1; n < MANY; n++)
		slab_take(slab);
	CU_ASSERT_EQUAL(slab_size(slab), size);
	CU_ASSERT_TRUE(slab_is_used_up(slab));
	slab_take(slab);
	CU_ASSERT_TRUE(slab_size(slab) > size);
	talloc_free(slab);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"pieces lie apart", test_apart},
		{"a piece is used again", test_used_again},
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/slab", tests);
}
