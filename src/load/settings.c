/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* One table of options: the parser and --help come from it. */
#include "load/settings.h"
#include "base/clock.h"
#include "base/text.h"
#include "conf/conf.h"
#include "radius/pap.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS 256 /* requests that can wait for answers on one port (RFC 2865 section 3) */
#define SOCKETS_MAX 4096
#define DURATION_MAX_MS (INT64_C(30) * 86400 * 1000) /* a month; what is computed of it fits */
#define HELP 1000   /* getopt's number for --help; the rows have their own */
#define UNKNOWN '?' /* getopt's own; more than there are rows */

enum kind {
	KIND_TEXT,
	KIND_NUMBER,
	KIND_DURATION,
	KIND_ADDRESS,
	KIND_PORT,
	KIND_METHOD,
	KIND_FLAG
};

static struct load_settings given;
static const char *conf_path; /* of -c */

static const struct row {
	const char *name;
	enum kind kind;
	void *target;
	uint64_t least, most;
	const char *argument, *sentence;
} rows[] = {
	{"server", KIND_ADDRESS, &given.server, 0, 0, "ADDRESS",
		"the server (127.0.0.1, with the ports of this machine's poprad.conf)"},
	{"auth-port", KIND_PORT, &given.auth_port, 1, 65535, "PORT",
		"its authentication port (1812)"},
	{"acct-port", KIND_PORT, &given.acct_port, 1, 65535, "PORT", "its accounting port (1813)"},
	{"secret", KIND_TEXT, &given.secret, 0, 0, "TEXT", "shared secret (testing123)"},
	{"login", KIND_TEXT, &given.login, 0, 0, "PATTERN",
		"user names; %d is the subscriber's number"},
	{"password", KIND_TEXT, &given.password, 0, 0, "PATTERN", "passwords, likewise"},
	{"first", KIND_NUMBER, &given.first, 0, 999999999, "N",
		"the first subscriber's number (1)"},
	{"count", KIND_NUMBER, &given.count, 1, 10000000, "N",
		"how many subscribers there are (1)"},
	{"method", KIND_METHOD, &given.method, 0, 0, "METHOD", "pap, chap or mschapv2 (pap)"},
	{"source", KIND_ADDRESS, &given.source, 0, 0, "ADDRESS",
		"the first NAS's address (127.0.0.1 for a server on loopback)"},
	{"sources", KIND_NUMBER, &given.sources, 1, 1024, "N",
		"how many NASes, on consecutive addresses (1)"},
	{"ports", KIND_NUMBER, &given.ports, 1, 64, "N", "source ports of each NAS (4)"},
	{"window", KIND_NUMBER, &given.window, 1, 1000000, "N",
		"subscribers served at one time (100)"},
	{"rate", KIND_NUMBER, &given.rate, 1, 10000000, "N",
		"begin N operations a second, whether or not answers come"},
	{"operations", KIND_NUMBER, &given.operations, 1, 1000000000000, "N",
		"how many logins, records' sequences or sessions (each subscriber once)"},
	{"duration", KIND_DURATION, &given.duration_ns, 0, 0, "TIME",
		"stop after this time; storm: give up then (10m)"},
	{"timeout", KIND_DURATION, &given.timeout_ns, 0, 0, "TIME",
		"how long a NAS waits before it sends again (3s)"},
	{"retries", KIND_NUMBER, &given.retries, 0, 100, "N", "how often it does (3)"},
	{"patience", KIND_DURATION, &given.patience_ns, 0, 0, "TIME",
		"what is answered later is not in time (all of a NAS's tries)"},
	{"redial", KIND_DURATION, &given.redial_ns, 0, 0, "TIME",
		"storm: pause before a subscriber tries again (2s)"},
	{"interims", KIND_NUMBER, &given.interims, 0, 1000, "N",
		"Interim-Updates in each session (1)"},
	{"mixed", KIND_FLAG, &given.is_mixed, 0, 0, NULL,
		"acct, session: each operation one record, of many sessions in turn"},
	{"online", KIND_NUMBER, &given.online, 1, 10000000, "N",
		"mixed: sessions that there are from the beginning (half the subscribers)"},
	{"hold", KIND_DURATION, &given.hold_ns, 0, 0, "TIME",
		"pause before each Interim-Update and the Stop (none)"},
	{"unsigned", KIND_FLAG, &given.is_unsigned, 0, 0, NULL,
		"no Message-Authenticator in Access-Requests, as old NASes do"},
	{"json", KIND_FLAG, &given.is_json, 0, 0, NULL, "the summary as one JSON object"},
	{"quiet", KIND_FLAG, &given.is_quiet, 0, 0, NULL, "no progress line"},
	{"i-own-this-server", KIND_FLAG, &given.owns_server, 0, 0, NULL,
		"allow a server that is not on loopback"},
};
#define ROWS (sizeof rows / sizeof *rows)

