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

int server_connect(struct call *call, int *connected)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = SERVER_PATIENCE_S};
	const char *path = mem_must(talloc_asprintf(call->ctx, "%s/control", call->conf->run_dir));
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return call_fail(call, CTL_REFUSED, "run_dir is too long: %s", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return not_running(call, path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
		int code = not_running(call, path);

		close(fd);
		return code;
	}
	*connected = fd;
	return CTL_OK;
}
