/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Fills a manual page's template while poprad is built: copies standard input to standard output
 * and puts the tables that the programs use in the place of the lines "@options@", "@commands@",
 * "@counters@", "@distributions@", "@drops@" and "@rejects@". Manual and program cannot differ,
 * because there is only one table. */
#include "base/metrics.h"
#include "conf/conf.h"
#include "ctl/ctl.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 1024 /* of a template; a longer line is refused */

/* Text that mdoc takes as it stands. */
static void print_text(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

static void print_item(FILE *out, const char *name, const char *sentence)
{
	fprintf(out, ".It Cm %s\n", name);
	print_text(out, sentence);
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void print_counters(FILE *out)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info((enum metric)i);

		if (has_prefix(info->name, "drop_") || has_prefix(info->name, "reject_"))
			continue;
		print_item(out, info->name, info->sentence);
		if (info->is_gauge)
			fputs("(Goes up and down.)\n", out);
	}
}

static void print_distributions(FILE *out)
{
	for (unsigned i = 0; i < DISTRIBUTION_COUNT; i++) {
		const struct metric_info *info =
			metric_distribution_info((enum metric_distribution)i);

		print_item(out, info->name, info->sentence);
	}
}

/* What the help desk can do about it, if it concerns a login. */
static void print_advice(FILE *out, const char *reason)
{
	const struct advice *advice = advice_find(reason);

	if (advice == NULL)
		return;
	fputs(".br\n.Em \"What to do:\"\n", out);
	print_text(out, advice->help);
	fputs(".br\n.Em \"To the customer:\"\n", out);
	print_text(out, advice->customer);
}

static void print_drop(FILE *out, const char *name, const char *sentence)
{
	print_item(out, name, sentence);
	print_advice(out, name);
}

static void print_drops(FILE *out)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info((enum metric)i);

		if (has_prefix(info->name, "drop_"))
			print_drop(out, info->name + strlen("drop_"), info->sentence);
	}
}

static void print_rejects(FILE *out)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = metric_info((enum metric)i);
		const char *name = info->name + strlen("reject_");

		if (!has_prefix(info->name, "reject_"))
			continue;
		print_item(out, name, info->sentence);
		fprintf(out, "The subscriber reads\n.Dq \\&%s .\n",
			reject_reply_message(reject_find(name)));
		print_advice(out, name);
	}
}

static const struct {
	const char *line;
	void (*print)(FILE *out);
} tables[] = {
	{"@options@\n", conf_print_manual},
	{"@commands@\n", ctl_print_manual},
	{"@counters@\n", print_counters},
	{"@distributions@\n", print_distributions},
	{"@drops@\n", print_drops},
	{"@rejects@\n", print_rejects},
};

/* mdoc wants each sentence on a line of its own, to space them as the output device asks. */
static void copy_sentences(FILE *out, const char *text)
{
	bool is_macro = *text == '.';

	for (; *text != '\0'; text++) {
		fputc(*text, out);
		if (*text == '\n')
			is_macro = text[1] == '.';
		else if (!is_macro && *text == '.' && text[1] == ' ' &&
			 isupper((unsigned char)text[2])) {
			fputc('\n', out);
			text++;
		}
	}
}

static void print_table(FILE *out, void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (memory == NULL)
		abort();
	print(memory);
	if (fclose(memory) != 0)
		abort();
	copy_sentences(out, text);
	free(text);
}

static void print_line(FILE *out, const char *line)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		if (strcmp(line, tables[i].line) == 0) {
			print_table(out, tables[i].print);
			return;
		}
	}
	fputs(line, out);
}

int main(void)
{
	char line[LINE_MAX_OCTETS];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strchr(line, '\n') == NULL) {
			fputs("print_manual: a line of the template is too long or has no end\n",
				stderr);
			return EXIT_FAILURE;
		}
		print_line(stdout, line);
	}
	return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
