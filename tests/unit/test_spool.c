/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/spool/spool.h, with its thread and a folder of their own. */
#include "base/mem.h"
#include "base/metrics.h"
#include "spool/segment_file.h"
#include "spool/spool.h"
#include "suite.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 20000
#define LIMIT (UINT64_C(8) << 20)
#define MANY 5000

static char directory[] = "/tmp/test_spool.XXXXXX";

struct note {
	struct spool_item item;
	unsigned answers;
	enum spool_outcome outcome;
};

static unsigned stored;

static void noted(struct spool_item *item, enum spool_outcome outcome)
{
	struct note *note = (struct note *)item;
	note->answers++;
	note->outcome = outcome;
	stored += outcome == SPOOL_STORED;
}

static void ready(void *owner)
{
	*(bool *)owner = true;
}

static bool is_ready;

static struct spool *spool_at(const char *path, uint64_t limit)
{
	const struct spool_settings settings = {
		.directory = path, .node = "pop", .worker = 1, .workers = 1, .limit = limit};
	struct spool *spool = spool_new(NULL, &settings, ready, &is_ready);
	CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
	return spool;
}

/* Until something has come of the thread's work. */
static void collect(struct spool *spool)
{
	struct pollfd fd = {.fd = spool_fd(spool), .events = POLLIN};
	CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, WAIT_MS), 1);
	spool_collect(spool);
}

static struct spool *open_spool(uint64_t limit)
{
	struct spool *spool = spool_at(directory, limit);
	CU_ASSERT_EQUAL(spool_delivered_until_us(spool), 0);
	while (spool_delivered_until_us(spool) == 0)
		collect(spool);
	return spool;
}

static void add(struct spool *spool, struct note *note, const char *text)
{
	*note = (struct note){.item.done = noted};
	spool_add(spool, &note->item, (const uint8_t *)text, strlen(text));
}

/* The next record's text, waiting for it. */
static const char *next(struct spool *spool, struct spool_record *record)
{
	static char text[64];
	while (!spool_next(spool, record))
		collect(spool);
	snprintf(text, sizeof text, "%.*s", (int)record->size, (const char *)record->octets);
	return text;
}

static unsigned count_files(const char *suffix)
{
	unsigned count = 0;
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += strstr(entry->d_name, suffix) != NULL;
	if (dir != NULL)
		closedir(dir);
	return count;
}

static void await_no_files(struct spool *spool)
{
	struct spool_record record;
	CU_ASSERT_FALSE(spool_next(spool, &record));
	while (count_files(SEGMENT_SUFFIX) > 0)
		collect(spool);
	spool_look(spool);
	while (spool_delivered_until_us(spool) != INT64_MAX)
		collect(spool);
}

static void test_there_and_back(void)
{
	struct spool *spool = open_spool(LIMIT);
	struct spool_record record;
	struct note one, two, three;
	CU_ASSERT_TRUE(spool_is_open(spool));
	CU_ASSERT_EQUAL(spool_delivered_until_us(spool), INT64_MAX);
	CU_ASSERT_FALSE(spool_next(spool, &record));
	add(spool, &one, "one");
	add(spool, &two, "two");
	add(spool, &three, "three");
	CU_ASSERT_EQUAL(one.answers, 0);
	spool_forget(&two.item); /* its owner has gone; it is written all the same */
	while (three.answers == 0)
		collect(spool);
	CU_ASSERT_EQUAL(one.answers, 1);
	CU_ASSERT_EQUAL(one.outcome, SPOOL_STORED);
	CU_ASSERT_EQUAL(two.answers, 0);
	CU_ASSERT_EQUAL(count_files(SEGMENT_SUFFIX), 1);
	CU_ASSERT_TRUE(spool_delivered_until_us(spool) < INT64_MAX);
	struct spool_segment *segments[3];
	CU_ASSERT_STRING_EQUAL(next(spool, &record), "one");
	segments[0] = record.segment;
	CU_ASSERT_STRING_EQUAL(next(spool, &record), "two");
	segments[1] = record.segment;
	CU_ASSERT_STRING_EQUAL(next(spool, &record), "three");
	segments[2] = record.segment;
	CU_ASSERT_TRUE(is_ready);
	/* Only when all of them are delivered does the segment go. */
	spool_delivered(segments[2]);
	spool_delivered(segments[0]);
	CU_ASSERT_FALSE(spool_next(spool, &record));
	CU_ASSERT_EQUAL(count_files(SEGMENT_SUFFIX), 1);
	spool_delivered(segments[1]);
	await_no_files(spool);
	talloc_free(spool);
}

