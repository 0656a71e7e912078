/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Renders the command table: --help for a terminal, mdoc for the manual. */
#include "ctl/ctl.h"
#include "db/catalog.h"
#include <string.h>

#define HELP_COLUMN 30 /* where the sentences begin */
#define HELP_WIDTH 80  /* a terminal's usual width */

/* "NAME PREFIX [CIDR]" */
static void print_arguments(FILE *out, const struct command *command)
{
	for (const struct parameter *argument = command->arguments;
		argument != NULL && argument->name != NULL; argument++)
		fprintf(out, argument->is_optional ? " [%s%s]" : " %s%s", argument->name,
			argument->is_repeatable ? " ..." : "");
}

static bool has_options(const struct command *command)
{
	return command->options != NULL && command->options->name != NULL;
}

/* Words of text on lines of at most HELP_WIDTH, from column `at` on; further lines begin at
 * `indent`. */
static void print_wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
	while (*text) {
		size_t size = strcspn(text, " ");

		if (at > indent && at + 1 + size > HELP_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)size, text);
		at += size;
		text += size;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* left, then sentence in its column. */
static void print_row(FILE *out, const char *left, const char *sentence)
{
	size_t size = strlen(left);

	if (size + 3 > HELP_COLUMN)
		fprintf(out, "  %s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
	print_wrapped(out, sentence, HELP_COLUMN, HELP_COLUMN);
}

static void print_parameter(FILE *out, const struct parameter *parameter, bool is_option)
{
	char left[128];
	bool has_form = is_option && parameter->type != VALUE_FLAG;

	snprintf(left, sizeof(left), "%s%s%s%s", is_option ? "--" : "", parameter->name,
		has_form ? " " : "", has_form ? parameter->form : "");
	print_row(out, left, parameter->sentence);
	for (size_t i = 0; parameter->type == VALUE_KIND && nas_kind_at(i) != NULL; i++)
		print_row(out, "", nas_kind_at(i)->name);
	if (parameter->is_repeatable)
		print_row(out, "", "May be given several times.");
	if (parameter->is_required)
		print_row(out, "", "Required.");
}

static void print_command(FILE *out, const struct noun *noun, const struct command *command)
{
	fprintf(out, "popradctl %s%s%s", noun->name, command->verb == NULL ? "" : " ",
		command->verb == NULL ? "" : command->verb);
	print_arguments(out, command);
	fprintf(out, "%s\n\n", has_options(command) ? " [OPTIONS]" : "");
	print_wrapped(out, command->sentence, 0, 0);
	if (command->details != NULL)
		print_wrapped(out, command->details, 0, 0);
	fputc('\n', out);
	for (const struct parameter *argument = command->arguments;
		argument != NULL && argument->name != NULL; argument++)
		print_parameter(out, argument, false);
	for (const struct parameter *option = command->options;
		option != NULL && option->name != NULL; option++)
		print_parameter(out, option, true);
	print_row(out, "-c FILE", "Read this configuration instead of the default one.");
	fprintf(out, "\nExample:\n  %s\n", command->example);
}

static void print_noun(FILE *out, const struct noun *noun)
{
	fprintf(out, "popradctl %s: %s\n\n", noun->name, noun->sentence);
	for (const struct command *command = noun->commands; command->run != NULL; command++)
		print_row(out, command->verb, command->sentence);
	fprintf(out, "\npopradctl %s VERB --help says more about each.\n", noun->name);
}

static void print_all(FILE *out)
{
	fprintf(out, "popradctl [-c FILE] NOUN VERB [ARGUMENTS] [OPTIONS]\n\n");
	for (const struct noun *noun = ctl_nouns; noun->name != NULL; noun++)
		print_row(out, noun->name, noun->sentence);
	fprintf(out,
		"\npopradctl NOUN --help lists a noun's verbs, popradctl NOUN VERB --help explains "
		"one\nwith an example. The configuration is %s unless -c FILE\nor POPRAD_CONF "
		"names another. --json makes everything that lists or shows write JSON.\n\n"
		"Exit status: 0 done, 1 not found or refused, 2 usage, 3 database.\n",
		conf_default_path());
}

void call_print_help(const struct call *call)
{
	if (call->command != NULL)
		print_command(call->out, call->noun, call->command);
	else if (call->noun != NULL)
		print_noun(call->out, call->noun);
	else
		print_all(call->out);
}

/* Text in which mdoc sees no macro: a line must not begin with . or ', and \ begins an escape. */
static void print_mdoc_text(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

/* Arguments of a macro that could be taken for a macro or be split are quoted. */
static void print_mdoc_word(FILE *out, const char *macro, const char *word)
{
	fprintf(out, " %s \"%s\"", macro, word);
}

static void print_mdoc_kinds(FILE *out)
{
	fprintf(out, ".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; nas_kind_at(i) != NULL; i++) {
		fprintf(out, ".It Cm %s\n", nas_kind_at(i)->name);
		print_mdoc_text(out, nas_kind_at(i)->sentence);
	}
	fprintf(out, ".El\n");
}

static void print_mdoc_command(FILE *out, const struct noun *noun, const struct command *command)
{
	fprintf(out, ".It");
	print_mdoc_word(out, "Cm", noun->name);
	if (command->verb != NULL)
		print_mdoc_word(out, "Cm", command->verb);
	for (const struct parameter *argument = command->arguments;
		argument != NULL && argument->name != NULL; argument++)
		print_mdoc_word(out, argument->is_optional ? "Op Ar" : "Ar", argument->name);
	fputc('\n', out);
	print_mdoc_text(out, command->sentence);
	if (command->details != NULL)
		print_mdoc_text(out, command->details);
	for (const struct parameter *argument = command->arguments;
		argument != NULL && argument->name != NULL; argument++) {
		fprintf(out, ".Ar \"%s\" :\n", argument->name);
		print_mdoc_text(out, argument->sentence);
		if (argument->is_repeatable)
			fputs("May be given several times.\n", out);
	}
	if (!has_options(command))
		return;
	fprintf(out, ".Bl -tag -width Ds -compact\n");
	for (const struct parameter *option = command->options; option->name != NULL; option++) {
		fprintf(out, ".It Fl \"\\-%s\"", option->name);
		if (option->type != VALUE_FLAG)
			print_mdoc_word(out, "Ar", option->form);
		fputc('\n', out);
		print_mdoc_text(out, option->sentence);
		if (option->type == VALUE_KIND)
			print_mdoc_kinds(out);
		if (option->is_repeatable)
			fputs("May be given several times.\n", out);
		if (option->is_required)
			fputs("Required.\n", out);
	}
	fprintf(out, ".El\n");
}

void ctl_print_manual(FILE *out)
{
	for (const struct noun *noun = ctl_nouns; noun->name != NULL; noun++) {
		fprintf(out, ".Ss %s\n", noun->name);
		print_mdoc_text(out, noun->sentence);
		fprintf(out, ".Bl -tag -width Ds\n");
		for (const struct command *command = noun->commands; command->run != NULL;
			command++)
			print_mdoc_command(out, noun, command);
		fprintf(out, ".El\n");
	}
}
