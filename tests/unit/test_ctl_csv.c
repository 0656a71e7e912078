/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The CSV reader: text in, rows out, written as "line:field|field|;" with faults in brackets. */
#include "ctl/csv.h"
#include "suite.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char seen[65536];

static void read_octets(const char *octets, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)octets, size, "r");
	FILE *out = fmemopen(seen, sizeof(seen), "w");
	struct csv *csv = csv_new(NULL, file);

	seen[0] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	while (csv_next(csv)) {
		fprintf(out, "%lu:", csv->line);
		if (csv->fault != NULL)
			fprintf(out, "[%s]", csv->fault);
		else
			for (size_t i = 0; i < csv->count; i++)
				fprintf(out, "%s|", csv->fields[i]);
		fputc(';', out);
	}
	fclose(file);
	fclose(out);
	talloc_free(csv);
}

static void expect(const char *text, const char *expected)
{
	read_octets(text, strlen(text));
	CU_ASSERT_STRING_EQUAL(seen, expected);
	if (strcmp(seen, expected) != 0)
		fprintf(stderr, "got %s\nexpected %s\n", seen, expected);
}

static void test_rows(void)
{
	expect("a,b,c\n1,2,3\n", "1:a|b|c|;2:1|2|3|;");
	expect("a,b\r\n1,2\r\n", "1:a|b|;2:1|2|;");
	expect("a,b\n1,2", "1:a|b|;2:1|2|;");
	expect("a,,c\n,\n", "1:a||c|;2:||;");
	expect("a", "1:a|;");
	expect("\n\n\r\na\n\n\nb\n\n", "4:a|;7:b|;");
	expect("\n", "");
	expect(" a , b \n", "1: a | b |;");
	expect("a\rb\n", "1:a\rb|;");
}

static void test_quotes(void)
{
	expect("\"a\",\"b,c\",\"d\"\"e\"\n", "1:a|b,c|d\"e|;");
	expect("\"\",\"\"\n", "1:||;");
	expect("\"two\nlines\",x\nnext,y\n", "1:two\nlines|x|;3:next|y|;");
	expect("\"two\r\nlines\"\r\nnext\r\n", "1:two\r\nlines|;3:next|;");
	expect("\"\"\"\"\n", "1:\"|;");
	expect("a,\"\"", "1:a||;");
	expect("\"\"", "1:|;");
}

static void test_byte_order_mark(void)
{
	expect("\xef\xbb\xbf"
	       "login,plan\n",
		"1:login|plan|;");
	expect("\xef\xbbx\n", "1:[begins with octets that are no UTF-8];");
}

static void test_faults_leave_the_next_row_unharmed(void)
{
	expect("a\"b\nc\n",
		"1:[has a double quote inside a value that does not begin with one];2:c|;");
	expect("\"a\"b\nc\n", "1:[has text behind a closing double quote];2:c|;");
	expect("a\n\"b\nc\n", "1:a|;2:[begins a value with a double quote that is never closed];");
	expect("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"
	       "31,32\n",
		"1:1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28|29|"
		"30|31|32|;");
	expect("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"
	       "31,32,33,34\nnext\n",
		"1:[has too many fields];2:next|;");
	read_octets("a\0b\nc\n", 6);
	CU_ASSERT_STRING_EQUAL(seen, "1:[has a NUL octet];2:c|;");
}

/* size octets of x, then a line end and a row more */
static void read_long(size_t size, const char *rest)
{
	char *text = malloc(size + strlen(rest) + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'x', size);
	memcpy(text + size, rest, strlen(rest) + 1);
	read_octets(text, strlen(text));
	free(text);
}

static void test_the_row_is_bounded(void)
{
	read_long(CSV_ROW_MAX, "\nnext\n");
	CU_ASSERT_EQUAL(strlen(seen), strlen("1:|;2:next|;") + CSV_ROW_MAX);
	read_long(CSV_ROW_MAX + 1, "\nnext\n");
	CU_ASSERT_STRING_EQUAL(seen, "1:[is too long];2:next|;");
	read_long(CSV_ROW_MAX, ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\nnext\n");
	CU_ASSERT_STRING_EQUAL(seen, "1:[has too many fields];2:next|;");
	read_long(10 * CSV_ROW_MAX, ",\"\n");
	CU_ASSERT_STRING_EQUAL(seen, "1:[is too long];");
}

static void test_what_is_written(void)
{
	static const char expected[] =
		"a,,\"\",\"with, comma\",\"\"\"quoted\"\"\",\"two\r\nlines\", x\r\n"
		"b\r\n";
	const char *fields[] = {"a", NULL, "", "with, comma", "\"quoted\"", "two\r\nlines", " x"};
	FILE *out = fmemopen(seen, sizeof(seen), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		csv_put(out, i == 0, fields[i]);
	csv_end(out);
	csv_put(out, true, "b");
	csv_end(out);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(seen, expected);
	expect(expected, "1:a|||with, comma|\"quoted\"|two\r\nlines| x|;3:b|;");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"rows", test_rows},
		{"quotes", test_quotes},
		{"byte order mark", test_byte_order_mark},
		{"faults leave the next row unharmed", test_faults_leave_the_next_row_unharmed},
		{"the row is bounded", test_the_row_is_bounded},
		{"what is written", test_what_is_written},
		CU_TEST_INFO_NULL,
	};
	return suite_run("ctl_csv", tests);
}
