/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * libconfuse splits the file into names and values; every value is read here, through
 * the options table. To libconfuse each option is a list of strings, so that a value of the wrong
 * kind does not end the parse. It does stop at a name that it does not know: such a name is noted,
 * declared, and the file is parsed again, until all mistakes of that sort have been found. */
#include "conf/conf.h"
#include "base/mem.h"
#include "conf/options.h"
#include "conf/source.h"
#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNKNOWN_MAX 64 /* names; at the next one the rest of the file is not looked at */
#define MISTAKES_MAX 256

/* A name in the file that the table does not have. */
struct unknown {
	const char *section; /* of its own kind the file has none; NULL = outside of sections */
	const char *name;
	int line; /* of its first occurrence */
	bool is_section;
};

struct mistake {
	int line; /* 0 = of no single line */
	unsigned order;
	char *text;
};

/* What became of one option in this parse. */
struct setting {
	int line; /* where its (latest) value stands; 0 = not set */
	unsigned values;
};

struct parse {
	TALLOC_CTX *ctx; /* everything but conf */
	char *text;
	struct conf *conf;
	struct setting *settings; /* one for each row of the table */
	struct unknown unknown[UNKNOWN_MAX];
	unsigned unknown_count;
	bool has_progress; /* the failed parse has found a new unknown name */
	struct mistake mistakes[MISTAKES_MAX];
	unsigned mistake_count;
};

/* libconfuse passes no context to its callbacks. */
static struct parse *current;

static void note(struct parse *parse, int line, const char *format, ...) PRINTF_LIKE(3, 4);
static void note(struct parse *parse, int line, const char *format, ...)
{
	if (parse->mistake_count == MISTAKES_MAX)
		return;
	va_list arguments;
	va_start(arguments, format);
	parse->mistakes[parse->mistake_count] = (struct mistake){
		.line = line,
		.order = parse->mistake_count,
		.text = mem_must(talloc_vasprintf(parse->ctx, format, arguments)),
	};
	va_end(arguments);
	parse->mistake_count++;
}

static const char *section_of(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") == 0 ? NULL : cfg->name;
}

static const struct option *find_option(const char *name)
{
	for (const struct option *option = options; option < options + options_count; option++)
		if (option->name != NULL && strcmp(option->name, name) == 0)
			return option;
	return NULL;
}

static bool is_in_section(const struct unknown *unknown, const char *section)
{
	if (unknown->section == NULL || section == NULL)
		return unknown->section == section;
	return strcmp(unknown->section, section) == 0;
}

static struct unknown *find_unknown(struct parse *parse, const char *section, const char *name)
{
	for (unsigned i = 0; i < parse->unknown_count; i++)
		if (is_in_section(&parse->unknown[i], section) &&
			strcmp(parse->unknown[i].name, name) == 0)
			return &parse->unknown[i];
	return NULL;
}

static void take_known(struct parse *parse, const struct option *option, const cfg_t *cfg,
	const cfg_opt_t *opt, const char *value)
{
	struct setting *setting = &parse->settings[option - options];
	bool is_list = option->kind == OPTION_ADDRESSES;
	if (opt->nvalues == 1 && setting->values > 0) {
		note(parse, cfg->line, "%s: is already set on line %d", option->name,
			setting->line);
	} else if (opt->nvalues == 1 || is_list) {
		const char *wrong = option_read(parse->conf, option, value);
		if (wrong != NULL)
			note(parse, cfg->line, "%s: %s", option->name, wrong);
	} else if (opt->nvalues == 2) {
		note(parse, cfg->line, "%s: takes one value, not a list", option->name);
	}
	setting->line = cfg->line;
	setting->values++;
}

/* cfg_callback_t of every option: a value has been met. */
static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parse *parse = current;
	*(const char **)result = value;
	const struct option *option = section_of(cfg) == NULL ? find_option(opt->name) : NULL;
	if (option != NULL)
		take_known(parse, option, cfg, opt, value);
	else if (section_of(cfg) == NULL && opt->nvalues == 1)
		note(parse, cfg->line, "%s: there is no such option", opt->name);
	return 0;
}

static void add_unknown(struct parse *parse, const char *section, const char *name, int line)
{
	parse->unknown[parse->unknown_count++] = (struct unknown){
		.section = section == NULL ? NULL : mem_must(talloc_strdup(parse->ctx, section)),
		.name = name,
		.line = line,
	};
	parse->has_progress = true;
}

/* cfg_errfunc_t: only what ends the parse comes here. The texts that are looked for are those of
 * libconfuse 3.3; with other ones the parse would just end at the first unknown name. */