static const char *const mode_names[] = {"auth", "acct", "session", "storm"};
static const char *const method_names[] = {"pap", "chap", "mschapv2"};

const char *load_mode_name(enum load_mode mode)
{
	return mode_names[mode];
}

static void help(FILE *out)
{
	fputs("usage: popradload auth|acct|session|storm [options]\n\n"
	      "  auth     logins only\n"
	      "  acct     Start, Interim-Updates and Stop of sessions that never logged in\n"
	      "  session  login, Start, Interim-Updates, Stop\n"
	      "  storm    every subscriber comes online and stays; the time until the last one\n\n",
		out);
	for (size_t i = 0; i < ROWS; i++) {
		char name[40];
		snprintf(name, sizeof name, "--%s %s", rows[i].name,
			rows[i].argument ? rows[i].argument : "");
		fprintf(out, "  %-22s %s\n", name, rows[i].sentence);
	}
	fputs("  -c FILE                another poprad.conf, for the ports; POPRAD_CONF names one "
	      "too\n",
		out);
	fputs("\nExamples of each mode are in popradload(1).\n", out);
}

const char *load_method_name(enum load_method method)
{
	return method_names[method];
}

static bool number_read(const struct row *row, const char *text, uint64_t *number)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && *number >= row->least && *number <= row->most;
}

static bool name_read(const char *text, const char *const *names, size_t count, int *found)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0) {
			*found = (int)i;
			return true;
		}
	}
	return false;
}

static bool duration_read(const char *text, int64_t *ns)
{
	int64_t ms;
	if (!text_parse_duration_ms(text, &ms) || ms > DURATION_MAX_MS)
		return false;
	*ns = ms * NS_PER_MS;
	return true;
}

static bool row_store(const struct row *row, const char *text)
{
	uint64_t number = 0;
	int found = 0;
	bool is_good = true;
	switch (row->kind) {
	case KIND_TEXT:
		*(const char **)row->target = text;
		return *text != '\0';
	case KIND_NUMBER:
		return number_read(row, text, row->target);
	case KIND_DURATION:
		return duration_read(text, row->target);
	case KIND_ADDRESS:
		return addr_parse(text, row->target) == 0;
	case KIND_PORT:
		is_good = number_read(row, text, &number);
		*(uint16_t *)row->target = (uint16_t)number;
		return is_good;
	case KIND_METHOD:
		is_good = name_read(text, method_names, 3, &found);
		given.method = (enum load_method)found;
		return is_good;
	case KIND_FLAG:
		*(bool *)row->target = true;
		return true;
	}
	return false;
}

size_t number_write(uint64_t number, char digits[NUMBER_DIGITS_MAX])
{
	char backwards[NUMBER_DIGITS_MAX];
	size_t count = 0;
	do {
		backwards[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < count; i++)
		digits[i] = backwards[count - 1 - i];
	return count;
}

int pattern_expand(const char *pattern, uint64_t number, char *text, size_t max)
{
	size_t size = 0;
	for (; *pattern; pattern++) {
		char digits[NUMBER_DIGITS_MAX] = {*pattern};
		size_t used = 1;
		if (pattern[0] == '%' && pattern[1] == 'd')
			used = number_write(number, digits);
		if (*pattern == '%')
			pattern++;
		if (size + used > max)
			return -1;
		memcpy(text + size, digits, used);
		size += used;
	}
	text[size] = '\0';
	return (int)size;
}

/* A percent sign stands before d or another percent sign only. */
static bool pattern_is_good(const char *pattern, uint64_t last, size_t max)
{
	char text[LOAD_NAME_MAX + 1];
	for (const char *percent = pattern; (percent = strchr(percent, '%')); percent += 2)
		if (percent[1] != 'd' && percent[1] != '%')
			return false;
	return pattern_expand(pattern, last, text, max) > 0;
}

static bool is_loopback(const struct addr *addr)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	return addr->family == 4 ? addr->bytes[0] == 127 : memcmp(addr->bytes, loopback6, 16) == 0;
}

