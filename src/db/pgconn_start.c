/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The connection string: our defaults, and the order of its hosts. */
#include "db/pgconn_private.h"
#include "base/mem.h"
#include <string.h>

/* Added unless the string says otherwise. The keepalives and the user time-out let a host that
 * vanished without a word be noticed in seconds, and let a connect that gets no answer go on to the
 * next host. */
static const struct {
	const char *keyword, *value;
} defaults[] = {
	{"target_session_attrs", "read-write"},
	{"fallback_application_name", "poprad"},
	{"keepalives_idle", "5"},
	{"keepalives_interval", "2"},
	{"keepalives_count", "3"},
	{"tcp_user_timeout", "5000"},
};
#define DEFAULT_COUNT (sizeof defaults / sizeof *defaults)

/* The comma list with its first `by` elements (counted round) moved to the end. */
static char *rotate_list(TALLOC_CTX *ctx, const char *list, unsigned by)
{
	unsigned count = 1;
	for (const char *c = list; *c; c++)
		count += *c == ',';
	const char *cut = list;
	for (unsigned i = by % count; i > 0; i--)
		cut = strchr(cut, ',') + 1;
	if (cut == list)
		return mem_must(talloc_strdup(ctx, list));
	return mem_must(talloc_asprintf(ctx, "%s,%.*s", cut, (int)(cut - list - 1), list));
}

static const char *option_value(
	TALLOC_CTX *ctx, const PQconninfoOption *option, unsigned first_host)
{
	for (size_t i = 0; !option->val && i < DEFAULT_COUNT; i++) {
		if (strcmp(option->keyword, defaults[i].keyword) == 0)
			return defaults[i].value;
	}
	/* Whatever the environment says: our texts are UTF-8. */
	if (strcmp(option->keyword, "client_encoding") == 0)
		return "UTF8";
	if (option->val &&
		(strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0 ||
			strcmp(option->keyword, "port") == 0))
		return rotate_list(ctx, option->val, first_host);
	return option->val;
}

PGconn *pgconn_start(TALLOC_CTX *ctx, const char *conninfo, unsigned first_host, char **why)
{
	/* libpq's own sentence quotes the place, which may be in the middle of a password. */
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	if (!options) {
		*why = mem_must(talloc_strdup(ctx, "the connection string is malformed"));
		return NULL;
	}

	unsigned count = 0, used = 0;
	while (options[count].keyword)
		count++;
	TALLOC_CTX *tmp = mem_must(talloc_new(ctx));
	const char **keywords = mem_must(talloc_zero_array(tmp, const char *, count + 1));
	const char **values = mem_must(talloc_zero_array(tmp, const char *, count + 1));
	for (unsigned i = 0; i < count; i++) {
		const char *value = option_value(tmp, &options[i], first_host);
		if (value) {
			keywords[used] = options[i].keyword;
			values[used++] = value;
		}
	}
	PGconn *pg = PQconnectStartParams(keywords, values, 0);
	talloc_free(tmp);
	PQconninfoFree(options);
	if (!pg)
		*why = mem_must(talloc_strdup(ctx, "out of memory"));
	return pg;
}
