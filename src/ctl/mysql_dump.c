/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/mysql_dump.h"
#include "base/mem.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Octets ------------------------------------------------------------------------------------ */

static int peek(struct mysql_dump *dump, size_t ahead)
{
	if (dump->at + ahead >= dump->end) {
		memmove(dump->buffer, dump->buffer + dump->at, dump->end - dump->at);
		dump->end -= dump->at;
		dump->at = 0;
		dump->end += fread(
			dump->buffer + dump->end, 1, DUMP_BUFFER_SIZE - dump->end, dump->file);
	}
	return dump->at + ahead < dump->end ? dump->buffer[dump->at + ahead] : EOF;
}

static int take(struct mysql_dump *dump)
{
	int octet = peek(dump, 0);

	if (octet != EOF)
		dump->at++;
	if (octet == '\n')
		dump->line++;
	return octet;
}

static bool fail(struct mysql_dump *dump, const char *why)
{
	if (dump->fault == NULL)
		dump->fault = why;
	return false;
}

/* Character sets ------------------------------------------------------------------------------ */

/* MySQL's names of what tables have been written in, and the C library's. */
static const struct {
	const char *name, *code;
} character_sets[] = {
	{"latin1", "CP1252"}, /* MySQL's has the euro sign */
	{"latin2", "ISO-8859-2"},
	{"latin5", "ISO-8859-9"},
	{"latin7", "ISO-8859-13"},
	{"greek", "ISO-8859-7"},
	{"hebrew", "ISO-8859-8"},
	{"cp1250", "CP1250"},
	{"cp1251", "CP1251"},
	{"cp1256", "CP1256"},
	{"koi8r", "KOI8-R"},
	{"koi8u", "KOI8-U"},
	{"gbk", "GBK"},
	{"big5", "BIG5"},
	{"sjis", "SHIFT_JIS"},
	{"euckr", "EUC-KR"},
};

static bool set_character_set(struct mysql_dump *dump, const char *name)
{
	const char *code = NULL;

	if (strncasecmp(name, "utf8", 4) == 0 || strcasecmp(name, "binary") == 0 ||
		strcasecmp(name, "ascii") == 0) {
		dump->is_utf8 = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(character_sets) / sizeof(*character_sets); i++)
		if (strcasecmp(character_sets[i].name, name) == 0)
			code = character_sets[i].code;
	if (code == NULL)
		return fail(dump, "is in a character set that is not known");
	if (dump->conversion != (iconv_t)-1)
		iconv_close(dump->conversion);
	dump->conversion = iconv_open("UTF-8", code);
	dump->is_utf8 = false;
	return dump->conversion != (iconv_t)-1
		       ? true
		       : fail(dump, "is in a character set that this machine cannot convert");
}