static void take_error(cfg_t *cfg, const char *format, va_list arguments)
{
	struct parse *parse = current;
	char *message = mem_must(talloc_vasprintf(parse->ctx, format, arguments));
	const char *section = section_of(cfg), *quote = strchr(message, '\'');
	size_t size = quote == NULL ? 0 : strcspn(quote + 1, "'");
	char *name = mem_must(talloc_strndup(parse->ctx, size == 0 ? "" : quote + 1, size));
	struct unknown *unknown = find_unknown(parse, section, name);

	if (strncmp(format, "no such option", 14) == 0 && unknown == NULL && size > 0 &&
		parse->unknown_count < UNKNOWN_MAX) {
		add_unknown(parse, section, name, cfg->line);
	} else if (strncmp(format, "missing equal sign", 18) == 0 && unknown != NULL &&
		   section == NULL && !unknown->is_section) {
		unknown->is_section = true;
		parse->has_progress = true;
	} else {
		note(parse, cfg->line, "syntax: %s; what follows was not checked", message);
	}
}

static cfg_opt_t declare_value(const char *name)
{
	return (cfg_opt_t){.name = name,
		.type = CFGT_STR,
		.flags = CFGF_LIST | CFGF_NODEFAULT,
		.parsecb = take_value};
}

/* What the file may hold: the table's options (outside of sections), then the unknown names met
 * so far. */
static cfg_opt_t *declare(struct parse *parse, const char *section)
{
	size_t count = 0, room = options_count + UNKNOWN_MAX + 1;
	cfg_opt_t *opts = mem_must(talloc_zero_size(parse->ctx, room * sizeof *opts));
	if (section == NULL)
		for (const struct option *option = options; option < options + options_count;
			option++)
			if (option->name != NULL)
				opts[count++] = declare_value(option->name);
	for (unsigned i = 0; i < parse->unknown_count; i++) {
		const struct unknown *unknown = &parse->unknown[i];
		if (!is_in_section(unknown, section))
			continue;
		opts[count++] = !unknown->is_section
					? declare_value(unknown->name)
					: (cfg_opt_t)CFG_SEC(unknown->name,
						  declare(parse, unknown->name), CFGF_NONE);
	}
	opts[count] = (cfg_opt_t)CFG_END();
	return opts;
}

/* The line of "name = {}": libconfuse tells of no value, and so of no line. */
static int line_of_empty_list(const char *text, const char *name)
{
	int line = 1;
	for (const char *place = text; *place != '\0'; place++) {
		size_t size = strlen(name);
		const char *end = place + size;
		line += *place == '\n';
		if (strncmp(place, name, size) != 0)
			continue;
		end += strspn(end, " \t\n+=");
		if (*end == '{' && end[1 + strspn(end + 1, " \t\n")] == '}')
			return line;
	}
	return 0;
}

/* An option that ended the parse has no value either, but that is said already. */
static void note_empty_lists(struct parse *parse, const cfg_t *cfg)
{
	for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
		if (opt->type != CFGT_STR || (opt->flags & CFGF_MODIFIED) == 0 || opt->nvalues > 0)
			continue;
		int line = line_of_empty_list(parse->text, opt->name);
		if (line > 0)
			note(parse, line, "%s: has no value", opt->name);
	}
}

/* One parse, with nothing left over from the one before but the unknown names. */
static void parse_once(struct parse *parse, TALLOC_CTX *ctx)
{
	talloc_free(parse->conf);
	parse->conf = mem_must(talloc_zero(ctx, struct conf));
	parse->mistake_count = 0;
	parse->has_progress = false;
	memset(parse->settings, 0, options_count * sizeof *parse->settings);
	cfg_t *cfg = mem_must(cfg_init(declare(parse, NULL), CFGF_NONE));
	cfg_set_error_function(cfg, take_error);
	current = parse;
	cfg_parse_buf(cfg, parse->text);
	current = NULL;
	note_empty_lists(parse, cfg);
	cfg_free(cfg);
}

static void check_pair(struct parse *parse, const char *name, bool is_right, const char *sentence)
{
	const struct option *option = find_option(name);
	assert(option != NULL);
	if (!is_right)
		note(parse, parse->settings[option - options].line, "%s: %s", name, sentence);
}

