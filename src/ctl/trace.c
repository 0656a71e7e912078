/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl trace: follows packets over the running server's control socket. */
#include "base/clock.h"
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/server.h"
#include "ctl/trace_print.h"
#include "request/line.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1 << 19) /* more than the server sends in one */

static const struct parameter trace_arguments[] = {
	{.name = "TARGET",
		.type = VALUE_TEXT,
		.sentence = "A login, or the name or the address of a NAS."},
	{0},
};
static const struct parameter trace_options[] = {
	{.name = "json", .sentence = "Write a line of JSON for each packet."},
	{.name = "count",
		.type = VALUE_NUMBER,
		.form = "N",
		.sentence = "End after so many packets."},
	{.name = "seconds",
		.type = VALUE_SECONDS,
		.form = "TIME",
		.sentence = "End after this time (90, 5m)."},
	{0},
};

struct follow {
	struct call *call;
	int fd;
	char *line;
	size_t size;
	long long left; /* packets; -1 = no end */
	int64_t end_ns; /* INT64_MAX = none */
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static bool is_over(const struct follow *follow)
{
	return is_interrupted || follow->left == 0 || clock_mono_ns() >= follow->end_ns;
}

/* What arrived first says whether the server follows. */
static int take_first(const struct follow *follow, const json_t *line)
{
	const char *error = json_string_value(json_object_get(line, "error"));
	if (error != NULL)
		return call_fail(follow->call, CTL_REFUSED, "%s", error);
	fprintf(follow->call->errors, "popradctl: waiting for packets of %s, in %lld worker%s\n",
		json_string_value(json_object_get(line, "trace")),
		(long long)json_integer_value(json_object_get(line, "workers")),
		json_integer_value(json_object_get(line, "workers")) == 1 ? "" : "s");
	return CTL_OK;
}

static int take_line(struct follow *follow, const char *text, size_t size)
{
	struct call *call = follow->call;
	json_error_t error;
	json_t *line = json_loadb(text, size, 0, &error);
	int code = CTL_OK;
	if (!json_is_object(line)) {
		json_decref(line);
		return call_fail(call, CTL_REFUSED, "the server sent what cannot be read");
	}
	if (json_object_get(line, "error") != NULL || json_object_get(line, "trace") != NULL) {
		code = take_first(follow, line);
	} else {
		if (call_has(call, "json")) {
			fwrite(text, 1, size, call->out);
			fputc('\n', call->out);
		} else {
			trace_print(call->out, line);
		}
		if (follow->left > 0 && json_object_get(line, "not_shown") == NULL)
			follow->left--;
	}
	json_decref(line);
	if (fflush(call->out) != 0) /* nobody reads on */
		follow->left = 0;
	return code;
}

static int take_lines(struct follow *follow)
{
	char *end;
	int code = CTL_OK;
	while (code == CTL_OK && !is_over(follow) &&
		(end = memchr(follow->line, '\n', follow->size)) != NULL) {
		size_t size = (size_t)(end - follow->line);
		code = take_line(follow, follow->line, size);
		follow->size -= size + 1;
		memmove(follow->line, end + 1, follow->size);
	}
	if (code == CTL_OK && follow->size == LINE_MAX_BYTES)
		return call_fail(follow->call, CTL_REFUSED, "the server sent what cannot be read");
	return code;
}

static int wait_ms(const struct follow *follow)
{
	if (follow->end_ns == INT64_MAX)
		return -1;
	int64_t left_ms = (follow->end_ns - clock_mono_ns()) / NS_PER_MS + 1;
	return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static int follow_packets(struct follow *follow)
{
	int code = CTL_OK;
	while (code == CTL_OK && !is_over(follow)) {
		struct pollfd ready = {.fd = follow->fd, .events = POLLIN};
		if (poll(&ready, 1, wait_ms(follow)) <= 0)
			continue;
		ssize_t got = recv(follow->fd, follow->line + follow->size,
			LINE_MAX_BYTES - follow->size, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return call_fail(follow->call, CTL_REFUSED, "the server has ended");
		follow->size += (size_t)got;
		code = take_lines(follow);
	}
	return code;
}

static int ask(const struct follow *follow)
{
	struct call *call = follow->call;
	const char *target = line_login(call->ctx, call_value(call, "TARGET"));
	json_t *request = json_pack("{s:s, s:s}", "command", "trace", "target", target);
	char *text = mem_must(json_dumps(mem_must(request), JSON_COMPACT));
	char *line = mem_must(talloc_asprintf(call->ctx, "%s\n", text));
	size_t size = strlen(line);
	json_decref(request);
	free(text);
	if (send(follow->fd, line, size, MSG_NOSIGNAL) != (ssize_t)size)
		return call_fail(
			call, CTL_REFUSED, "the server does not listen: %s", strerror(errno));
	return CTL_OK;
}

static void read_options(struct follow *follow)
{
	const char *count = call_value(follow->call, "count");
	const char *seconds = call_value(follow->call, "seconds");
	follow->left = count != NULL ? strtoll(count, NULL, 10) : -1;
	follow->end_ns = INT64_MAX;
	if (seconds != NULL)
		follow->end_ns = clock_mono_ns() + strtoll(seconds, NULL, 10) * NS_PER_S;
}

static int trace_run(struct call *call)
{
	const struct sigaction action = {.sa_handler = interrupt};
	struct follow follow = {.call = call};
	int code = call_load_conf(call);
	if (code == CTL_OK)
		code = server_connect(call, &follow.fd);
	if (code != CTL_OK)
		return code;
	follow.line = mem_must(talloc_size(call->ctx, LINE_MAX_BYTES));
	read_options(&follow);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	code = ask(&follow);
	if (code == CTL_OK)
		code = follow_packets(&follow);
	close(follow.fd);
	return code;
}

const struct command trace_commands[] = {
	{
		.verb = NULL,
		.arguments = trace_arguments,
		.options = trace_options,
		.sentence = "Shows each packet of a login or a NAS while it is served.",
		.details = "What it says by the dictionary, each step that it took with the time, "
			   "the database's rounds, and the answer or the reason why there was "
			   "none. Passwords, what was made from them, and secrets are not shown. "
			   "Works in production: other packets do not wait, and of more than some "
			   "hundred a second only the number is told. Ends with Ctrl-C, or when "
			   "--count or --seconds says. Times are UTC.",
		.example = "popradctl trace line-7@isp.example --count 1",
		.run = trace_run,
	},
	{0},
};
