/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/server.h"
#include "base/mem.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int not_running(const struct call *call, const char *path)
{
	return call_fail(call, CTL_REFUSED, "the server does not run, or %s is not its socket: %s",
		path, strerror(errno));
}

/* -1 (errno): nobody listens there. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = SERVER_PATIENCE_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0)
		return fd;
	if (fd >= 0) {
		int cause = errno;

		close(fd);
		errno = cause;
	}
	return -1;
}

static int find_socket(const struct call *call, const char **path)
{
	*path = mem_must(talloc_asprintf(call->ctx, "%s/control", call->conf->run_dir));
	if (strlen(*path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return call_fail(call, CTL_REFUSED, "run_dir is too long: %s", *path);
	return CTL_OK;
}

int server_connect(struct call *call, int *connected)
{
	const char *path;
	int code = find_socket(call, &path);

	if (code != CTL_OK)
		return code;
	*connected = connect_to(path);
	return *connected >= 0 ? CTL_OK : not_running(call, path);
}

int server_refuse_running(struct call *call, const char *why)
{
	const char *path;
	int fd, code = find_socket(call, &path);

	if (code != CTL_OK)
		return code;
	fd = connect_to(path);
	if (fd < 0)
		return CTL_OK;
	close(fd);
	return call_fail(call, CTL_REFUSED, "%s", why);
}
