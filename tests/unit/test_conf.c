/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * poprad.conf: defaults, values, and every kind of mistake named with its line. */
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/source.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char messages[65536];

/* Loads the octets as a file named "t"; what was complained about is in messages. */
static int load_octets(const char *octets, size_t size, struct conf **conf)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, octets, size), (ssize_t)size);
	CU_ASSERT_EQUAL_FATAL(lseek(fd, 0, SEEK_SET), 0);
	memset(messages, 0, sizeof messages);
	FILE *errors = fmemopen(messages, sizeof messages, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(errors);
	int code = conf_load_fd(NULL, fd, "t", errors, conf);
	fclose(errors);
	close(fd);
	return code;
}

static struct conf *loaded(const char *text)
{
	struct conf *conf = NULL;
	CU_ASSERT_EQUAL_FATAL(load_octets(text, strlen(text), &conf), 0);
	CU_ASSERT_STRING_EQUAL(messages, "");
	return conf;
}

static void expect_messages(const char *text, const char *expected)
{
	struct conf *conf = NULL;
	CU_ASSERT_EQUAL(load_octets(text, strlen(text), &conf), ERR_SYNTAX);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT_STRING_EQUAL(messages, expected);
	if (strcmp(messages, expected) != 0)
		fprintf(stderr, "--- got\n%s--- expected\n%s", messages, expected);
}

static void test_defaults(void)
{
	static const char *const texts[] = {"", "\n\n", "# nothing but a comment"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct conf *conf = loaded(texts[i]);
		char text[ADDR_TEXT_MAX];
		CU_ASSERT_EQUAL(conf->listen_count, 2);
		CU_ASSERT_STRING_EQUAL(addr_format(&conf->listen[0], text), "0.0.0.0");
		CU_ASSERT_STRING_EQUAL(addr_format(&conf->listen[1], text), "::");
		CU_ASSERT_EQUAL(conf->auth_port, 1812);
		CU_ASSERT_EQUAL(conf->acct_port, 1813);
		CU_ASSERT_TRUE(conf->workers >= 1 && conf->workers <= 4);
		CU_ASSERT_STRING_EQUAL(conf->cluster_dir, "");
		CU_ASSERT_EQUAL(conf->reject_delay_ms, 1000);
		CU_ASSERT_EQUAL(conf->authorised_s, 60);
		CU_ASSERT_EQUAL(conf->log_level, LOG_LEVEL_INFO);
		talloc_free(conf);
	}
}