/* What is left when each value is right by itself. */
static void check_together(struct parse *parse)
{
	struct conf *conf = parse->conf;
	for (const struct option *option = options; option < options + options_count; option++)
		if (option->name != NULL && parse->settings[option - options].values == 0)
			option_use_default(conf, option);
	check_pair(parse, "acct_port", conf->acct_port != conf->auth_port,
		"must differ from auth_port");
	check_pair(parse, "lock_timeout", conf->lock_timeout_ms <= conf->statement_timeout_ms,
		"must not be longer than statement_timeout");
	check_pair(parse, "reconnect_max", conf->reconnect_max_ms >= conf->reconnect_min_ms,
		"must not be shorter than reconnect_min");
	check_pair(parse, "spool_limit",
		conf->spool_limit_mib == 0 || conf->spool_limit_mib >= conf->workers,
		"must be 0, or at least 1 for each worker");
}

static void parse_text(struct parse *parse, TALLOC_CTX *ctx)
{
	int line;
	const char *what;
	if (source_blank_comments(parse->text, &line, &what) != 0) {
		note(parse, line, "syntax: %s; the file was not checked", what);
		return;
	}
	do
		parse_once(parse, ctx);
	while (parse->has_progress);
	for (unsigned i = 0; i < parse->unknown_count; i++)
		if (parse->unknown[i].is_section)
			note(parse, parse->unknown[i].line, "%s: there is no such section",
				parse->unknown[i].name);
	if (parse->mistake_count == 0)
		check_together(parse);
}

static int compare_mistakes(const void *one, const void *other)
{
	const struct mistake *a = one, *b = other;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void print_mistakes(struct parse *parse, const char *path, FILE *errors)
{
	qsort(parse->mistakes, parse->mistake_count, sizeof *parse->mistakes, compare_mistakes);
	for (unsigned i = 0; i < parse->mistake_count; i++) {
		const struct mistake *mistake = &parse->mistakes[i];
		if (mistake->line > 0)
			fprintf(errors, "%s:%d: %s\n", path, mistake->line, mistake->text);
		else
			fprintf(errors, "%s: %s\n", path, mistake->text);
	}
}

static int read_text(TALLOC_CTX *ctx, int fd, const char *path, FILE *errors, char **text)
{
	int code = source_read(ctx, fd, text);
	if (code == ERR_SYSTEM) {
		fprintf(errors, "%s: cannot be read: %s\n", path, strerror(errno));
	} else if (code != 0) {
		fprintf(errors, "%s: %s\n", path,
			code == ERR_FULL ? "is longer than 1 MiB" : "holds a NUL octet");
		code = ERR_SYNTAX;
	}
	return code;
}

int conf_load_fd(TALLOC_CTX *ctx, int fd, const char *path, FILE *errors, struct conf **conf)
{
	struct parse *parse = mem_must(talloc_zero(NULL, struct parse));
	parse->ctx = parse;
	parse->settings =
		mem_must(talloc_zero_size(parse, options_count * sizeof *parse->settings));
	int code = read_text(parse, fd, path, errors, &parse->text);
	if (code == 0) {
		parse_text(parse, ctx);
		print_mistakes(parse, path, errors);
		code = parse->mistake_count > 0 ? ERR_SYNTAX : 0;
	}
	if (code == 0)
		*conf = parse->conf;
	else
		talloc_free(parse->conf);
	talloc_free(parse);
	return code;
}

static int open_file(const char *path, FILE *errors, int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	fprintf(errors, "%s: cannot be opened: %s\n", path, strerror(errno));
	return ERR_SYSTEM;
}

int conf_load(TALLOC_CTX *ctx, const char *path, FILE *errors, struct conf **conf)
{
	int fd, code = open_file(path, errors, &fd);
	if (code != 0)
		return code;
	code = conf_load_fd(ctx, fd, path, errors, conf);
	close(fd);
	return code;
}

/* Returns -1 (errno). */
static int make_copy(const char *text)
{
	size_t size = strlen(text);
	int fd = memfd_create("poprad.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (write(fd, text, size) == (ssize_t)size &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
			0)
		return fd;
	int saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return -1;
}

int conf_open_copy(const char *path, FILE *errors, int *fd)
{
	int file, code = open_file(path, errors, &file);
	if (code != 0)
		return code;
	char *text;
	code = read_text(NULL, file, path, errors, &text);
	close(file);
	if (code != 0)
		return code;
	*fd = make_copy(text);
	talloc_free(text);
	if (*fd >= 0)
		return 0;
	fprintf(errors, "%s: cannot be copied: %s\n", path, strerror(errno));
	return ERR_SYSTEM;
}

const char *conf_default_path(void)
{
	const char *path = getenv("POPRAD_CONF");
	return path != NULL && *path != '\0' ? path : SYSCONFDIR "/poprad/poprad.conf";
}
