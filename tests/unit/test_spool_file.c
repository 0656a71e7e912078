/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/spool/segment_file.h and spool_folder.h, in a folder of their own. */
#include "spool/spool_folder.h"
#include "suite.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BORN INT64_C(1700000000000000)

static char directory[] = "/tmp/test_spool_file.XXXXXX";
static int folder = -1;
static struct segment_writer writer;

static int prepare(void)
{
	if (mkdtemp(directory) == NULL || spool_folder_open(directory, true, &folder) != 0)
		return 1;
	writer = (struct segment_writer){
		.folder = folder, .node = "pop.example", .worker = 2, .boot = 0xabcd};
	return signal(SIGXFSZ, SIG_IGN) == SIG_ERR;
}

static int clean_up(void)
{
	close(folder);
	return rmdir(directory);
}

static void add_text(struct segment_file *file, const char *text)
{
	uint8_t record[256];
	size_t size = strlen(text);
	segment_begin_record(record, size);
	memcpy(record + SEGMENT_RECORD_HEAD, text, size);
	CU_ASSERT_EQUAL(segment_file_add(file, record, SEGMENT_RECORD_HEAD + size), 0);
}

/* Texts of all records, one after the other. */
static const char *contents(const struct segment_file *file)
{
	static uint8_t octets[4096];
	static char texts[4096];
	size_t got, count = 0;
	struct segment_piece piece;
	CU_ASSERT_EQUAL(segment_file_read(file, SEGMENT_HEAD_SIZE, octets, sizeof octets, &got), 0);
	struct segment_window window = {.id = &file->id,
		.octets = octets,
		.size = got,
		.offset = SEGMENT_HEAD_SIZE,
		.is_last = true};
	while (segment_next(&window, &piece)) {
		memcpy(texts + count, piece.octets, piece.size);
		count += piece.size;
	}
	texts[count] = '\0';
	return texts;
}

static size_t count_files(void)
{
	struct spool_listing listing;
	CU_ASSERT_EQUAL(spool_folder_list(folder, &listing), 0);
	size_t count = listing.count + listing.corrupt;
	spool_listing_free(&listing);
	return count;
}