static void test_values(void)
{
	struct conf *conf = loaded("/* of every kind */ listen = {192.0.2.1, \"2001:db8::1\",\n"
				   "  '::ffff:192.0.2.2'} // v4\n"
				   "auth_port = 11812 acct_port=11813\n"
				   "workers = 7\n"
				   "user = radius # who\n"
				   "run_dir = /tmp//x/run # slashes in a word begin no comment\n"
				   "database = \"host=/run/x dbname='a b' password=\\\"#//\"\n"
				   "request_deadline = 750ms\n"
				   "dupcache = 1m\n"
				   "reject_delay = 0\n"
				   "log_target = stderr\nlog_level = \"debug\"\n");
	char text[ADDR_TEXT_MAX];
	CU_ASSERT_EQUAL(conf->listen_count, 3);
	CU_ASSERT_STRING_EQUAL(addr_format(&conf->listen[1], text), "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(addr_format(&conf->listen[2], text), "192.0.2.2");
	CU_ASSERT_EQUAL(conf->auth_port, 11812);
	CU_ASSERT_EQUAL(conf->acct_port, 11813);
	CU_ASSERT_EQUAL(conf->workers, 7);
	CU_ASSERT_STRING_EQUAL(conf->user, "radius");
	CU_ASSERT_STRING_EQUAL(conf->run_dir, "/tmp//x/run");
	CU_ASSERT_STRING_EQUAL(conf->database, "host=/run/x dbname='a b' password=\"#//");
	CU_ASSERT_EQUAL(conf->request_deadline_ms, 750);
	CU_ASSERT_EQUAL(conf->dupcache_s, 60);
	CU_ASSERT_EQUAL(conf->reject_delay_ms, 0);
	CU_ASSERT_EQUAL(conf->log_target, LOG_TARGET_STDERR);
	CU_ASSERT_EQUAL(conf->log_level, LOG_LEVEL_DEBUG);
	talloc_free(conf);
}

static void test_every_mistake_at_once(void)
{
	expect_messages("# a comment, and one\n"
			"/* over two\n"
			" lines */\n"
			"auth_port = 70000\n"
			"acct_port = -1\n"
			"no_such_option = 1\n"
			"socket_buffer_kib = many\n"
			"workers = { 1, 2, 3 }\n"
			"listen = {\"192.0.2.300\",\n"
			"  radius.example.net, ::1,\n"
			"  0:0:0:0:0:0:0:1}\n"
			"no_such_list = { a, b, c }\n"
			"server {\n"
			"  workers = 1\n"
			"  inner = { 2, 3 }\n"
			"}\n"
			"request_deadline = soon\n"
			"reject_delay = 9999d\n"
			"dupcache = 1500ms\n"
			"database = \"\"\n"
			"run_dir = run\n"
			"log_level = loud\n"
			"log_target = file\n"
			"batch_max = 0x10\n"
			"batch_max = 9223372036854775808\n"
			"no_such_option = 2\n"
			"user = \x01\x02\n"
			"cluster_user = \xff\n"
			"operator_database = {}\n"
			"server { more = 1 }\n"
			"hash_queue = auto\n",
		"t:4: auth_port: \"70000\" is not within 1 .. 65535\n"
		"t:5: acct_port: \"-1\" is not a number\n"
		"t:6: no_such_option: there is no such option\n"
		"t:7: socket_buffer_kib: \"many\" is not a number\n"
		"t:8: workers: takes one value, not a list\n"
		"t:9: listen: \"192.0.2.300\" is not an IPv4 or IPv6 address (names are not looked "
		"up)\n"
		"t:10: listen: \"radius.example.net\" is not an IPv4 or IPv6 address (names are "
		"not "
		"looked up)\n"
		"t:11: listen: \"0:0:0:0:0:0:0:1\" stands twice\n"
		"t:12: no_such_list: there is no such option\n"
		"t:13: server: there is no such section\n"
		"t:17: request_deadline: \"soon\" is not a duration such as 500ms, 5s, 15m, 8h or "
		"1d\n"
		"t:18: reject_delay: \"9999d\" is not a duration such as 500ms, 5s, 15m, 8h or 1d\n"
		"t:19: dupcache: \"1500ms\" is not a whole number of seconds\n"
		"t:20: database: must not be empty\n"
		"t:21: run_dir: \"run\" is not an absolute path\n"
		"t:22: log_level: \"loud\" is not one of error, warning, info or debug\n"
		"t:23: log_target: \"file\" is not one of stderr or syslog\n"
		"t:24: batch_max: \"0x10\" is not a number\n"
		"t:25: batch_max: is already set on line 24\n"
		"t:26: no_such_option: there is no such option\n"
		"t:27: user: must be one line of UTF-8 text without control characters\n"
		"t:28: cluster_user: must be one line of UTF-8 text without control characters\n"
		"t:29: operator_database: has no value\n"
		"t:31: hash_queue: \"auto\" is not a number\n");
}

static void test_ranges(void)
{
	expect_messages("request_deadline = 99ms", "t:1: request_deadline: \"99ms\" is not within "
						   "100ms .. 1m\n");
	expect_messages(
		"reject_delay = 11s", "t:1: reject_delay: \"11s\" is not within 0 .. 10s\n");
	expect_messages("workers = 0", "t:1: workers: \"0\" is not within 1 .. 64\n");
	expect_messages("workers = most", "t:1: workers: \"most\" is not a number nor auto\n");
	expect_messages("batch_max = 9223372036854775808",
		"t:1: batch_max: \"9223372036854775808\" is not a number\n");
}

static void test_connection_strings(void)
{
	static const char *const wrong[] = {"db.example.net", "host=x hidden", "no_such_word=1",
		"postgresql://[::1", "password='hidden"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char text[128];
		snprintf(text, sizeof text, "database = \"%s\"", wrong[i]);
		expect_messages(text, "t:1: database: is not a connection string (keyword=value "
				      "..., or postgresql://...)\n");
	}
	talloc_free(
		loaded("database = \"postgresql://poprad_server@a.example.net,b.example.net/poprad"
		       "?target_session_attrs=read-write\""));
}

static void test_too_many_addresses(void)
{
	char text[1024] = "listen = {\n192.0.2.1";
	for (unsigned i = 2; i <= CONF_LISTEN_MAX + 1; i++)
		sprintf(text + strlen(text), ",\n192.0.2.%u", i);
	strcat(text, "}\n");
	expect_messages(text, "t:18: listen: more than 16 addresses\n");
}

static void test_values_that_do_not_fit_together(void)
{
	expect_messages("acct_port = 1812\n"
			"reconnect_min = 10s\n"
			"\nlock_timeout = 11s\n",
		"t: reconnect_max: must not be shorter than reconnect_min\n"
		"t:1: acct_port: must differ from auth_port\n"
		"t:4: lock_timeout: must not be longer than statement_timeout\n");
}

static void test_syntax(void)
{
	expect_messages("# one\n\nuser = \"poprad\n\n",
		"t:3: syntax: the string that begins here has no end; the file was not checked\n");
	expect_messages("auth_port = 1\n/* what follows is lost\nacct_port = 2\n",
		"t:2: syntax: the comment that begins here has no end; the file was not checked\n");
	expect_messages("user = \"a\\777\"",
		"t:1: syntax: this string has a backslash before a digit; the file was not "
		"checked\n");
	expect_messages("auth_port = 0\n# two\nuser =\n\n",
		"t:1: auth_port: \"0\" is not within 1 .. 65535\n"
		"t:3: syntax: premature end of file; what follows was not checked\n");
	expect_messages("unknown = 1\nuser = }\nauth_port = 0",
		"t:1: unknown: there is no such option\n"
		"t:2: syntax: unexpected token '}'; what follows was not checked\n");
	expect_messages("auth_port 1812\n",
		"t:1: syntax: missing equal sign after option 'auth_port'; what follows was not "
		"checked\n");
	/* Nothing of a broken file stays behind in the parser. */
	talloc_free(loaded("user = \"it's fine\""));
}

static void test_hostile_files(void)
{
	struct conf *conf = NULL;
	CU_ASSERT_EQUAL(load_octets("user = a\0b", 10, &conf), ERR_SYNTAX);
	CU_ASSERT_STRING_EQUAL(messages, "t: holds a NUL octet\n");

	size_t size = SOURCE_MAX_BYTES + 1;
	char *text = malloc(size + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, ' ', size);
	CU_ASSERT_EQUAL(load_octets(text, size, &conf), ERR_SYNTAX);
	CU_ASSERT_STRING_EQUAL(messages, "t: is longer than 1 MiB\n");
	CU_ASSERT_EQUAL(load_octets(text, size - 1, &conf), 0);
	talloc_free(conf);

	/* More unknown names than are kept: it ends, and says so. */
	size_t used = 0;
	for (unsigned i = 0; i < 300; i++)
		used += (size_t)sprintf(text + used, "x%u = 1\n", i);
	CU_ASSERT_EQUAL(load_octets(text, used, &conf), ERR_SYNTAX);
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "t:64: x63: there is no such option\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "t:65: syntax: no such option 'x64'"));

	/* Brackets without end. */
	memset(text, '{', 5000);
	CU_ASSERT_EQUAL(load_octets(text, 5000, &conf), ERR_SYNTAX);
	used = 0;
	for (unsigned i = 0; i < 3000; i++)
		used += (size_t)sprintf(text + used, "a { ");
	CU_ASSERT_EQUAL(load_octets(text, used, &conf), ERR_SYNTAX);
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "t:1: "));
	CU_ASSERT_EQUAL(load_octets("=", 1, &conf), ERR_SYNTAX);
	free(text);
}

