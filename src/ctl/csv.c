/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/csv.h"
#include "base/mem.h"
#include <string.h>

enum state { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN };

struct csv *csv_new(TALLOC_CTX *ctx, FILE *file)
{
	struct csv *csv = mem_must(talloc_zero(ctx, struct csv));

	csv->file = file;
	csv->next_line = 1;
	return csv;
}

/* The first fault of a row is the one that is told. */
static void row_fault(struct csv *csv, const char *fault)
{
	if (csv->fault == NULL)
		csv->fault = fault;
}

static void put(struct csv *csv, int octet)
{
	if (octet == '\0')
		row_fault(csv, "has a NUL octet");
	else if (csv->size >= CSV_ROW_MAX)
		row_fault(csv, "is too long");
	else
		csv->buffer[csv->size++] = (char)octet;
}

/* Ends a field and begins the next one. */
static void end_field(struct csv *csv)
{
	if (csv->count == CSV_FIELDS_MAX) {
		row_fault(csv, "has too many fields");
		return;
	}
	csv->buffer[csv->size++] = '\0';
	csv->count++;
	if (csv->count < CSV_FIELDS_MAX)
		csv->fields[csv->count] = csv->buffer + csv->size;
}

static void begin_row(struct csv *csv)
{
	csv->line = csv->next_line;
	csv->count = 0;
	csv->size = 0;
	csv->fault = NULL;
	csv->fields[0] = csv->buffer;
}

static enum state take_octet(struct csv *csv, enum state state, int octet)
{
	switch (state) {
	case FIELD_START:
		if (octet == '"')
			return QUOTED;
		/* fall through */
	case PLAIN:
		if (octet == ',') {
			end_field(csv);
			return FIELD_START;
		}
		if (octet == '"')
			row_fault(csv,
				"has a double quote inside a value that does not begin with one");
		put(csv, octet);
		return PLAIN;
	case QUOTED:
		if (octet == '"')
			return QUOTE_SEEN;
		put(csv, octet);
		return QUOTED;
	case QUOTE_SEEN:
		if (octet == '"') {
			put(csv, '"');
			return QUOTED;
		}
		if (octet == ',') {
			end_field(csv);
			return FIELD_START;
		}
		row_fault(csv, "has text behind a closing double quote");
		return PLAIN;
	}
	return state;
}

/* True when the line end ends the row; CR counts only before LF. */
static bool is_row_end(struct csv *csv, enum state state, int octet)
{
	int next;

	if (octet == '\n')
		csv->next_line++;
	if (state == QUOTED)
		return false;
	if (octet == '\n')
		return true;
	if (octet != '\r')
		return false;
	next = getc(csv->file);
	if (next == '\n') {
		csv->next_line++;
		return true;
	}
	ungetc(next, csv->file);
	return next == EOF;
}

/* The three octets of a byte order mark (EF BB BF), which editors put at the start of UTF-8. */
static void skip_mark(struct csv *csv)
{
	static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
	int octet = getc(csv->file);

	if (octet != mark[0]) {
		ungetc(octet, csv->file);
		return;
	}
	for (size_t i = 1; i < sizeof(mark); i++)
		if (getc(csv->file) != mark[i]) {
			row_fault(csv, "begins with octets that are no UTF-8");
			return;
		}
}

bool csv_next(struct csv *csv)
{
	enum state state = FIELD_START;
	int octet;

	begin_row(csv);
	if (csv->next_line == 1)
		skip_mark(csv);
	for (;;) {
		octet = getc(csv->file);
		if (octet == EOF)
			break;
		if (!is_row_end(csv, state, octet)) {
			state = take_octet(csv, state, octet);
			continue;
		}
		/* an empty line is no row */
		if (state == FIELD_START && csv->count == 0 && csv->size == 0 &&
			csv->fault == NULL) {
			csv->line = csv->next_line;
			continue;
		}
		end_field(csv);
		return true;
	}
	if (ferror(csv->file) || (state == FIELD_START && csv->count == 0 && csv->fault == NULL))
		return false;
	if (state == QUOTED)
		row_fault(csv, "begins a value with a double quote that is never closed");
	end_field(csv);
	return true;
}

void csv_put(FILE *out, bool is_first, const char *text)
{
	if (!is_first)
		fputc(',', out);
	if (text == NULL)
		return;
	if (*text != '\0' && strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void csv_end(FILE *out)
{
	fputs("\r\n", out);
}
