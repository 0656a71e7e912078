/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Reads a script and plays it against one worker (README.md). */
#include "scenario.h"
#include "auth/hashpool.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "fake_clock.h"
#include "path/service.h"
#include "radius/digest.h"
#include "spool/spool_private.h"
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLICE_MS 50        /* of a long advance: chores come between */
#define HASH_WAIT_MS 20000 /* for a helper thread, on the slowest machine */
#define DISK_WAIT_MS 20000

void scenario_fail(const struct scenario *scenario, const char *format, ...)
{
	va_list arguments;
	fprintf(stderr, "%s:%u: ", scenario->path,
		scenario->statement != NULL ? scenario->statement->line : 0);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	exit(1);
}

/* Words ------------------------------------------------------------------------------------ */

char *scenario_word(char **rest)
{
	char *from = *rest + strspn(*rest, " \t");
	if (*from == '\0')
		return NULL;
	char *end = *from == '"' ? strchr(from + 1, '"') : from + strcspn(from, " \t");
	if (*from == '"')
		from++;
	if (end == NULL)
		end = from + strlen(from);
	*rest = *end == '\0' ? end : end + 1;
	*end = '\0';
	return from;
}

char *scenario_word_needed(struct scenario *scenario, char **rest, const char *what)
{
	char *word = scenario_word(rest);
	if (word == NULL)
		scenario_fail(scenario, "%s is missing", what);
	return word;
}

long long scenario_number(struct scenario *scenario, const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		scenario_fail(scenario, "%s is no number", text);
	return number;
}

static int64_t read_ms(struct scenario *scenario, const char *text)
{
	int64_t ms;
	bool is_negative = *text == '-';
	if (!text_parse_duration_ms(text + (is_negative || *text == '+'), &ms))
		scenario_fail(scenario, "%s is no duration", text);
	return is_negative ? -ms : ms;
}

/* <now>, <now-1500ms>: wall clock in microseconds; <seconds>, <seconds-1h>: in seconds. */
static char *read_clock(struct scenario *scenario, const char *name)
{
	bool is_us = strncmp(name, "now", 3) == 0;
	if (!is_us && strncmp(name, "seconds", 7) != 0)
		return NULL;
	const char *offset = name + (is_us ? 3 : 7);
	int64_t us = clock_wall_us() + (*offset != '\0' ? read_ms(scenario, offset) * 1000 : 0);
	return mem_must(talloc_asprintf(scenario, "%lld", (long long)(is_us ? us : us / US_PER_S)));
}

static const char *find_variable(struct scenario *scenario, const char *name)
{
	if (name[0] == '$') {
		const char *value = database_value(scenario, name);
		return value != NULL ? value : "\\N";
	}
	for (const struct variable *v = scenario->variables; v != NULL; v = v->next)
		if (strcmp(v->name, name) == 0)
			return v->value;
	const char *value = read_clock(scenario, name);
	if (value == NULL)
		scenario_fail(scenario, "<%s> is not set", name);
	return value;
}

/* A copy of text with its <names> replaced. */
static char *substitute(struct scenario *scenario, const char *text)
{
	char *result = mem_must(talloc_strdup(scenario, ""));
	const char *open, *close;
	while ((open = strchr(text, '<')) != NULL && (close = strchr(open, '>')) != NULL) {
		char *name =
			mem_must(talloc_strndup(scenario, open + 1, (size_t)(close - open - 1)));
		result = mem_must(talloc_asprintf_append(
			result, "%.*s%s", (int)(open - text), text, find_variable(scenario, name)));
		text = close + 1;
	}
	return mem_must(talloc_strdup_append(result, text));
}

/* Directives ------------------------------------------------------------------------------- */

/* "tunnel second third_": the name, as long as it was. */
static void rename_tunnel(
	struct scenario *scenario, char *document, const char *old, const char *fresh)
{
	char from[64];
	snprintf(from, sizeof from, "{\"name\": \"%.20s\", \"type\"", old != NULL ? old : "?");
	char *place = strstr(document, from);
	if (fresh == NULL || place == NULL || strlen(old) != strlen(fresh))
		scenario_fail(scenario, "catalog takes: tunnel OLD NEW, names of one length");
	memcpy(place + strlen("{\"name\": \""), fresh, strlen(fresh));
}

/* An indented "plan 2 9": plan 2 of the file gets the number 9. So does a filter_set. "quotas":
 * has_quotas, the first of all flags, is true. */
