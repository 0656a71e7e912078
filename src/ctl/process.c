/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/process.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 4096      /* octets kept: the last lines say why a program failed */
#define EXIT_NOT_STARTED 127 /* as shells do */

/* In the child. The environment is empty but for what the programs need: PGDATA, PGPORT and their
 * like of the caller's must not reach them. */
static void become(const struct passwd *user)
{
	if (user == NULL)
		return;
	if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
		setuid(user->pw_uid) != 0) {
		dprintf(STDERR_FILENO, "cannot become user %s: %s\n", user->pw_name,
			strerror(errno));
		_exit(EXIT_NOT_STARTED);
	}
}

static void run_child(const struct passwd *user, const char *const argv[], int output)
{
	char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		dup2(output, STDERR_FILENO) < 0 || chdir("/") != 0)
		_exit(EXIT_NOT_STARTED);
	become(user);
	/* execve takes the strings as not const for historical reasons only. */
	execve(argv[0], (char *const *)(uintptr_t)argv, environment);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

/* Everything until the end, of which the last OUTPUT_MAX octets are kept. */
static char *read_tail(TALLOC_CTX *ctx, int from)
{
	char *tail = mem_must(talloc_size(ctx, 2 * OUTPUT_MAX + 1));
	size_t size = 0;

	for (;;) {
		ssize_t got = read(from, tail + size, 2 * OUTPUT_MAX - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size += (size_t)got;
		if (size > OUTPUT_MAX) {
			memmove(tail, tail + size - OUTPUT_MAX, OUTPUT_MAX);
			size = OUTPUT_MAX;
		}
	}
	tail[size] = '\0';
	return tail;
}

int process_run(TALLOC_CTX *ctx, const struct passwd *user, const char *const argv[], char **output)
{
	int ends[2], status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return ERR_SYSTEM;
	child = fork();
	if (child == 0)
		run_child(user, argv, ends[1]);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return ERR_SYSTEM;
	}
	*output = read_tail(ctx, ends[0]);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return ERR_SYSTEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ERR_SYSTEM;
}

const char *process_reason(char *output)
{
	static const char *const marks[] = {"FATAL:", "PANIC:", "error:"};
	char *reason = NULL, *last = output, *rest = output, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		for (size_t i = 0; reason == NULL && i < sizeof(marks) / sizeof(*marks); i++)
			if (strstr(line, marks[i]) != NULL)
				reason = line;
		if (*line != '\0')
			last = line;
	}
	return reason != NULL ? reason : last;
}

int process_do_as(const struct passwd *user, int (*work)(const void *owner), const void *owner)
{
	pid_t child;
	int status;

	if (user == NULL)
		return work(owner);
	child = fork();
	if (child == 0) {
		become(user);
		_exit(work(owner));
	}
	if (child < 0)
		return ERR_SYSTEM;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return ERR_SYSTEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ERR_SYSTEM;
}

static int is_blocked(const void *path)
{
	return access(path, X_OK) != 0 && errno != ENOENT;
}

const char *process_blocked_directory(TALLOC_CTX *ctx, const struct passwd *user, const char *path)
{
	char *directory = mem_must(talloc_strdup(ctx, path));

	for (char *slash = strchr(directory + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		if (process_do_as(user, is_blocked, directory) != 0)
			return directory;
		if (slash == NULL)
			return NULL;
		*slash = '/';
	}
}
