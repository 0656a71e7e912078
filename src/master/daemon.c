/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/daemon.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* To the process that waits for the start; -1 in the foreground. */
static int started_fd = -1;

static int refuse(const char *what)
{
	log_event(LOG_LEVEL_ERROR, "background_failed", "call=%s why=%s", what,
		log_quote_text(strerror(errno)));
	return ERR_SYSTEM;
}

static void wait_for_start(int fd)
{
	char octet;
	ssize_t got;
	do
		got = read(fd, &octet, 1);
	while (got < 0 && errno == EINTR);
	_exit(got == 1 ? 0 : 1);
}

int daemon_begin(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return refuse("pipe");
	pid_t child = fork();
	if (child < 0)
		return refuse("fork");
	if (child > 0) {
		close(ends[1]);
		wait_for_start(ends[0]);
	}
	close(ends[0]);
	started_fd = ends[1];
	/* The second fork leaves a process that is no session leader, so that no terminal that it
	 * may open ever becomes its own. */
	if (setsid() < 0 || (child = fork()) < 0)
		return refuse("setsid");
	if (child > 0)
		_exit(0);
	if (chdir("/") != 0)
		return refuse("chdir");
	umask(022);
	return 0;
}

void daemon_report_started(bool keep_stderr)
{
	if (started_fd < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!keep_stderr)
			dup2(null, STDERR_FILENO);
		close(null);
	}
	if (write(started_fd, "s", 1) != 1)
		log_event(LOG_LEVEL_WARNING, "start_unreported", "why=%s",
			log_quote_text(strerror(errno)));
	close(started_fd);
	started_fd = -1;
}

struct pid_file {
	int fd;
	char *path;
};

static int remove_pid_file(struct pid_file *pid_file)
{
	unlink(pid_file->path);
	close(pid_file->fd);
	return 0;
}

static int fill(int fd)
{
	char text[32];
	int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)size) != size)
		return ERR_SYSTEM;
	return 0;
}

int pid_file_create(TALLOC_CTX *ctx, const char *folder, struct pid_file **pid_file)
{
	char *path = mem_must(talloc_asprintf(ctx, "%s/poprad.pid", folder));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int code = fd < 0 ? ERR_SYSTEM : 0;
	if (code == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
		code = errno == EWOULDBLOCK ? ERR_EXISTS : ERR_SYSTEM;
	if (code == 0)
		code = fill(fd);
	if (code != 0) {
		log_event(LOG_LEVEL_ERROR,
			code == ERR_EXISTS ? "already_running" : "pid_file_failed",
			"path=%s why=%s", log_quote_text(path), log_quote_text(strerror(errno)));
		if (fd >= 0)
			close(fd);
		talloc_free(path);
		return code;
	}
	*pid_file = mem_must(talloc(ctx, struct pid_file));
	**pid_file = (struct pid_file){.fd = fd, .path = talloc_steal(*pid_file, path)};
	talloc_set_destructor(*pid_file, remove_pid_file);
	return 0;
}