/* "... SET NAMES utf8mb4 ..." */
static bool note_names(struct mysql_dump *dump, const char *text)
{
	static const char words[] = "SET NAMES ";
	const char *found = strcasestr(text, words);
	dump_name name;
	size_t size;

	if (found == NULL)
		return true;
	found += strlen(words);
	found += *found == '\'';
	size = strspn(found, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	snprintf(name, sizeof(name), "%.*s", (int)size, found);
	return set_character_set(dump, name);
}

/* Blanks and comments ------------------------------------------------------------------------- */

static void skip_line(struct mysql_dump *dump)
{
	int octet;

	do
		octet = take(dump);
	while (octet != EOF && octet != '\n');
}

/* One that MySQL executes says how the rows are written, and nothing else that matters here. */
static bool skip_comment(struct mysql_dump *dump)
{
	char text[256];
	size_t size = 0;
	int octet;

	while ((octet = take(dump)) != EOF) {
		if (octet == '*' && peek(dump, 0) == '/') {
			take(dump);
			text[size] = '\0';
			return text[2] == '!' ? note_names(dump, text) : true;
		}
		if (size < sizeof(text) - 1)
			text[size++] = (char)octet;
	}
	return fail(dump, "ends within a comment");
}

static bool is_comment(struct mysql_dump *dump)
{
	int octet = peek(dump, 0);

	if (octet == '#')
		return true;
	if (octet == '-')
		return peek(dump, 1) == '-' && (peek(dump, 2) == EOF || isspace(peek(dump, 2)));
	return octet == '/' && peek(dump, 1) == '*';
}

static bool skip_blank(struct mysql_dump *dump)
{
	for (;;) {
		int octet = peek(dump, 0);

		if (octet != EOF && isspace(octet))
			take(dump);
		else if (!is_comment(dump))
			return true;
		else if (octet != '/')
			skip_line(dump);
		else if (!skip_comment(dump))
			return false;
	}
}

/* Words, names and values -----------------------------------------------------------------------
 */

/* A word, or a name in quotes; empty: there is neither. */
static bool read_name(struct mysql_dump *dump, dump_name name)
{
	size_t size = 0;
	int quote, octet;

	name[0] = '\0';
	if (!skip_blank(dump))
		return false;
	quote = peek(dump, 0);
	quote = quote == '`' || quote == '"' ? take(dump) : 0;
	while ((octet = peek(dump, 0)) != EOF) {
		if (quote == 0 && !isalnum(octet) && octet != '_' && octet != '$')
			break;
		take(dump);
		if (octet == quote && quote != 0) {
			if (peek(dump, 0) != quote)
				break;
			take(dump);
		}
		if (size == DUMP_NAME_MAX || octet == '\0')
			return fail(dump, "has a name that is too long");
		name[size++] = (char)octet;
	}
	name[size] = '\0';
	return octet != EOF || quote == 0 ? true : fail(dump, "ends within a name");
}

static bool put(struct mysql_dump *dump, int octet)
{
	if (dump->row_size >= DUMP_ROW_MAX)
		return fail(dump, "has a row that is too long");
	if (dump->size + 1 >= talloc_get_size(dump->text))
		dump->text =
			mem_must(talloc_realloc_size(dump->row, dump->text, 2 * (dump->size + 64)));
	dump->text[dump->size++] = (char)octet;
	dump->row_size++;
	return true;
}

static int unescape(int octet)
{
	static const char from[] = "0bnrtZ", to[] = "\0\b\n\r\t\x1a";
	const char *found = octet == '\0' ? NULL : strchr(from, octet);

	return found == NULL ? octet : to[found - from];
}

/* Behind its quote. */
static bool read_string(struct mysql_dump *dump, int quote)
{
	int octet;

	while ((octet = take(dump)) != EOF) {
		if (octet == quote) {
			if (peek(dump, 0) != quote)
				return true;
			take(dump);
		} else if (octet == '\\') {
			octet = take(dump);
			if (octet == EOF)
				break;
			octet = unescape(octet);
		}
		if (!put(dump, octet))
			return false;
	}
	return fail(dump, "ends within a value");
}

/* Pairs of hex digits, as far as they go. */
static bool read_hex(struct mysql_dump *dump)
{
	while (isxdigit(peek(dump, 0)) && isxdigit(peek(dump, 1))) {
		const char digits[] = {(char)take(dump), (char)take(dump), '\0'};
		uint8_t octet;

		if (!text_from_hex(digits, &octet, 1) || !put(dump, octet))
			return fail(dump, "has a value in hex digits that is none");
	}
	return true;
}

static bool is_one_of(int octet, const char *octets)
{
	return octet > 0 && strchr(octets, octet) != NULL;
}

/* A number, or a word. */
static bool read_plain(struct mysql_dump *dump, bool *is_null)
{
	dump_name word;

	if (is_one_of(peek(dump, 0), "0123456789+-.")) {
		while (is_one_of(peek(dump, 0), "0123456789+-.eE"))
			if (!put(dump, take(dump)))
				return false;
		return true;
	}
	if (!read_name(dump, word))
		return false;
	*is_null = strcasecmp(word, "NULL") == 0;
	if (*is_null)
		return true;
	if (strcasecmp(word, "TRUE") == 0 || strcasecmp(word, "FALSE") == 0)
		return put(dump, strcasecmp(word, "TRUE") == 0 ? '1' : '0');
	/* _utf8mb4'text' and _binary 'octets': the quotes come next. */
	if (word[0] != '_' || !skip_blank(dump) || (peek(dump, 0) != '\'' && peek(dump, 0) != '"'))
		return fail(dump, "has a value of a form that is not known");
	return read_string(dump, take(dump));
}

static bool read_octets(struct mysql_dump *dump, bool *is_null)
{
	int octet = peek(dump, 0), next = peek(dump, 1);

	if (octet == EOF)
		return fail(dump, "ends within a row");
	if (octet == '\'' || octet == '"')
		return read_string(dump, take(dump));
	if (octet == '0' && next == 'x') {
		dump->at += 2;
		return read_hex(dump);
	}
	if ((octet == 'x' || octet == 'X') && next == '\'') {
		dump->at += 2;
		return read_hex(dump) && take(dump) == '\''
			       ? true
			       : fail(dump, "has a value in hex digits that is none");
	}
	return read_plain(dump, is_null);
}

/* The value so far in UTF-8; what cannot be is written as text_clean does. */
static const char *finish_text(struct mysql_dump *dump)
{
	size_t left = dump->size, room = 4 * dump->size;
	char *from = dump->text, *converted, *to;

	if (!dump->is_utf8 && dump->size > 0) {
		to = converted = mem_must(talloc_size(dump->row, room + 1));
		iconv(dump->conversion, NULL, NULL, NULL, NULL);
		if (iconv(dump->conversion, &from, &left, &to, &room) != (size_t)-1) {
			*to = '\0';
			if (strlen(converted) == (size_t)(to - converted))
				return converted;
		}
	}
	if (dump->size == 0)
		return "";
	dump->text[dump->size] = '\0';
	return text_is_clean((const uint8_t *)dump->text, dump->size)
		       ? dump->text
		       : text_clean(dump->row, (const uint8_t *)dump->text, dump->size);
}

static bool read_value(struct mysql_dump *dump)
{
	bool is_null = false;

	if (dump->count == DUMP_COLUMNS_MAX)
		return fail(dump, "has a row of too many values");
	dump->text = mem_must(talloc_size(dump->row, 64));
	dump->size = 0;
	if (!skip_blank(dump) || !read_octets(dump, &is_null))
		return false;
	dump->values[dump->count++] = is_null ? NULL : finish_text(dump);
	return true;
}

/* Statements ------------------------------------------------------------------------------------
 */

/* What stands in quotes is passed over; its octets do not matter. */
static bool skip_quoted(struct mysql_dump *dump)
{
	int quote = take(dump), octet;

	while ((octet = take(dump)) != EOF) {
		if (octet == quote)
			return true;
		if (octet == '\\' && quote != '`')
			take(dump);
	}
	return fail(dump, "ends within quotes");
}

/* To the first of these octets outside of quotes and parentheses, which is left there. */
static bool skip_to(struct mysql_dump *dump, const char *ends)
{
	unsigned depth = 0;

	while (skip_blank(dump)) {
		int octet = peek(dump, 0);

		if (octet == EOF)
			return fail(dump, "ends within a statement");
		if (depth == 0 && is_one_of(octet, ends))
			return true;
		if (octet == '\'' || octet == '"' || octet == '`') {
			if (!skip_quoted(dump))
				return false;
			continue;
		}
		depth += octet == '(';
		depth -= octet == ')' && depth > 0;
		take(dump);
	}
	return false;
}

static bool skip_statement(struct mysql_dump *dump)
{
	if (!skip_to(dump, ";"))
		return false;
	take(dump);
	return true;
}

static bool take_if(struct mysql_dump *dump, int octet)
{
	if (!skip_blank(dump) || peek(dump, 0) != octet)
		return false;
	take(dump);
	return true;
}

/* A table's name, behind that of its database if that is given too. */
static bool read_table(struct mysql_dump *dump, dump_name name)
{
	return read_name(dump, name) && (!take_if(dump, '.') || read_name(dump, name));
}

static struct dump_table *find_table(struct mysql_dump *dump, const char *name)
{
	for (size_t i = 0; dump->wanted[i] != NULL; i++)
		if (strcasecmp(dump->wanted[i], name) == 0)
			return &dump->tables[i];
	return NULL;
}

static bool add_column(struct mysql_dump *dump, struct dump_table *table, const char *name)
{
	if (table->column_count == DUMP_COLUMNS_MAX)
		return fail(dump, "has a table of too many columns");
	memcpy(table->columns[table->column_count++], name, sizeof(dump_name));
	return true;
}

/* Between its parentheses: columns, and keys, which begin with a word of their own. */
static bool read_definitions(struct mysql_dump *dump, struct dump_table *table)
{
	static const char keys[] =
		" primary key index unique fulltext spatial constraint foreign check period ";
	dump_name name = "";
	char word[sizeof(name) + 2];

	table->column_count = 0;
	do {
		bool is_quoted = skip_blank(dump) && (peek(dump, 0) == '`' || peek(dump, 0) == '"');

		if (!read_name(dump, name))
			return false;
		snprintf(word, sizeof(word), " %s ", name);
		if ((is_quoted || strcasestr(keys, word) == NULL) && !add_column(dump, table, name))
			return false;
		if (!skip_to(dump, ",)"))
			return false;
	} while (take(dump) == ',');
	return true;
}

/* Behind CREATE. */
static bool read_create(struct mysql_dump *dump)
{
	struct dump_table *table = NULL;
	dump_name name;

	if (!read_name(dump, name))
		return false;
	if (strcasecmp(name, "TABLE") != 0)
		return skip_statement(dump);
	if (!read_table(dump, name))
		return false;
	if (strcasecmp(name, "IF") == 0 && /* not exists */
		(!read_name(dump, name) || !read_name(dump, name) || !read_table(dump, name)))
		return false;
	table = find_table(dump, name);
	if (table != NULL && take_if(dump, '(') && !read_definitions(dump, table))
		return false;
	return dump->fault == NULL && skip_statement(dump);
}

static bool read_insert_columns(struct mysql_dump *dump)
{
	dump_name name;

	dump->insert.column_count = 0;
	do
		if (!read_name(dump, name) || !add_column(dump, &dump->insert, name))
			return false;
	while (take_if(dump, ','));
	return take_if(dump, ')') ? true : fail(dump, "has a list of columns that does not end");
}

/* Behind INSERT or REPLACE: until the first row. */
static bool read_insert(struct mysql_dump *dump)
{
	static const char fillers[] = " into ignore low_priority delayed high_priority ";
	const struct dump_table *table;
	char word[sizeof(dump_name) + 2];
	dump_name name;

	do {
		if (!read_table(dump, name))
			return false;
		snprintf(word, sizeof(word), " %s ", name);
	} while (name[0] != '\0' && strcasestr(fillers, word) != NULL);
	table = find_table(dump, name);
	if (table == NULL)
		return skip_statement(dump);
	dump->insert = *table;
	if (take_if(dump, '(') && !read_insert_columns(dump))
		return false;
	if (!read_name(dump, name))
		return false;
	if (strcasecmp(name, "VALUES") != 0 && strcasecmp(name, "VALUE") != 0)
		return fail(dump, "has an INSERT of another form than VALUES");
	if (dump->insert.column_count == 0)
		return fail(dump, "has rows of a table whose columns are not known: its CREATE "
				  "TABLE must come before them");
	dump->is_in_insert = true;
	return true;
}

/* At the beginning of a line; the word's end is not looked at. */
static bool take_word(struct mysql_dump *dump, const char *word)
{
	size_t size = strlen(word);
	char text[16];

	for (size_t i = 0; i < size; i++)
		text[i] = (char)peek(dump, i);
	if (strncasecmp(text, word, size) != 0)
		return false;
	dump->at += size;
	return true;
}

/* mysqldump's own command for mysql; between two of them stand triggers and procedures. */
static bool skip_delimited(struct mysql_dump *dump)
{
	for (;;) {
		while (peek(dump, 0) == ' ')
			take(dump);
		if (peek(dump, 0) == ';' && peek(dump, 1) != ';') {
			skip_line(dump);
			return true;
		}
		do {
			skip_line(dump);
			if (peek(dump, 0) == EOF)
				return fail(dump, "ends before DELIMITER ;");
		} while (!take_word(dump, "DELIMITER"));
	}
}

/* SET NAMES utf8mb4; the rest of the statement is passed over. */
static bool read_set(struct mysql_dump *dump)
{
	dump_name name;

	if (!read_name(dump, name))
		return false;
	if (strcasecmp(name, "NAMES") != 0 || !skip_blank(dump) || peek(dump, 0) == '\'')
		return dump->fault == NULL;
	return read_name(dump, name) && set_character_set(dump, name);
}

static bool read_statement(struct mysql_dump *dump)
{
	dump_name word;

	if (!read_name(dump, word))
		return false;
	if (strcasecmp(word, "INSERT") == 0 || strcasecmp(word, "REPLACE") == 0)
		return read_insert(dump);
	if (strcasecmp(word, "CREATE") == 0)
		return read_create(dump);
	if (strcasecmp(word, "DELIMITER") == 0)
		return skip_delimited(dump);
	if (strcasecmp(word, "SET") == 0 && !read_set(dump))
		return false;
	return dump->fault == NULL && skip_statement(dump);
}

/* A row in its parentheses, and what stands behind it. */
static bool read_row(struct mysql_dump *dump)
{
	talloc_free_children(dump->row);
	dump->count = 0;
	dump->row_size = 0;
	if (!take_if(dump, '('))
		return fail(dump, "has no row where one is expected");
	do
		if (!read_value(dump))
			return false;
	while (take_if(dump, ','));
	if (!take_if(dump, ')'))
		return fail(dump, "has a row that does not end");
	if (dump->count != dump->insert.column_count)
		return fail(dump, "has a row with another number of values than columns");
	dump->is_in_insert = take_if(dump, ',');
	return dump->is_in_insert || (dump->fault == NULL && skip_statement(dump));
}

static int dump_done(struct mysql_dump *dump)
{
	if (dump->conversion != (iconv_t)-1)
		iconv_close(dump->conversion);
	return 0;
}

struct mysql_dump *mysql_dump_new(TALLOC_CTX *ctx, FILE *file, const char *const *wanted)
{
	struct mysql_dump *dump = mem_must(talloc_zero(ctx, struct mysql_dump));
	unsigned count = 0;

	while (wanted[count] != NULL)
		count++;
	dump->file = file;
	dump->wanted = wanted;
	dump->tables = mem_must(talloc_zero_array(dump, struct dump_table, count));
	for (unsigned i = 0; i < count; i++)
		snprintf(dump->tables[i].name, sizeof(dump_name), "%s", wanted[i]);
	dump->row = mem_must(talloc_new(dump));
	dump->table = &dump->insert;
	dump->line = 1;
	dump->is_utf8 = true;
	dump->conversion = (iconv_t)-1;
	talloc_set_destructor(dump, dump_done);
	return dump;
}

bool mysql_dump_next(struct mysql_dump *dump)
{
	while (dump->fault == NULL) {
		if (dump->is_in_insert)
			return read_row(dump);
		if (!skip_blank(dump) || peek(dump, 0) == EOF)
			return false;
		if (peek(dump, 0) == ';')
			take(dump);
		else if (!read_statement(dump))
			return false;
	}
	return false;
}