/* What one worker has left another delivers; nothing that was stored is missing, in its order. */
static void test_adoption(void)
{
	static struct note notes[MANY];
	struct spool *spool = open_spool(LIMIT), *other;
	struct spool_record record;
	char text[32];
	stored = 0;
	for (unsigned n = 0; n < MANY; n++) {
		snprintf(text, sizeof text, "record %u", n);
		add(spool, &notes[n], text);
	}
	while (stored < MANY)
		collect(spool);
	/* While it lives, nobody takes it. */
	other = open_spool(LIMIT);
	CU_ASSERT_FALSE(spool_next(other, &record));
	CU_ASSERT_TRUE(spool_delivered_until_us(other) < INT64_MAX);
	talloc_free(spool);
	spool_look(other);
	for (unsigned n = 0; n < MANY; n++) {
		snprintf(text, sizeof text, "record %u", n);
		CU_ASSERT_STRING_EQUAL(next(other, &record), text);
		spool_delivered(record.segment);
	}
	await_no_files(other);
	talloc_free(other);
}

/* At the limit it refuses, and leaves nothing behind for each refusal; then it has room again. */
static void test_limit(void)
{
	static char big[SPOOL_RECORD_MAX];
	static struct note notes[2000];
	struct spool *spool = open_spool(UINT64_C(3) << 20);
	struct spool_record record;
	unsigned count = 0, refused = 0;
	memset(big, 'x', sizeof big - 1);
	stored = 0;
	while (spool_is_open(spool) && count < 2000) {
		add(spool, &notes[count++], big);
		while (notes[count - 1].answers == 0)
			collect(spool);
		refused += notes[count - 1].outcome == SPOOL_FULL;
	}
	CU_ASSERT_EQUAL(refused, 1);
	CU_ASSERT_TRUE(stored > 20 && stored < 50);
	CU_ASSERT_EQUAL(metric_get(METRIC_spool_refusing), 1);
	for (unsigned n = 0; n < stored; n++) {
		next(spool, &record);
		CU_ASSERT_EQUAL(record.size, sizeof big - 1);
		spool_delivered(record.segment);
	}
	await_no_files(spool);
	talloc_free(spool);
}

static void test_set_aside(void)
{
	struct spool *spool = open_spool(LIMIT);
	struct spool_record record;
	struct note one, two;
	uint64_t corrupt = metric_get(METRIC_spool_corrupt);
	add(spool, &one, "bad");
	add(spool, &two, "good");
	CU_ASSERT_STRING_EQUAL(next(spool, &record), "bad");
	spool_set_aside(spool, &record);
	CU_ASSERT_STRING_EQUAL(next(spool, &record), "good");
	spool_delivered(record.segment);
	await_no_files(spool);
	CU_ASSERT_EQUAL(metric_get(METRIC_spool_corrupt), corrupt + 1);
	CU_ASSERT_EQUAL(count_files(".corrupt"), 1);
	talloc_free(spool);
}

/* Without its folder it takes nothing, and finds it when it is there. */
static void test_no_folder(void)
{
	char parent[64], path[80];
	snprintf(parent, sizeof parent, "%s/parent", directory);
	snprintf(path, sizeof path, "%s/folder", parent);
	struct spool *spool = spool_at(path, LIMIT);
	while (metric_get(METRIC_spool_refusing) == 0 || spool_delivered_until_us(spool) == 0)
		collect(spool);
	CU_ASSERT_FALSE(spool_is_open(spool));
	CU_ASSERT_EQUAL(mkdir(parent, 0700), 0);
	spool_look(spool);
	while (!spool_is_open(spool))
		collect(spool);
	CU_ASSERT_EQUAL(metric_get(METRIC_spool_refusing), 0);
	talloc_free(spool);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	CU_ASSERT_EQUAL(rmdir(parent), 0);
}

static int prepare(void)
{
	return mkdtemp(directory) == NULL;
}

static int clean_up(void)
{
	const struct dirent *entry;
	DIR *dir = opendir(directory);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	return rmdir(directory);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"into the spool and out of it", test_there_and_back},
		{"another worker's", test_adoption},
		{"the limit", test_limit},
		{"what nobody can store", test_set_aside},
		{"no folder", test_no_folder},
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("spool/spool", prepare, clean_up, tests);
}