static void change_catalog(struct scenario *scenario, char *document)
{
	if (scenario->statement->block_count == 0)
		return;
	char *line = mem_must(talloc_strdup(scenario, scenario->statement->block[0])), from[32];
	const char *name = scenario_word(&line);
	const char *old = scenario_word(&line), *fresh = scenario_word(&line);
	if (name != NULL && strcmp(name, "quotas") == 0) {
		memcpy(strstr(document, "false"), "true ", strlen("true "));
		return;
	}
	if (name != NULL && strcmp(name, "tunnel") == 0) {
		rename_tunnel(scenario, document, old, fresh);
		return;
	}
	snprintf(from, sizeof from, "\"%.10s_id\": %.1s,", name != NULL ? name : "?",
		old != NULL ? old : "?");
	char *place = strstr(document, from);
	if (fresh == NULL || place == NULL)
		scenario_fail(scenario, "catalog takes: plan|filter_set OLD NEW, one digit each");
	place[strlen(from) - 2] = fresh[0];
}

static void do_catalog(struct scenario *scenario, char *rest)
{
	const char *separator = "";
	char *learned = mem_must(talloc_strdup(scenario, ""));
	char *why = NULL, *word;
	struct catalog *catalog;
	while ((word = scenario_word(&rest)) != NULL) {
		learned = mem_must(talloc_asprintf_append(learned, "%s\"%s\"", separator, word));
		separator = ",";
	}
	char json[65536];
	FILE *file = fopen(SCENARIO_DIR "/catalog.json", "r");
	if (file == NULL)
		scenario_fail(scenario, "catalog.json: %s", strerror(errno));
	size_t size = fread(json, 1, sizeof json - 1, file);
	fclose(file);
	json[size] = '\0';
	char *mark = strstr(json, "@LEARNED@");
	char *document = mem_must(talloc_asprintf(scenario, "%.*s%s%s", (int)(mark - json), json,
		learned, mark + strlen("@LEARNED@")));
	change_catalog(scenario, document);
	if (catalog_parse(NULL, document, strlen(document), &catalog, &why) != 0)
		scenario_fail(scenario, "catalog.json: %s", why);
	service_use_catalog(scenario->worker, catalog);
	catalog_release(catalog);
}

static void do_option(struct scenario *scenario, char *rest)
{
	const struct {
		const char *name;
		unsigned *value;
	} options[] = {
		{"requests_max", &scenario->conf.requests_max},
		{"request_deadline_ms", &scenario->conf.request_deadline_ms},
		{"reject_delay_ms", &scenario->conf.reject_delay_ms},
		{"guess_delay_ms", &scenario->conf.guess_delay_ms},
		{"batch_max", &scenario->conf.batch_max},
		{"attempts_keep_s", &scenario->conf.attempts_keep_s},
		{"spool_limit_mib", &scenario->conf.spool_limit_mib},
	};
	const char *name = scenario_word_needed(scenario, &rest, "the option");
	const char *value = scenario_word_needed(scenario, &rest, "its value");
	for (size_t n = 0; n < sizeof options / sizeof options[0]; n++) {
		if (strcmp(options[n].name, name) == 0) {
			*options[n].value = (unsigned)scenario_number(scenario, value);
			return;
		}
	}
	scenario_fail(scenario, "%s is no option that a script may set", name);
}

static void do_free(struct scenario *scenario, char *rest)
{
	const char *word;
	struct addr addr;
	static int64_t freed_us = US_PER_S;
	while ((word = scenario_word(&rest)) != NULL) {
		if (addr_parse(word, &addr) != 0)
			scenario_fail(scenario, "%s is no address", word);
		freelist_put(scenario->worker->freelist, &addr, freed_us);
		freed_us += US_PER_S;
	}
}

static void do_set(struct scenario *scenario, char *rest)
{
	struct variable *variable = mem_must(talloc_zero(scenario, struct variable));
	const char *name = scenario_word_needed(scenario, &rest, "the name");
	const char *value = scenario_word_needed(scenario, &rest, "the value");
	variable->name = mem_must(talloc_strdup(variable, name));
	variable->value = mem_must(
		talloc_strdup(variable, value[0] == '$' ? find_variable(scenario, value) : value));
	variable->next = scenario->variables;
	scenario->variables = variable;
}

static void do_advance(struct scenario *scenario, char *rest)
{
	int64_t ms = read_ms(scenario, scenario_word_needed(scenario, &rest, "the duration"));
	while (ms > 0) {
		int64_t slice_ms = ms < SLICE_MS ? ms : SLICE_MS;
		fake_clock_run_ms(scenario->timers, slice_ms);
		database_settle(scenario);
		ms -= slice_ms;
	}
}

static void do_wall(struct scenario *scenario, char *rest)
{
	fake_clock_step_wall_ms(
		read_ms(scenario, scenario_word_needed(scenario, &rest, "the duration")));
}

