/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Turns a command line into a call, by the command table. Knows no command by name. */
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/value.h"
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line of words still to be looked at. */
struct words {
	char *const *next;
	int left;
};

int call_fail(const struct call *call, int code, const char *format, ...)
{
	va_list list;

	fputs("popradctl: ", call->errors);
	va_start(list, format);
	vfprintf(call->errors, format, list);
	va_end(list);
	fputc('\n', call->errors);
	return code;
}

/* "nas add ", for messages; empty if nothing was understood. */
static const char *call_name(const struct call *call)
{
	const char *noun = call->noun == NULL ? "" : call->noun->name;
	const char *verb =
		call->command == NULL || call->command->verb == NULL ? "" : call->command->verb;

	return mem_must(talloc_asprintf(
		call->ctx, "%s%s%s%s", noun, *noun ? " " : "", verb, *verb ? " " : ""));
}

static const struct parameter *parameter_find(
	const struct parameter *table, const char *name, size_t size)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
			return table;
	return NULL;
}

static const struct given *given_find(const struct call *call, const struct parameter *parameter)
{
	for (unsigned i = call->given_count; i > 0; i--)
		if (call->given[i - 1].parameter == parameter)
			return &call->given[i - 1];
	return NULL;
}

static int give(struct call *call, const struct parameter *parameter, const char *text)
{
	const char *dashes = parameter->name[0] >= 'a' ? "--" : "";
	const char *normal, *why;
	int code = value_check(call->ctx, parameter, text, &normal, &why);
	/* A password that is malformed is still nearly a password: it is not repeated. */
	bool is_secret = parameter->type == VALUE_PASSWORD || parameter->type == VALUE_SECRET;
	/* What has control characters, or is no UTF-8, must not reach the terminal. */
	bool is_shown = !is_secret && text_fault(text, VALUE_TEXT_MAX) == NULL;

	if (code != CTL_OK)
		return call_fail(call, code, "%s%s%s%s%s %s", dashes, parameter->name,
			is_shown ? " '" : "", is_shown ? text : "", is_shown ? "'" : "", why);
	if (*dashes && !parameter->is_repeatable && given_find(call, parameter) != NULL)
		return call_fail(call, CTL_USAGE, "--%s is given twice", parameter->name);
	call->given[call->given_count++] = (struct given){parameter, normal};
	return CTL_OK;
}

/* -h, --help, -c FILE, --version: known before and behind the noun. *is_taken says whether the word
 * was one of them. */
static int parse_common(struct call *call, struct words *words, bool *is_taken)
{
	const char *word = words->next[0];

	*is_taken = true;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		call->is_help = true;
	} else if (strcmp(word, "--version") == 0) {
		call->is_version = true;
	} else if (strcmp(word, "-c") == 0) {
		if (words->left < 2)
			return call_fail(call, CTL_USAGE, "-c wants a configuration file");
		call->conf_path = words->next[1];
		words->next++;
		words->left--;
	} else {
		*is_taken = false;
		return CTL_OK;
	}
	words->next++;
	words->left--;
	return CTL_OK;
}

static int parse_option(struct call *call, struct words *words)
{
	const char *name = words->next[0] + 2;
	const char *value = strchr(name, '=');
	size_t size = value == NULL ? strlen(name) : (size_t)(value - name);
	const struct parameter *option = parameter_find(call->command->options, name, size);

	words->next++;
	words->left--;
	if (option == NULL)
		return call_fail(call, CTL_USAGE, "%shas no option --%.*s (see popradctl %s--help)",
			call_name(call), (int)(size > VALUE_NAME_MAX ? VALUE_NAME_MAX : size),
			text_fault(name, VALUE_TEXT_MAX) == NULL ? name : "?", call_name(call));
	if (option->type == VALUE_FLAG)
		return value == NULL
			       ? give(call, option, "")
			       : call_fail(call, CTL_USAGE, "--%s takes no value", option->name);
	if (value != NULL)
		return give(call, option, value + 1);
	if (words->left == 0)
		return call_fail(
			call, CTL_USAGE, "--%s wants a value: %s", option->name, option->form);
	value = words->next[0];
	words->next++;
	words->left--;
	return give(call, option, value);
}

static int parse_argument(struct call *call, const struct parameter **argument, struct words *words)
{
	const char *word = words->next[0];

	if (*argument == NULL || (*argument)->name == NULL)
		return call_fail(call, CTL_USAGE, "too many arguments (see popradctl %s--help)",
			call_name(call));
	words->next++;
	words->left--;
	return give(call, (*argument)->is_repeatable ? *argument : (*argument)++, word);
}

static int parse_rest(struct call *call, struct words *words)
{
	const struct parameter *argument = call->command->arguments;
	bool is_literal = false, is_taken;
	int code = CTL_OK;

	while (code == CTL_OK && words->left > 0) {
		const char *word = words->next[0];

		if (!is_literal && strcmp(word, "--") == 0) {
			is_literal = true;
			words->next++;
			words->left--;
			continue;
		}
		if (is_literal || word[0] != '-' || word[1] == '\0') {
			code = parse_argument(call, &argument, words);
			continue;
		}
		code = parse_common(call, words, &is_taken);
		if (code != CTL_OK || is_taken)
			continue;
		if (word[1] != '-')
			return call_fail(call, CTL_USAGE,
				"options have two hyphens and a name (see popradctl %s--help)",
				call_name(call));
		code = parse_option(call, words);
	}
	if (code != CTL_OK || call->is_help)
		return code;
	if (argument != NULL && argument->name != NULL && !argument->is_optional)
		return call_fail(call, CTL_USAGE, "%s is missing (see popradctl %s--help)",
			argument->name, call_name(call));
	return CTL_OK;
}

