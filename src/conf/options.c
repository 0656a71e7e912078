/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * How a value is read, by the kind of its option, and what the manual says about it. */
#include "conf/options.h"
#include "base/mem.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <sched.h>
#include <string.h>

#define WORKERS_AUTO_MAX 4 /* more lanes make smaller batches */

const struct option options[] = {
#define GROUP(heading) {.group = heading},
#define OPTION(name, kind, field, value, least, greatest, unit, sentence)                        \
	{NULL, #name, OPTION_##kind, offsetof(struct conf, field), value, least, greatest, unit, \
		sentence},
#include "conf/options.def"
};
const size_t options_count = sizeof options / sizeof *options;

/* The type that each kind writes; a row whose field has another size does not compile. */
union kind_types {
	unsigned COUNT, WORKERS, DURATION_MS, DURATION_S;
	uint16_t PORT;
	const char *TEXT, *CONNECTION, *PATH, *OPTIONAL_PATH;
	struct addr ADDRESSES[CONF_LISTEN_MAX];
	enum log_target LOG_TARGET;
	enum log_level LOG_LEVEL;
};
#define GROUP(heading)
#define OPTION(name, kind, field, value, least, greatest, unit, sentence)                      \
	_Static_assert(sizeof((union kind_types *)0)->kind == sizeof((struct conf *)0)->field, \
		"options.def: " #name ": the kind does not fit the field");
#include "conf/options.def"

static const char *complain(struct conf *conf, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *complain(struct conf *conf, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *sentence = mem_must(talloc_vasprintf(conf, format, arguments));
	va_end(arguments);
	return sentence;
}

static unsigned processors_up_to(unsigned most)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	int count = CPU_COUNT(&set);
	return count < 1 ? 1 : (unsigned)count < most ? (unsigned)count : most;
}

/* Decimal digits only: a sign, another base or a fraction is a mistake here. */
static bool parse_number(const char *text, int64_t *number)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 15 || text[digits] != '\0')
		return false;
	*number = strtoll(text, NULL, 10);
	return true;
}

/* "90s", "1h": the greatest unit that leaves no rest. */
static const char *format_duration(struct conf *conf, int64_t ms)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	size_t i = 0;
	while (ms % units[i].ms != 0)
		i++;
	if (ms == 0)
		return "0";
	return mem_must(talloc_asprintf(conf, "%" PRId64 "%s", ms / units[i].ms, units[i].suffix));
}

static bool is_duration(const struct option *option)
{
	return option->kind == OPTION_DURATION_MS || option->kind == OPTION_DURATION_S;
}

static const char *format_limit(struct conf *conf, const struct option *option, int64_t limit)
{
	if (is_duration(option))
		return format_duration(conf, limit);
	return mem_must(talloc_asprintf(conf, "%" PRId64, limit));
}

static const char *check_range(
	struct conf *conf, const struct option *option, const char *text, int64_t value)
{
	if (value >= option->least && value <= option->greatest)
		return NULL;
	return complain(conf, "%s is not within %s .. %s", log_quote_text(text),
		format_limit(conf, option, option->least),
		format_limit(conf, option, option->greatest));
}

static const char *read_number(
	struct conf *conf, const struct option *option, const char *text, void *field)
{
	int64_t number;
	if (option->kind == OPTION_WORKERS && strcmp(text, "auto") == 0)
		number = processors_up_to(WORKERS_AUTO_MAX);
	else if (!parse_number(text, &number))
		return complain(conf, "%s is not a number%s", log_quote_text(text),
			option->kind == OPTION_WORKERS ? " nor auto" : "");
	const char *wrong = check_range(conf, option, text, number);
	if (wrong != NULL)
		return wrong;
	if (option->kind == OPTION_PORT)
		*(uint16_t *)field = (uint16_t)number;
	else
		*(unsigned *)field = (unsigned)number;
	return NULL;
}

static const char *read_duration(
	struct conf *conf, const struct option *option, const char *text, void *field)
{
	int64_t ms;
	if (!text_parse_duration_ms(text, &ms))
		return complain(conf, "%s is not a duration such as 500ms, 5s, 15m, 8h or 1d",
			log_quote_text(text));
	const char *wrong = check_range(conf, option, text, ms);
	if (wrong != NULL)
		return wrong;
	if (option->kind == OPTION_DURATION_S && ms % 1000 != 0)
		return complain(conf, "%s is not a whole number of seconds", log_quote_text(text));
	*(unsigned *)field = (unsigned)(option->kind == OPTION_DURATION_S ? ms / 1000 : ms);
	return NULL;
}

static bool is_plain_line(const char *text)
{
	for (const char *octet = text; *octet != '\0'; octet++)
		if ((unsigned char)*octet < 0x20 || *octet == 0x7f)
			return false;
	return text_is_clean((const uint8_t *)text, strlen(text));
}

/* What is wrong is not repeated: libpq would quote a part of the text, maybe of a password. */
static bool is_connection_string(const char *text)
{
	PQconninfoOption *parts = PQconninfoParse(text, NULL);
	PQconninfoFree(parts);
	return parts != NULL;
}