static void do_chores(struct scenario *scenario, char *rest)
{
	scenario->has_chores_of_script =
		strcmp(scenario_word_needed(scenario, &rest, "script or auto"), "script") == 0;
}

/* Waits for one helper thread: the only thing in a scenario that takes real time. */
static void do_hashes(struct scenario *scenario, char *rest)
{
	struct pollfd ready = {.fd = hashpool_fd(scenario->worker->hashpool), .events = POLLIN};
	(void)rest;
	if (poll(&ready, 1, HASH_WAIT_MS) != 1)
		scenario_fail(scenario, "no hash was computed");
	hashpool_collect(scenario->worker->hashpool);
}

/* Is the spool's thread at work, but for removing files? */
static bool is_disk_busy(const struct spool *spool)
{
	return spool->is_writing || spool->scan.is_under_way ||
	       (spool->reading.segment != NULL && !spool->reading.is_done);
}

static void do_disk(struct scenario *scenario, char *rest)
{
	struct spool *spool = scenario->worker->spool;
	struct pollfd ready = {.fd = spool_fd(spool), .events = POLLIN};
	(void)rest;
	while (is_disk_busy(spool)) {
		if (poll(&ready, 1, DISK_WAIT_MS) != 1)
			scenario_fail(scenario, "the disk does not come to an end");
		spool_collect(spool);
	}
}

static void expect_counter(struct scenario *scenario, char *rest)
{
	const char *name = scenario_word_needed(scenario, &rest, "the counter");
	long long expected =
		scenario_number(scenario, scenario_word_needed(scenario, &rest, "its value"));
	for (int n = 0; n < METRIC_COUNT; n++) {
		const struct metric_info *info = metric_info((enum metric)n);
		if (strcmp(info->name, name) != 0)
			continue;
		uint64_t start = info->is_gauge ? 0 : scenario->counters[n];
		long long value = (long long)(metric_get((enum metric)n) - start);
		if (value != expected)
			scenario_fail(scenario, "%s is %lld, not %lld", name, value, expected);
		return;
	}
	scenario_fail(scenario, "there is no counter %s", name);
}

static void expect_free(struct scenario *scenario, char *rest)
{
	int32_t pool_id =
		(int32_t)scenario_number(scenario, scenario_word_needed(scenario, &rest, "pool"));
	int32_t group_id =
		(int32_t)scenario_number(scenario, scenario_word_needed(scenario, &rest, "group"));
	long long expected =
		scenario_number(scenario, scenario_word_needed(scenario, &rest, "count"));
	size_t count = freelist_count(scenario->worker->freelist, pool_id, group_id);
	if ((long long)count != expected)
		scenario_fail(scenario, "%zu addresses are free, not %lld", count, expected);
}

static void do_expect(struct scenario *scenario, char *rest)
{
	const char *what = scenario_word_needed(scenario, &rest, "what to expect");
	if (strcmp(what, "send") == 0)
		network_expect_send(scenario, rest);
	else if (strcmp(what, "nothing") == 0)
		network_expect_nothing(scenario);
	else if (strcmp(what, "query") == 0)
		database_expect_query(scenario, rest);
	else if (strcmp(what, "no-query") == 0)
		database_expect_no_query(scenario);
	else if (strcmp(what, "counter") == 0)
		expect_counter(scenario, rest);
	else if (strcmp(what, "free") == 0)
		expect_free(scenario, rest);
	else
		scenario_fail(scenario, "expect %s?", what);
}

static const struct directive {
	const char *word;
	void (*run)(struct scenario *scenario, char *rest);
} directives[] = {
	{"catalog", do_catalog},
	{"option", do_option},
	{"database", database_set_state},
	{"free", do_free},
	{"receive", network_receive},
	{"again", network_again},
	{"expect", do_expect},
	{"answer", database_answer},
	{"refuse", database_refuse},
	{"set", do_set},
	{"advance", do_advance},
	{"wall", do_wall},
	{"chores", do_chores},
	{"hashes", do_hashes},
	{"disk", do_disk},
};

/* Scripts ---------------------------------------------------------------------------------- */

/* Before the first statement that is no option: some options count when the worker is built. */
static void start_worker(struct scenario *scenario)
{
	struct worker *worker =
		service_new(scenario, scenario->base, scenario->timers, &scenario->conf, 0);
	if (worker == NULL)
		scenario_fail(scenario, "no helper threads: %s", strerror(errno));
	worker->network = scenario;
	worker->send = network_send;
	worker->bar_interims = network_bar_interims;
	lane_start(worker->login_lane);
	lane_start(worker->accounting_lane);
	lane_start(worker->attempts_lane);
	scenario->worker = worker;
}