static int check_required(const struct call *call)
{
	for (const struct parameter *option = call->command->options;
		option != NULL && option->name != NULL; option++)
		if (option->is_required && given_find(call, option) == NULL)
			return call_fail(call, CTL_USAGE,
				"--%s %s is missing (see popradctl %s--help)", option->name,
				option->form, call_name(call));
	return CTL_OK;
}

static int find_noun(struct call *call, const char *word)
{
	for (const struct noun *noun = ctl_nouns; noun->name != NULL; noun++)
		if (strcmp(noun->name, word) == 0) {
			call->noun = noun;
			if (noun->commands[0].verb == NULL)
				call->command = &noun->commands[0];
			return CTL_OK;
		}
	return call_fail(call, CTL_USAGE, "there is no command '%s' (see popradctl --help)",
		text_fault(word, VALUE_NAME_MAX) == NULL ? word : "?");
}

static int find_verb(struct call *call, const char *word)
{
	for (const struct command *command = call->noun->commands; command->run != NULL; command++)
		if (strcmp(command->verb, word) == 0) {
			call->command = command;
			return CTL_OK;
		}
	return call_fail(call, CTL_USAGE, "there is no command '%s %s' (see popradctl %s --help)",
		call->noun->name, text_fault(word, VALUE_NAME_MAX) == NULL ? word : "?",
		call->noun->name);
}

/* Common options, then one word, which `found` takes. */
static int parse_word(struct call *call, struct words *words, const char *what,
	int (*found)(struct call *call, const char *word))
{
	bool is_taken;
	int code;

	while (words->left > 0) {
		code = parse_common(call, words, &is_taken);
		if (code != CTL_OK)
			return code;
		if (is_taken)
			continue;
		code = found(call, words->next[0]);
		words->next++;
		words->left--;
		return code;
	}
	if (call->is_help || call->is_version)
		return CTL_OK;
	return call_fail(
		call, CTL_USAGE, "%s is missing (see popradctl %s--help)", what, call_name(call));
}

int call_parse(struct call *call, int argc, char *const argv[])
{
	struct words words = {argv + 1, argc - 1};
	int code;

	call->given = mem_must(talloc_zero_array(call->ctx, struct given, (unsigned)argc + 1));
	code = parse_word(call, &words, "a noun", find_noun);
	if (code == CTL_OK && call->noun != NULL && call->command == NULL)
		code = parse_word(call, &words, "a verb", find_verb);
	if (code == CTL_OK && call->command != NULL)
		code = parse_rest(call, &words);
	if (code == CTL_OK && call->command != NULL && !call->is_help)
		code = check_required(call);
	return code;
}

static const struct parameter *call_parameter(const struct call *call, const char *name)
{
	const struct parameter *parameter =
		parameter_find(call->command->options, name, strlen(name));

	if (parameter == NULL)
		parameter = parameter_find(call->command->arguments, name, strlen(name));
	assert(parameter != NULL);
	return parameter;
}

const char *call_value(const struct call *call, const char *name)
{
	const struct given *given = given_find(call, call_parameter(call, name));

	return given == NULL ? NULL : given->value;
}

bool call_has(const struct call *call, const char *name)
{
	return given_find(call, call_parameter(call, name)) != NULL;
}

const char *const *call_values(const struct call *call, const char *name, size_t *count)
{
	const struct parameter *parameter = call_parameter(call, name);
	const char **values =
		mem_must(talloc_array(call->ctx, const char *, call->given_count + 1));

	*count = 0;
	for (unsigned i = 0; i < call->given_count; i++)
		if (call->given[i].parameter == parameter)
			values[(*count)++] = call->given[i].value;
	return values;
}

int call_load_conf(struct call *call)
{
	const char *path = call->conf_path == NULL ? conf_default_path() : call->conf_path;
	int err;

	if (call->conf != NULL)
		return CTL_OK;
	err = conf_load(call->ctx, path, call->errors, &call->conf);
	if (err == 0)
		return CTL_OK;
	return call_fail(call, err == ERR_SYNTAX ? CTL_USAGE : CTL_REFUSED,
		"the configuration %s cannot be used (another one: -c FILE, or POPRAD_CONF)", path);
}

/* The first line of standard input without its line end. */
static int read_secret(struct call *call, const char *name, const char **value)
{
	char line[VALUE_PASSWORD_MAX + 2];
	const char *why = NULL;
	size_t size = 0;
	int octet;

	while ((octet = getc(stdin)) != EOF && octet != '\n') {
		if (octet == '\0')
			return call_fail(
				call, CTL_USAGE, "--%s-stdin: the line has a NUL octet", name);
		if (size == sizeof(line) - 1)
			return call_fail(call, CTL_USAGE, "--%s-stdin: the line is too long", name);
		line[size++] = (char)octet;
	}
	if (octet == EOF && size == 0)
		return call_fail(call, CTL_USAGE, "--%s-stdin: standard input is empty", name);
	if (size > 0 && line[size - 1] == '\r')
		size--;
	line[size] = '\0';
	if (value_check(call->ctx, call_parameter(call, name), line, value, &why) != CTL_OK)
		return call_fail(call, CTL_USAGE, "--%s-stdin: the line %s", name, why);
	*value = mem_must(talloc_strdup(call->ctx, line));
	explicit_bzero(line, sizeof(line));
	return CTL_OK;
}

int call_secret(struct call *call, const char *name, const char **value)
{
	const char *from_stdin = mem_must(talloc_asprintf(call->ctx, "%s-stdin", name));

	*value = call_value(call, name);
	if (!call_has(call, from_stdin))
		return CTL_OK;
	if (*value != NULL)
		return call_fail(
			call, CTL_USAGE, "--%s and --%s-stdin exclude each other", name, name);
	return read_secret(call, name, value);
}
