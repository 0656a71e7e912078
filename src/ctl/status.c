/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl status: asks the running server's master over its control socket. One line of JSON goes
 * there, one JSON object comes back. */
#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/server.h"
#include "ctl/status_print.h"
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX (1 << 20) /* octets; some 200 numbers for each of 64 workers are less */

static const struct parameter status_options[] = {OPTION_JSON, {0}};

/* Until the line end or the end of the connection. */
static size_t read_answer(int fd, char *answer)
{
	size_t size = 0;

	while (size < ANSWER_MAX && (size == 0 || answer[size - 1] != '\n')) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	return size;
}

static int ask(struct call *call, int fd, json_t **status)
{
	static const char question[] = "{\"command\":\"status\"}\n";
	char *answer = mem_must(talloc_size(call->ctx, ANSWER_MAX));
	json_error_t error;

	if (send(fd, question, strlen(question), MSG_NOSIGNAL) != (ssize_t)strlen(question))
		return call_fail(
			call, CTL_REFUSED, "the server does not listen: %s", strerror(errno));
	*status = json_loadb(answer, read_answer(fd, answer), 0, &error);
	if (!json_is_object(*status)) {
		json_decref(*status);
		return call_fail(call, CTL_REFUSED,
			"the server gave no answer within %d s that can be read",
			SERVER_PATIENCE_S);
	}
	return CTL_OK;
}

static int status_show(struct call *call)
{
	json_t *status;
	int fd = -1, code = call_load_conf(call);

	if (code == CTL_OK)
		code = server_connect(call, &fd);
	if (code != CTL_OK)
		return code;
	code = ask(call, fd, &status);
	close(fd);
	if (code != CTL_OK)
		return code;
	if (call_has(call, "json")) {
		json_dumpf(status, call->out, JSON_COMPACT);
		fputc('\n', call->out);
	} else {
		status_print(call->out, status);
	}
	json_decref(status);
	return CTL_OK;
}

const struct command status_commands[] = {
	{
		.verb = NULL,
		.options = status_options,
		.sentence =
			"Shows the running server's state, what holds requests up, and counters.",
		.details = "Counters that are still 0 are left out; --json has them all, also for "
			   "each worker. doc/operator/slow.md explains the figures. Exits with 1 "
			   "if the server does not run.",
		.example = "popradctl status --json",
		.run = status_show,
	},
	{0},
};