static void run_statement(struct scenario *scenario, struct statement *statement)
{
	scenario->statement = statement;
	char *rest = substitute(scenario, statement->text);
	for (size_t n = 0; n < statement->block_count; n++)
		statement->block[n] = substitute(scenario, statement->block[n]);
	const char *word = scenario_word(&rest);
	for (size_t n = 0; n < sizeof directives / sizeof directives[0]; n++) {
		if (strcmp(directives[n].word, word) != 0)
			continue;
		if (directives[n].run != do_option && scenario->worker == NULL)
			start_worker(scenario);
		directives[n].run(scenario, rest);
		if (scenario->worker != NULL)
			database_settle(scenario);
		return;
	}
	scenario_fail(scenario, "%s is no directive", word);
}

/* Reads the next statement: a line that is not indented, and the indented ones behind it. */
static struct statement *read_statement(struct scenario *scenario, FILE *file, unsigned *line)
{
	static char ahead[1024];
	struct statement *statement = NULL;
	char text[sizeof ahead];
	while (ahead[0] != '\0' || fgets(ahead, sizeof ahead, file) != NULL) {
		snprintf(text, sizeof text, "%s", ahead);
		text[strcspn(text, "\n")] = '\0';
		bool is_indented = text[0] == '\t';
		if (statement != NULL && !is_indented && text[0] != '\0' && text[0] != '#')
			return statement;
		ahead[0] = '\0';
		++*line;
		if (text[0] == '\0' || text[0] == '#')
			continue;
		if (!is_indented) {
			statement = mem_must(talloc_zero(scenario, struct statement));
			statement->line = *line;
			statement->text = mem_must(talloc_strdup(statement, text));
			continue;
		}
		if (statement == NULL)
			scenario_fail(scenario, "line %u is indented under nothing", *line);
		statement->block = mem_must(talloc_realloc_size(statement, statement->block,
			(statement->block_count + 1) * sizeof *statement->block));
		statement->block[statement->block_count++] =
			mem_must(talloc_strdup(statement, text + 1));
	}
	return statement;
}

static void run_script(struct scenario *scenario)
{
	unsigned line = 0;
	struct statement *statement;
	FILE *file = fopen(scenario->path, "r");
	if (file == NULL)
		scenario_fail(scenario, "%s", strerror(errno));
	while ((statement = read_statement(scenario, file, &line)) != NULL)
		run_statement(scenario, statement);
	fclose(file);
	/* Whatever a script is about: nothing is left over that it did not expect. */
	network_expect_nothing(scenario);
}

static char spool_directory[] = "/tmp/run_scenario.XXXXXX";

static void remove_spool(void)
{
	const struct dirent *entry;
	DIR *dir = opendir(spool_directory);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(spool_directory);
}

static struct scenario *scenario_new(const char *path)
{
	struct scenario *scenario = mem_must(talloc_zero(NULL, struct scenario));
	scenario->path = path;
	scenario->base = event_base_new();
	scenario->timers = timer_queue_new(scenario);
	scenario->conf = (struct conf){
		.workers = 1,
		.database = "",
		.connect_timeout_ms = 1000,
		.statement_timeout_ms = 10000,
		.lock_timeout_ms = 5000,
		.reconnect_min_ms = 100,
		.reconnect_max_ms = 200,
		.batch_max = 256,
		.request_deadline_ms = 5000,
		.requests_max = 100,
		.dupcache_s = 10,
		.dupcache_max = 1000,
		.reject_delay_ms = 1000,
		.authorised_max = 4,
		.authorised_s = 60,
		.lost_after = 3,
		.silence_max_s = 2592000,
		.hash_threads = 1,
		.hash_queue = 1,
		.spool_directory = mkdtemp(spool_directory),
		.spool_after_ms = 1000,
	};
	for (int n = 0; n < METRIC_COUNT; n++)
		scenario->counters[n] = metric_get((enum metric)n);
	return scenario;
}

int main(int argc, char **argv)
{
	const char *directory = getenv("POPRAD_DICTIONARY_DIR");
	char *why = NULL;
	if (argc != 2 || directory == NULL) {
		fprintf(stderr, "usage: POPRAD_DICTIONARY_DIR=... run_scenario FILE.scn\n");
		return 2;
	}
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_DEBUG, "scenario");
	fake_clock_reset();
	if (digest_init() != 0 || dictionary_load(NULL, directory, &why) != 0) {
		fprintf(stderr, "%s\n", why != NULL ? why : "no digests");
		return 1;
	}
	struct scenario *scenario = scenario_new(argv[1]);
	run_script(scenario);
	struct event_base *base = scenario->base;
	talloc_free(scenario);
	event_base_free(base);
	remove_spool();
	digest_done();
	return 0;
}