static const char *read_text(
	struct conf *conf, const struct option *option, const char *text, void *field)
{
	int64_t size = (int64_t)strlen(text);
	if (size == 0 && option->least > 0)
		return "must not be empty";
	if (size > option->greatest)
		return complain(conf, "is longer than %" PRId64 " octets", option->greatest);
	if (!is_plain_line(text))
		return "must be one line of UTF-8 text without control characters";
	if (option->kind == OPTION_CONNECTION && !is_connection_string(text))
		return "is not a connection string (keyword=value ..., or postgresql://...)";
	if ((option->kind == OPTION_PATH || option->kind == OPTION_OPTIONAL_PATH) && size > 0 &&
		text[0] != '/')
		return complain(conf, "%s is not an absolute path", log_quote_text(text));
	*(const char **)field = mem_must(talloc_strdup(conf, text));
	return NULL;
}

static const char *read_address(struct conf *conf, const char *text)
{
	struct addr addr;
	if (addr_parse(text, &addr) != 0)
		return complain(conf, "%s is not an IPv4 or IPv6 address (names are not looked up)",
			log_quote_text(text));
	for (unsigned i = 0; i < conf->listen_count; i++)
		if (addr_compare(&conf->listen[i], &addr) == 0)
			return complain(conf, "%s stands twice", log_quote_text(text));
	if (conf->listen_count == CONF_LISTEN_MAX)
		return complain(conf, "more than %d addresses", CONF_LISTEN_MAX);
	conf->listen[conf->listen_count++] = addr;
	return NULL;
}

const char *option_read(struct conf *conf, const struct option *option, const char *text)
{
	void *field = (char *)conf + option->offset;
	switch (option->kind) {
	case OPTION_COUNT:
	case OPTION_PORT:
	case OPTION_WORKERS:
		return read_number(conf, option, text, field);
	case OPTION_DURATION_MS:
	case OPTION_DURATION_S:
		return read_duration(conf, option, text, field);
	case OPTION_TEXT:
	case OPTION_CONNECTION:
	case OPTION_PATH:
	case OPTION_OPTIONAL_PATH:
		return read_text(conf, option, text, field);
	case OPTION_ADDRESSES:
		return read_address(conf, text);
	case OPTION_LOG_TARGET:
		if (strcmp(text, "stderr") == 0)
			*(enum log_target *)field = LOG_TARGET_STDERR;
		else if (strcmp(text, "syslog") == 0)
			*(enum log_target *)field = LOG_TARGET_SYSLOG;
		else
			return complain(
				conf, "%s is not one of %s", log_quote_text(text), option->unit);
		return NULL;
	case OPTION_LOG_LEVEL:
		if (!log_level_parse(text, field))
			return complain(
				conf, "%s is not one of %s", log_quote_text(text), option->unit);
		return NULL;
	}
	return NULL;
}

void option_use_default(struct conf *conf, const struct option *option)
{
	char *values = mem_must(talloc_strdup(NULL, option->default_text)), *rest = values;
	if (option->kind == OPTION_ADDRESSES) {
		for (char *value; (value = strtok_r(rest, ", ", &rest)) != NULL;) {
			const char *wrong = option_read(conf, option, value);
			assert(wrong == NULL);
			(void)wrong;
		}
	} else {
		const char *wrong = option_read(conf, option, values);
		assert(wrong == NULL);
		(void)wrong;
	}
	talloc_free(values);
}

/* Text for mdoc: a backslash would be an escape, and a line must not begin with a control
 * character. */
static void print_escaped(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text != '\0'; text++)
		fputs(*text == '\\' ? "\\e" : (char[]){*text, '\0'}, out);
}

static void print_option(FILE *out, struct conf *scratch, const struct option *option)
{
	fprintf(out, ".It Ic %s Ns = Ns Ar %s\n", option->name,
		is_duration(option) ? "duration" : "value");
	print_escaped(out, option->sentence);
	fputs("\n.br\nUnit: ", out);
	print_escaped(out, option->unit);
	if (option->greatest > 0 && option->kind != OPTION_ADDRESSES)
		fprintf(out, "%s %s to %s%s", option->kind >= OPTION_TEXT ? ", length" : ", from",
			format_limit(scratch, option, option->least),
			format_limit(scratch, option, option->greatest),
			option->kind >= OPTION_TEXT ? " octets" : "");
	fputs(".\nDefault: ", out);
	print_escaped(out, *option->default_text == '\0' ? "empty" : option->default_text);
	fputs(".\n", out);
}

void conf_print_manual(FILE *out)
{
	struct conf *scratch = mem_must(talloc_zero(NULL, struct conf));
	bool is_list_open = false;
	for (const struct option *option = options; option < options + options_count; option++) {
		if (option->group == NULL) {
			print_option(out, scratch, option);
			continue;
		}
		fprintf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", is_list_open ? ".El\n" : "",
			option->group);
		is_list_open = true;
	}
	fputs(".El\n", out);
	talloc_free(scratch);
}
