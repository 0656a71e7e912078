/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* popradload: a modem bank or broadband access server full of subscribers, for benchmarks and for
 * the acceptance of an installation. Exit status: 0 everything was answered well, 1 something was
 * not, 2 usage, 3 the system refused. */
#include "load/load.h"
#include "load/report.h"
#include "radius/digest.h"
#include <stdio.h>

int main(int argc, char **argv)
{
	static struct load_stats stats;
	struct load_settings settings;
	int error = settings_read(argc, argv, &settings);
	if (error)
		return error == ERR_NOT_FOUND ? 0 : 2;
	if (digest_init()) {
		fputs("popradload: OpenSSL lacks an algorithm (MD4 needs its legacy provider)\n",
			stderr);
		return 3;
	}
	TALLOC_CTX *ctx = talloc_new(NULL);
	error = load_run(ctx, &settings, &stats);
	if (!error)
		report_summary(&settings, &stats);
	talloc_free(ctx);
	digest_done();
	if (error)
		return 3;
	return report_is_clean(&settings, &stats) ? 0 : 1;
}
