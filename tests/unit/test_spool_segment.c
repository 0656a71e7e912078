/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Tests of src/spool/segment.h and crc32c.h: what is written is read, and of what the disk did to
 * it no more is lost than the record that it did it to. */
#include "spool/crc32c.h"
#include "spool/segment.h"
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 5
#define ROOM 4096

static const struct segment_id id = {INT64_C(1700000000000000), UINT64_C(0x0123456789abcdef)};

/* Records "a", "bb", "ccc" ... behind a head, and where they begin. */
static uint8_t file[ROOM];
static size_t starts[RECORDS + 1];

static void add_record(size_t *size, const void *contents, size_t contents_size)
{
	segment_begin_record(file + *size, contents_size);
	memcpy(file + *size + SEGMENT_RECORD_HEAD, contents, contents_size);
	*size += SEGMENT_RECORD_HEAD + contents_size;
}

static size_t make_file(void)
{
	size_t size = SEGMENT_HEAD_SIZE;
	memset(file, 0, sizeof file);
	segment_put_head(&id, file);
	for (unsigned n = 0; n < RECORDS; n++) {
		char contents[RECORDS];
		memset(contents, 'a' + (int)n, sizeof contents);
		starts[n] = size;
		add_record(&size, contents, n + 1);
	}
	starts[RECORDS] = size;
	segment_seal(&id, SEGMENT_HEAD_SIZE, file + SEGMENT_HEAD_SIZE, size - SEGMENT_HEAD_SIZE);
	return size;
}

/* What a reader finds: of records their first letter, "!" for corrupt octets, "~" for a torn end.
 */
static const char *read_file(size_t size, size_t from)
{
	static char found[256];
	size_t count = 0;
	struct segment_piece piece;
	struct segment_window window = {.id = &id,
		.octets = file + from,
		.size = size - from,
		.offset = from,
		.is_last = true};
	while (segment_next(&window, &piece) && count + 1 < sizeof found)
		found[count++] = piece.kind == SEGMENT_RECORD    ? (char)piece.octets[0]
				 : piece.kind == SEGMENT_CORRUPT ? '!'
								 : '~';
	found[count] = '\0';
	return found;
}

