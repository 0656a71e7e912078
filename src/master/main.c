/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * poprad: the command line. The same program file is the master and, with --worker, a worker. */
#include "conf/conf.h"
#include "master/master.h"
#include "master/worker.h"
#include <config.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

struct arguments {
	const char *conf_path;
	bool is_check, is_foreground;
	int worker; /* -1 = master */
	int sockets;
};

static void print_usage(FILE *out)
{
	fputs("usage: poprad [-f] [-c FILE]\n"
	      "       poprad -C FILE\n"
	      "       poprad -h | --version\n",
		out);
}

static void print_help(void)
{
	print_usage(stdout);
	printf("\n"
	       "poprad is a RADIUS server. Without options it reads its configuration, opens its\n"
	       "ports, goes into the background and serves until SIGTERM.\n"
	       "\n"
	       "  -f             stay in the foreground, log to stderr (stop with Ctrl-C)\n"
	       "  -c FILE        read this configuration instead of\n"
	       "                 %s\n"
	       "  -C FILE        check a configuration: names every mistake with its line,\n"
	       "                 exits with 0 if there is none and with 1 otherwise\n"
	       "  -h, --help     this text\n"
	       "  -V, --version  the version\n"
	       "\n"
	       "The environment variable POPRAD_CONF names a configuration too; -c wins.\n"
	       "What a running server does: popradctl status. Manual: poprad(8), poprad.conf(5).\n",
		conf_default_path());
}

/* A small number that the master has written. */
static bool read_number(const char *text, int *number)
{
	char *end;
	long value = strtol(text, &end, 10);
	*number = (int)value;
	return end != text && *end == '\0' && value >= 0 && value <= 4096;
}

enum { OPTION_WORKER = 256, OPTION_SOCKETS };
/* --worker and --sockets are between master and worker, and not for people. */
static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"worker", required_argument, NULL, OPTION_WORKER},
	{"sockets", required_argument, NULL, OPTION_SOCKETS},
	{0},
};

static bool take_option(int option, const char *value, struct arguments *arguments)
{
	switch (option) {
	case 'C':
		arguments->is_check = true;
		arguments->conf_path = value;
		return true;
	case 'c':
		arguments->conf_path = value;
		return true;
	case 'f':
		arguments->is_foreground = true;
		return true;
	case OPTION_WORKER:
		return read_number(value, &arguments->worker);
	case OPTION_SOCKETS:
		return read_number(value, &arguments->sockets);
	default:
		return false;
	}
}

/* Returns -1 to go on, else the exit code. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
	bool is_right = true;
	for (int option; (option = getopt_long(argc, argv, "c:C:fhV", long_options, NULL)) != -1;) {
		if (option == 'h') {
			print_help();
			return EXIT_SUCCESS;
		}
		if (option == 'V') {
			puts("poprad " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		}
		is_right = take_option(option, optarg, arguments) && is_right;
	}
	if (optind < argc)
		fprintf(stderr, "poprad: unexpected argument: %s\n", argv[optind]);
	if (is_right && optind == argc)
		return -1;
	print_usage(stderr);
	return EXIT_USAGE;
}

static int check(const char *path)
{
	struct conf *conf;
	if (conf_load(NULL, path, stderr, &conf) != 0)
		return EXIT_FAILURE;
	talloc_free(conf);
	printf("%s: no mistakes\n", path);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.conf_path = conf_default_path(), .worker = -1};
	int exit_code = read_arguments(argc, argv, &arguments);
	if (exit_code >= 0)
		return exit_code;
	if (arguments.is_check)
		return check(arguments.conf_path);
	if (arguments.worker >= 0)
		return worker_run((unsigned)arguments.worker, (size_t)arguments.sockets,
			arguments.conf_path, arguments.is_foreground);
	return master_run(arguments.conf_path, arguments.is_foreground);
}