/* What is wrong with the options together, or NULL. */
static const char *contradiction(void)
{
	uint64_t last = given.first + given.count - 1;
	if (!is_loopback(&given.server) && !given.owns_server)
		return "the server is not on loopback; a load test harms a server in service, so "
		       "say "
		       "--i-own-this-server if it is yours";
	if (!pattern_is_good(given.login, last, LOAD_NAME_MAX))
		return "--login: only %d and %% are known, and a name has at most 253 octets";
	if (!pattern_is_good(given.password, last, PAP_PASSWORD_MAX))
		return "--password: only %d and %% are known, and a password has at most 128 "
		       "octets";
	if (given.count > 1 && !strstr(given.login, "%d"))
		return "--count is more than 1 but --login has no %d to tell the subscribers apart";
	if (given.sources * given.ports * 2 > SOCKETS_MAX)
		return "--sources times --ports is more than 2048";
	if (given.window > given.sources * given.ports * IDS)
		return "--window is more than 256 for each port of each NAS; give more --sources "
		       "or "
		       "--ports";
	if (addr_is_set(&given.source) && given.source.family != given.server.family)
		return "--source and --server are of different families";
	if (!addr_is_set(&given.source) && given.sources > 1)
		return "--sources needs --source, the first address";
	if (given.timeout_ns <= 0)
		return "--timeout must be more than 0";
	if (given.is_mixed && given.mode != LOAD_ACCT && given.mode != LOAD_SESSION)
		return "--mixed is for acct and session";
	if (given.online > 0 && !given.is_mixed)
		return "--online needs --mixed";
	if (given.is_mixed && given.count < 2)
		return "--mixed needs two subscribers at least";
	if (given.is_mixed && given.online >= given.count)
		return "--online must be less than --count, so that there are sessions to start";
	return NULL;
}

static void defaults_begin(void)
{
	conf_path = NULL;
	given = (struct load_settings){
		.secret = "testing123",
		.login = "demo@isp.example",
		.password = "dial-up",
		.first = 1,
		.count = 1,
		.sources = 1,
		.ports = 4,
		.window = 100,
		.timeout_ns = 3 * NS_PER_S,
		.retries = 3,
		.redial_ns = 2 * NS_PER_S,
		.interims = 1,
	};
}

/* Without --server it is the one that poprad.conf here describes. A file that nobody named need not
 * be there. */
static int server_finish(void)
{
	struct conf *conf = NULL;
	bool is_here = !addr_is_set(&given.server);
	const char *path = conf_path ? conf_path : conf_default_path();
	bool is_named = conf_path || getenv("POPRAD_CONF");
	if (is_here)
		given.server = addr_from_v4(0x7f000001);
	if (is_here && (is_named || access(path, R_OK) == 0) &&
		conf_load(NULL, path, stderr, &conf) != 0)
		return ERR_SYNTAX;
	if (given.auth_port == 0)
		given.auth_port = conf ? conf->auth_port : 1812;
	if (given.acct_port == 0)
		given.acct_port = conf ? conf->acct_port : 1813;
	talloc_free(conf);
	return 0;
}

static void defaults_finish(void)
{
	if (!addr_is_set(&given.source) && is_loopback(&given.server))
		given.source = given.server;
	if (given.mode == LOAD_STORM) {
		given.operations = given.count;
		if (given.duration_ns == 0)
			given.duration_ns = 600 * NS_PER_S;
	}
	if (given.operations == 0 && given.duration_ns == 0)
		given.operations = given.count;
	if (given.is_mixed && given.online == 0)
		given.online = given.count / 2;
	if (given.patience_ns == 0)
		given.patience_ns = given.timeout_ns * (int64_t)(given.retries + 1);
	given.run = (uint64_t)clock_wall_us();
	if (given.window > given.count)
		given.window = given.count;
}

static int options_read(int argc, char **argv)
{
	struct option options[ROWS + 2] = {0};
	for (size_t i = 0; i < ROWS; i++)
		options[i] = (struct option){rows[i].name,
			rows[i].argument ? required_argument : no_argument, NULL, (int)i};
	options[ROWS] = (struct option){"help", no_argument, NULL, HELP};
	int chosen;
	while ((chosen = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (chosen == 'c') {
			conf_path = optarg;
			continue;
		}
		if (chosen == HELP) {
			help(stdout);
			return ERR_NOT_FOUND;
		}
		if (chosen == UNKNOWN)
			return ERR_SYNTAX;
		if (!row_store(&rows[chosen], optarg)) {
			fprintf(stderr, "popradload: --%s: \"%s\" is malformed or out of range\n",
				rows[chosen].name, optarg);
			return ERR_SYNTAX;
		}
	}
	return 0;
}

int settings_read(int argc, char **argv, struct load_settings *settings)
{
	int mode = 0;
	defaults_begin();
	int error = options_read(argc, argv);
	if (error)
		return error;
	if (optind + 1 != argc || !name_read(argv[optind], mode_names, 4, &mode)) {
		fputs("popradload: expected one mode: auth, acct, session or storm (--help)\n",
			stderr);
		return ERR_SYNTAX;
	}
	given.mode = (enum load_mode)mode;
	if (server_finish() != 0)
		return ERR_SYNTAX;
	const char *wrong = contradiction();
	if (wrong) {
		fprintf(stderr, "popradload: %s\n", wrong);
		return ERR_SYNTAX;
	}
	defaults_finish();
	*settings = given;
	return 0;
}
