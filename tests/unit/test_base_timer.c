/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The timer queue: order, moving and cancelling, also from inside a callback. */
#include "base/timer.h"
#include "suite.h"
#include <string.h>

struct probe {
	struct timer timer;
	struct timer_queue *queue;
	char letter;
	struct probe *cancels, *sets;
	int64_t sets_due_ns;
};

static char fired[64];

static void note(void *owner)
{
	struct probe *probe = owner;
	size_t used = strlen(fired);
	if (used + 1 < sizeof fired) {
		fired[used] = probe->letter;
		fired[used + 1] = '\0';
	}
	CU_ASSERT_FALSE(timer_is_set(&probe->timer));
	if (probe->cancels != NULL)
		timer_cancel(probe->queue, &probe->cancels->timer);
	if (probe->sets != NULL)
		timer_set(probe->queue, &probe->sets->timer, probe->sets_due_ns);
}

static struct timer_queue *queue;
static struct probe a, b, c, d;

static void begin(void)
{
	struct probe *const all[] = {&a, &b, &c, &d};
	talloc_free(queue);
	queue = timer_queue_new(NULL);
	fired[0] = '\0';
	for (size_t i = 0; i < 4; i++) {
		*all[i] = (struct probe){.queue = queue, .letter = (char)('a' + i)};
		timer_init(&all[i]->timer, note, all[i]);
	}
}

static void test_order(void)
{
	begin();
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), TIMER_NEVER);
	CU_ASSERT_EQUAL(timer_run(queue, 1000), 0);
	timer_set(queue, &c.timer, 30);
	timer_set(queue, &a.timer, 10);
	timer_set(queue, &d.timer, 40);
	timer_set(queue, &b.timer, 20);
	CU_ASSERT_TRUE(timer_is_set(&d.timer));
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), 10);
	CU_ASSERT_EQUAL(timer_run(queue, 9), 0);
	CU_ASSERT_EQUAL(timer_run(queue, 30), 3);
	CU_ASSERT_STRING_EQUAL(fired, "abc");
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), 40);
	CU_ASSERT_FALSE(timer_is_set(&a.timer));
	CU_ASSERT_EQUAL(timer_run(queue, 40), 1);
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), TIMER_NEVER);
}

static void test_move_and_cancel(void)
{
	begin();
	timer_cancel(queue, &a.timer);
	timer_set(queue, &a.timer, 10);
	timer_set(queue, &b.timer, 20);
	timer_set(queue, &c.timer, 30);
	timer_set(queue, &a.timer, 40);
	timer_set(queue, &c.timer, 5);
	timer_cancel(queue, &b.timer);
	timer_cancel(queue, &b.timer);
	CU_ASSERT_FALSE(timer_is_set(&b.timer));
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), 5);
	CU_ASSERT_EQUAL(timer_run(queue, 100), 2);
	CU_ASSERT_STRING_EQUAL(fired, "ca");
}

static void test_cancel_all(void)
{
	begin();
	timer_set(queue, &a.timer, 10);
	timer_set(queue, &b.timer, 5);
	timer_cancel_all(queue);
	CU_ASSERT_FALSE(timer_is_set(&a.timer) || timer_is_set(&b.timer));
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), TIMER_NEVER);
	timer_cancel(queue, &a.timer);
	timer_set(queue, &b.timer, 7);
	CU_ASSERT_EQUAL(timer_run(queue, 100), 1);
	CU_ASSERT_STRING_EQUAL(fired, "b");
}

static void test_cancel_in_run(void)
{
	begin();
	timer_set(queue, &a.timer, 10);
	timer_set(queue, &b.timer, 20);
	timer_set(queue, &c.timer, 30);
	a.cancels = &b;
	CU_ASSERT_EQUAL(timer_run(queue, 100), 2);
	CU_ASSERT_STRING_EQUAL(fired, "ac");
	CU_ASSERT_FALSE(timer_is_set(&b.timer));
}

static void test_set_in_run_waits(void)
{
	begin();
	a.sets = &a;
	a.sets_due_ns = -5;
	timer_set(queue, &a.timer, 10);
	CU_ASSERT_EQUAL(timer_run(queue, 100), 1);
	CU_ASSERT_EQUAL(timer_run(queue, 100), 1);
	CU_ASSERT_STRING_EQUAL(fired, "aa");
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), -5);
}

static void test_postpone_in_run(void)
{
	begin();
	timer_set(queue, &a.timer, 10);
	timer_set(queue, &b.timer, 20);
	a.sets = &b;
	a.sets_due_ns = 500;
	CU_ASSERT_EQUAL(timer_run(queue, 100), 1);
	CU_ASSERT_STRING_EQUAL(fired, "a");
	CU_ASSERT_TRUE(timer_is_set(&b.timer));
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), 500);
	CU_ASSERT_EQUAL(timer_run(queue, 500), 1);
	CU_ASSERT_STRING_EQUAL(fired, "ab");
}

enum { MANY = 2000 };
static struct timer many[MANY];
static int64_t last_due_ns;
static unsigned many_fired;

static void check_order(void *owner)
{
	struct timer *timer = owner;
	CU_ASSERT_TRUE(timer->due_ns >= last_due_ns);
	last_due_ns = timer->due_ns;
	many_fired++;
}

/* A fixed sequence of numbers (a linear congruence), so that a failure can be repeated. */
static uint32_t random_state = 1;
static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

static void test_many(void)
{
	begin();
	for (size_t i = 0; i < MANY; i++) {
		timer_init(&many[i], check_order, &many[i]);
		timer_set(queue, &many[i], next_random() % 5000);
	}
	for (size_t i = 0; i < MANY * 2; i++) {
		struct timer *timer = &many[next_random() % MANY];
		if (next_random() % 3 == 0)
			timer_cancel(queue, timer);
		else
			timer_set(queue, timer, next_random() % 5000);
	}
	unsigned expected = 0;
	for (size_t i = 0; i < MANY; i++)
		expected += timer_is_set(&many[i]);
	last_due_ns = -1;
	for (int64_t now_ns = 0; now_ns < 5000; now_ns += 50)
		timer_run(queue, now_ns);
	timer_run(queue, 5000);
	CU_ASSERT_EQUAL(many_fired, expected);
	CU_ASSERT_EQUAL(timer_next_due_ns(queue), TIMER_NEVER);
	talloc_free(queue);
	queue = NULL;
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_order),
		TEST(test_move_and_cancel),
		TEST(test_cancel_all),
		TEST(test_cancel_in_run),
		TEST(test_set_in_run_waits),
		TEST(test_postpone_in_run),
		TEST(test_many),
		CU_TEST_INFO_NULL,
	};
	return suite_run("base/timer", tests);
}