static void test_crc(void)
{
	/* RFC 3720 appendix B.4, and the check value that every description of it has. */
	uint8_t octets[32] = {0};
	CU_ASSERT_EQUAL(crc32c(0, octets, sizeof octets), 0x8a9136aa);
	memset(octets, 0xff, sizeof octets);
	CU_ASSERT_EQUAL(crc32c(0, octets, sizeof octets), 0x62a8ab43);
	for (unsigned n = 0; n < sizeof octets; n++)
		octets[n] = (uint8_t)n;
	CU_ASSERT_EQUAL(crc32c(0, octets, sizeof octets), 0x46dd794e);
	CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
	CU_ASSERT_EQUAL(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void test_whole(void)
{
	struct segment_id read;
	size_t size = make_file();
	CU_ASSERT_EQUAL(segment_read_head(file, size, &read), 0);
	CU_ASSERT_EQUAL(read.born_us, id.born_us);
	CU_ASSERT_EQUAL(read.salt, id.salt);
	CU_ASSERT_STRING_EQUAL(read_file(size, SEGMENT_HEAD_SIZE), "abcde");
	CU_ASSERT_STRING_EQUAL(read_file(size, starts[3]), "de");
}

/* Cut anywhere: what is whole is there, and nothing else is said but that the end is torn. */
static void test_cut(void)
{
	size_t size = make_file();
	for (size_t end = SEGMENT_HEAD_SIZE; end <= size; end++) {
		char expected[RECORDS + 2] = "";
		unsigned whole = 0;
		while (whole < RECORDS && starts[whole + 1] <= end)
			whole++;
		memcpy(expected, "abcde", whole);
		if (starts[whole] != end)
			expected[whole] = '~';
		CU_ASSERT_STRING_EQUAL(read_file(end, SEGMENT_HEAD_SIZE), expected);
	}
}

/* A file that grew, but whose last octets never reached the disk. */
static void test_unwritten(void)
{
	size_t size = make_file();
	memset(file + starts[3], 0, size - starts[3]);
	CU_ASSERT_STRING_EQUAL(read_file(size, SEGMENT_HEAD_SIZE), "abc~");
}

/* Every bit of the records: the one that holds it is lost, no other, and its octets are found. */
static void test_flipped(void)
{
	size_t size = make_file();
	unsigned record = 0;
	for (size_t at = SEGMENT_HEAD_SIZE; at < size; at++) {
		if (at == starts[record + 1])
			record++;
		for (unsigned bit = 0; bit < 8; bit++) {
			char expected[RECORDS + 1];
			memcpy(expected, "abcde", sizeof expected);
			expected[record] = '!';
			file[at] ^= (uint8_t)(1 << bit);
			const char *found = read_file(size, SEGMENT_HEAD_SIZE);
			file[at] ^= (uint8_t)(1 << bit);
			/* The last one's size may now point behind the file. */
			if (record == RECORDS - 1 && found[record] == '~')
				expected[record] = '~';
			CU_ASSERT_STRING_EQUAL(found, expected);
		}
	}
}

static void test_flipped_head(void)
{
	struct segment_id read;
	size_t size = make_file();
	for (size_t bit = 0; bit < SEGMENT_HEAD_SIZE * 8; bit++) {
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT_EQUAL(segment_read_head(file, size, &read), 0);
		CU_ASSERT_EQUAL(read.salt, id.salt);
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	file[0] ^= 1;
	file[SEGMENT_HEAD_SIZE - 1] ^= 1;
	CU_ASSERT_EQUAL(segment_read_head(file, size, &read), ERR_SYNTAX);
	CU_ASSERT_EQUAL(segment_read_head(file, SEGMENT_HEAD_SIZE - 1, &read), ERR_SYNTAX);
}

/* A whole record of another segment inside a damaged one is not taken for one of this segment. */
static void test_forged(void)
{
	static const struct segment_id other = {1, 2};
	uint8_t inner[SEGMENT_RECORD_HEAD + 1];
	size_t size = SEGMENT_HEAD_SIZE, place = SEGMENT_HEAD_SIZE + SEGMENT_RECORD_HEAD;
	segment_begin_record(inner, 1);
	inner[SEGMENT_RECORD_HEAD] = 'x';
	segment_seal(&other, place, inner, sizeof inner);
	add_record(&size, inner, sizeof inner);
	add_record(&size, "y", 1);
	segment_seal(&id, SEGMENT_HEAD_SIZE, file + SEGMENT_HEAD_SIZE, size - SEGMENT_HEAD_SIZE);
	file[SEGMENT_HEAD_SIZE + 8] ^= 1;
	CU_ASSERT_STRING_EQUAL(read_file(size, SEGMENT_HEAD_SIZE), "!y");
	/* Nor is one of this segment, at another place. */
	memmove(file + SEGMENT_HEAD_SIZE, file + size - SEGMENT_RECORD_HEAD - 1,
		SEGMENT_RECORD_HEAD + 1);
	CU_ASSERT_STRING_EQUAL(
		read_file(SEGMENT_HEAD_SIZE + SEGMENT_RECORD_HEAD + 1, SEGMENT_HEAD_SIZE), "!");
}

/* However the file is cut into windows, the records are the same ones. */
static void test_windows(void)
{
	size_t size = make_file();
	file[starts[2] + SEGMENT_RECORD_HEAD] ^= 1;
	for (size_t first = 1; first < size - SEGMENT_HEAD_SIZE; first++) {
		char found[ROOM] = "";
		size_t count = 0, from = SEGMENT_HEAD_SIZE, end = SEGMENT_HEAD_SIZE + first;
		while (from < size) {
			struct segment_piece piece;
			struct segment_window window = {.id = &id,
				.octets = file + from,
				.size = end - from,
				.offset = from,
				.is_last = end == size};
			while (segment_next(&window, &piece))
				if (piece.kind == SEGMENT_RECORD)
					found[count++] = (char)piece.octets[0];
			from += window.at;
			end = size;
		}
		CU_ASSERT_STRING_EQUAL(found, "abde");
	}
}

/* Whatever the octets are: it ends, nothing is read outside of them, and every octet is in a piece.
 */
static void test_noise(void)
{
	srandom(1);
	for (unsigned round = 0; round < 2000; round++) {
		size_t size = make_file();
		for (unsigned n = 0; n < 1 + round % 40; n++)
			file[SEGMENT_HEAD_SIZE + (size_t)random() % (size - SEGMENT_HEAD_SIZE)] =
				(uint8_t)random();
		size_t covered = 0, whole = size - SEGMENT_HEAD_SIZE;
		uint8_t *copy = malloc(whole);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, file + SEGMENT_HEAD_SIZE, whole);
		struct segment_piece piece;
		struct segment_window window = {.id = &id,
			.octets = copy,
			.size = whole,
			.offset = SEGMENT_HEAD_SIZE,
			.is_last = true};
		while (segment_next(&window, &piece))
			covered += piece.size +
				   (piece.kind == SEGMENT_RECORD ? SEGMENT_RECORD_HEAD : 0);
		CU_ASSERT_EQUAL(covered, whole);
		free(copy);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"CRC-32C", test_crc},
		{"what is written is read", test_whole},
		{"a file cut anywhere", test_cut},
		{"octets that were never written", test_unwritten},
		{"every bit flipped", test_flipped},
		{"every bit of the head flipped", test_flipped_head},
		{"a forged record", test_forged},
		{"windows of every size", test_windows},
		{"noise", test_noise},
		CU_TEST_INFO_NULL,
	};
	return suite_run("spool/segment", tests);
}
