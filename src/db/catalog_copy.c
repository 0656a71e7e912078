/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The copy of the catalog on disk. Reading it blocks a starting worker, writing it blocks worker 0
 * for one fsync at each change of the catalog; both are rare and short. */
#include "db/catalog_private.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_NAME "catalog.json"

/* Reads until size octets are there or the file ends; -1 with errno. */
static ssize_t read_all(int fd, char *octets, size_t size)
{
	size_t have = 0;
	while (have < size) {
		ssize_t n = read(fd, octets + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int catalog_copy_read(TALLOC_CTX *ctx, const char *directory, char **json, size_t *size)
{
	char *path = mem_must(talloc_asprintf(ctx, "%s/" COPY_NAME, directory));
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	talloc_free(path);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;

	int rc = ERR_SYSTEM;
	char *octets = NULL;
	struct stat status;
	if (fstat(fd, &status) != 0)
		goto out;
	if (!S_ISREG(status.st_mode) || status.st_size < 0 ||
		(size_t)status.st_size > CATALOG_SIZE_MAX) {
		rc = ERR_RANGE;
		goto out;
	}
	octets = mem_must(talloc_size(ctx, (size_t)status.st_size + 1));
	ssize_t have = read_all(fd, octets, (size_t)status.st_size);
	if (have < 0)
		goto out;
	octets[have] = '\0';
	*json = octets;
	*size = (size_t)have;
	octets = NULL;
	rc = 0;
out:
	talloc_free(octets);
	close(fd);
	return rc;
}

static bool write_all(int fd, const char *octets, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, octets, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		octets += n;
		size -= (size_t)n;
	}
	return true;
}

int catalog_copy_write(const char *directory, const char *json, size_t size)
{
	TALLOC_CTX *tmp = mem_must(talloc_new(NULL));
	char *path = mem_must(talloc_asprintf(tmp, "%s/" COPY_NAME, directory));
	char *draft = mem_must(talloc_asprintf(tmp, "%s.XXXXXX", path));
	int rc = ERR_SYSTEM;
	int fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		goto out;
	bool is_written = write_all(fd, json, size) && fsync(fd) == 0;
	is_written &= close(fd) == 0;
	if (is_written && rename(draft, path) == 0) {
		rc = 0;
	} else {
		int cause = errno;
		unlink(draft);
		errno = cause;
	}
out:
	talloc_free(tmp);
	return rc;
}