static void test_files(void)
{
	struct conf *conf = NULL;
	memset(messages, 0, sizeof messages);
	FILE *errors = fmemopen(messages, sizeof messages, "w");
	CU_ASSERT_EQUAL(conf_load(NULL, "/nonexistent/poprad.conf", errors, &conf), ERR_SYSTEM);
	CU_ASSERT_EQUAL(conf_load(NULL, "/", errors, &conf), ERR_SYSTEM);
	fclose(errors);
	CU_ASSERT_STRING_EQUAL(messages,
		"/nonexistent/poprad.conf: cannot be opened: No such file or directory\n"
		"/: cannot be read: Is a directory\n");

	setenv("POPRAD_CONF", "/tmp/other.conf", 1);
	CU_ASSERT_STRING_EQUAL(conf_default_path(), "/tmp/other.conf");
	setenv("POPRAD_CONF", "", 1);
	CU_ASSERT_STRING_EQUAL(conf_default_path(), SYSCONFDIR "/poprad/poprad.conf");
	unsetenv("POPRAD_CONF");
	CU_ASSERT_STRING_EQUAL(conf_default_path(), SYSCONFDIR "/poprad/poprad.conf");
}

/* The example is right and complete: as it stands, and with every option switched on. */
static void test_example(void)
{
	static char text[16384], active[16384];
	FILE *file = fopen(TOP_SRCDIR "/dist/poprad.conf", "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	size_t size = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[size] = '\0';
	talloc_free(loaded(text));

	char *end = active;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z')
			end += sprintf(end, "%s\n", line + 1);
	struct conf *given = loaded(active), *defaults = loaded("");
	CU_ASSERT_EQUAL(given->listen_count, defaults->listen_count);
	CU_ASSERT_EQUAL(given->requests_max, defaults->requests_max);
	for (const struct option *option = options; option < options + options_count; option++) {
		char start[128];
		if (option->name == NULL)
			continue;
		snprintf(start, sizeof start, "%s = ", option->name);
		const char *line = strstr(active, start);
		CU_ASSERT_PTR_NOT_NULL_FATAL(line);
		const char *value = line + strlen(start);
		if (option->kind <= OPTION_DURATION_S)
			CU_ASSERT_EQUAL(
				strncmp(value, option->default_text, strcspn(value, "\n")), 0);
	}
	talloc_free(given);
	talloc_free(defaults);
}

static void test_manual(void)
{
	memset(messages, 0, sizeof messages);
	FILE *out = fmemopen(messages, sizeof messages, "w");
	conf_print_manual(out);
	fclose(out);
	for (const struct option *option = options; option < options + options_count; option++) {
		char item[128];
		if (option->name == NULL)
			continue;
		snprintf(item, sizeof item, "\n.It Ic %s ", option->name);
		CU_ASSERT_PTR_NOT_NULL(strstr(messages, item));
		CU_ASSERT_PTR_NOT_NULL(strstr(messages, option->sentence));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(test_defaults),
		TEST(test_values),
		TEST(test_every_mistake_at_once),
		TEST(test_ranges),
		TEST(test_connection_strings),
		TEST(test_too_many_addresses),
		TEST(test_values_that_do_not_fit_together),
		TEST(test_syntax),
		TEST(test_hostile_files),
		TEST(test_files),
		TEST(test_example),
		TEST(test_manual),
		CU_TEST_INFO_NULL,
	};
	return suite_run("conf", tests);
}