static void test_adoption(void)
{
	struct segment_file file, adopted;
	CU_ASSERT_EQUAL_FATAL(segment_file_create(&writer, BORN, &file), 0);
	CU_ASSERT_STRING_EQUAL(file.name, "pop.example-2-0000abcd-00060a24181e4000.spool");
	add_text(&file, "one ");
	add_text(&file, "two ");
	CU_ASSERT_STRING_EQUAL(contents(&file), "one two ");
	/* While its writer lives, nobody else gets it; anybody may look at it. */
	CU_ASSERT_EQUAL(segment_file_adopt(folder, file.name, &adopted), ERR_EXISTS);
	CU_ASSERT_EQUAL_FATAL(segment_file_look(folder, file.name, &adopted), 0);
	CU_ASSERT_STRING_EQUAL(contents(&adopted), "one two ");
	segment_file_close(&adopted);
	segment_file_close(&file);
	CU_ASSERT_EQUAL_FATAL(segment_file_adopt(folder, file.name, &adopted), 0);
	CU_ASSERT_EQUAL(adopted.end, file.end);
	CU_ASSERT_EQUAL(adopted.id.born_us, BORN);
	CU_ASSERT_STRING_EQUAL(contents(&adopted), "one two ");
	CU_ASSERT_EQUAL(segment_file_remove(&adopted), 0);
	CU_ASSERT_EQUAL(segment_file_adopt(folder, file.name, &adopted), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(count_files(), 0);
}

static void test_listing(void)
{
	struct segment_file older, newer, twin;
	struct spool_listing listing;
	CU_ASSERT_EQUAL_FATAL(segment_file_create(&writer, BORN + 5, &newer), 0);
	CU_ASSERT_EQUAL_FATAL(segment_file_create(&writer, BORN + 5, &twin), 0);
	CU_ASSERT_EQUAL_FATAL(segment_file_create(&writer, BORN, &older), 0);
	CU_ASSERT_STRING_NOT_EQUAL(newer.name, twin.name);
	CU_ASSERT_EQUAL(segment_file_set_aside(&older, 64, (const uint8_t *)"junk", 4), 0);
	CU_ASSERT_EQUAL(segment_file_set_aside(&older, 64, (const uint8_t *)"junk", 4), 0);
	CU_ASSERT_EQUAL_FATAL(spool_folder_list(folder, &listing), 0);
	CU_ASSERT_EQUAL(listing.count, 3);
	CU_ASSERT_EQUAL(listing.corrupt, 1);
	CU_ASSERT_EQUAL(listing.oldest_us, BORN);
	CU_ASSERT_EQUAL(listing.octets, 3 * SEGMENT_HEAD_SIZE + 4);
	CU_ASSERT_STRING_EQUAL(listing.names[0], older.name);
	CU_ASSERT_STRING_EQUAL(listing.names[2], twin.name);
	spool_listing_free(&listing);
	CU_ASSERT_EQUAL(
		unlinkat(folder, "pop.example-2-0000abcd-00060a24181e4000-00000040.corrupt", 0), 0);
	CU_ASSERT_EQUAL(segment_file_remove(&older), 0);
	CU_ASSERT_EQUAL(segment_file_remove(&newer), 0);
	CU_ASSERT_EQUAL(segment_file_remove(&twin), 0);
	CU_ASSERT_EQUAL(count_files(), 0);
}

/* What others left there is no segment, and is neither opened nor removed. */
static void test_strange_files(void)
{
	static const char *const names[] = {"README", ".spool", "x.spool",
		"x-00060a24181e400g.spool", "x-ffffffffffffffff.spool", "00060a24181e4000.spool"};
	struct segment_file file;
	for (size_t n = 0; n < sizeof names / sizeof *names; n++)
		close(openat(folder, names[n], O_WRONLY | O_CREAT, 0600));
	CU_ASSERT_EQUAL(count_files(), 0);
	for (size_t n = 0; n < sizeof names / sizeof *names; n++)
		CU_ASSERT_EQUAL(unlinkat(folder, names[n], 0), 0);
	/* A segment by its name alone. */
	static const char name[] = "x-0-00000000-00060a24181e4000.spool";
	close(openat(folder, name, O_WRONLY | O_CREAT, 0600));
	CU_ASSERT_EQUAL(segment_file_adopt(folder, name, &file), ERR_SYNTAX);
	CU_ASSERT_EQUAL(spool_folder_set_aside(folder, name), 0);
	CU_ASSERT_EQUAL(segment_file_adopt(folder, name, &file), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(unlinkat(folder, "x-0-00000000-00060a24181e4000.spool.corrupt", 0), 0);
}

static void test_drafts(void)
{
	static const char young[] = "x-0-00000000-00060a24181e4000.spool.new";
	static const char old[] = "x-0-00000000-00060a24181e4001.spool.new";
	const struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	close(openat(folder, young, O_WRONLY | O_CREAT, 0600));
	close(openat(folder, old, O_WRONLY | O_CREAT, 0600));
	CU_ASSERT_EQUAL(utimensat(folder, old, then, 0), 0);
	spool_folder_clean(folder);
	CU_ASSERT_EQUAL(faccessat(folder, young, F_OK, 0), 0);
	CU_ASSERT_NOT_EQUAL(faccessat(folder, old, F_OK, 0), 0);
	CU_ASSERT_EQUAL(unlinkat(folder, young, 0), 0);
}

/* The limit of a file's size stands for a disk that is full. */
static void test_no_room(void)
{
	struct rlimit before, small = {.rlim_cur = 100};
	struct segment_file file, other;
	uint8_t record[SEGMENT_RECORD_HEAD + 200];
	CU_ASSERT_EQUAL_FATAL(segment_file_create(&writer, BORN, &file), 0);
	add_text(&file, "one ");
	uint64_t end = file.end;
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	memset(record, 'x', sizeof record);
	segment_begin_record(record, sizeof record - SEGMENT_RECORD_HEAD);
	int full = segment_file_add(&file, record, sizeof record);
	small.rlim_cur = 10;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	int none = segment_file_create(&writer, BORN + 1, &other);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	CU_ASSERT_EQUAL(full, ERR_FULL);
	CU_ASSERT_EQUAL(none, ERR_FULL);
	/* Nothing half written is left, and there may be room later. */
	CU_ASSERT_EQUAL(file.end, end);
	CU_ASSERT_STRING_EQUAL(contents(&file), "one ");
	add_text(&file, "two ");
	CU_ASSERT_STRING_EQUAL(contents(&file), "one two ");
	CU_ASSERT_EQUAL(count_files(), 1);
	CU_ASSERT_EQUAL(segment_file_remove(&file), 0);
}

static void test_names(void)
{
	char node[16];
	spool_node_name("pop-1.isp.example", node, sizeof node);
	CU_ASSERT_STRING_EQUAL(node, "pop-1.isp.examp");
	spool_node_name("../x y", node, sizeof node);
	CU_ASSERT_STRING_EQUAL(node, "_._x_y");
	spool_node_name("", node, sizeof node);
	CU_ASSERT_STRING_EQUAL(node, "localhost");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a segment is adopted when its writer is gone", test_adoption},
		{"a folder is listed, the oldest first", test_listing},
		{"strange files", test_strange_files},
		{"drafts that nobody finished", test_drafts},
		{"no room on the disk", test_no_room},
		{"names of nodes", test_names},
		CU_TEST_INFO_NULL,
	};
	return suite_run_with("spool/segment_file", prepare, clean_up, tests);
}
