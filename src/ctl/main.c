/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl: parses the command line by the table and runs the command. */
#include "config.h"
#include "ctl/ctl.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

static int run(struct call *call, int argc, char *argv[])
{
	int code = call_parse(call, argc, argv);

	if (code != CTL_OK)
		return code;
	if (call->is_version) {
		fprintf(call->out, "popradctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	if (call->is_help) {
		call_print_help(call);
		return CTL_OK;
	}
	return call->command->run(call);
}

int main(int argc, char *argv[])
{
	struct call call = {.ctx = talloc_new(NULL), .out = stdout, .errors = stderr};
	int code;

	/* A reader that goes away (head) ends the output, not the program in the middle of a
	 * change; a database connection that breaks is told as such. */
	signal(SIGPIPE, SIG_IGN);
	code = run(&call, argc, argv);
	if (fflush(stdout) != 0 && errno != EPIPE && code == CTL_OK)
		code = call_fail(&call, CTL_REFUSED, "cannot write: %s", strerror(errno));
	talloc_free(call.ctx);
	return code;
}
