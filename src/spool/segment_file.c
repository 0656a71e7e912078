/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A new segment is made under another name and renamed when its head is on the disk and its lock is
 * held: under a segment's name there is never half a head, nor an unlocked file that somebody is
 * about to write. */
#include "spool/segment_file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAFT_SUFFIX ".new"
#define CORRUPT_SUFFIX ".corrupt"

/* Disk quota and the limit of a file's size are room that there is not, too. */
static int write_error(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_SYSTEM;
}

static int write_all(int fd, const uint8_t *octets, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, octets, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return write_error();
		octets += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? ERR_EXISTS : ERR_SYSTEM;
}

/* Making ----------------------------------------------------------------------------------- */

static int write_head(const struct segment_file *file, const char *draft)
{
	uint8_t head[SEGMENT_HEAD_SIZE];
	segment_put_head(&file->id, head);
	int err = lock(file->fd);
	if (err == 0)
		err = write_all(file->fd, head, sizeof head, 0);
	if (err == 0 && fdatasync(file->fd) != 0)
		err = write_error();
	if (err != 0)
		return err;
	if (renameat(file->folder, draft, file->folder, file->name) != 0)
		return write_error();
	return fsync(file->folder) == 0 ? 0 : write_error();
}

/* The same microsecond cannot come twice under one lock of the worker's number, unless the clock
 * was set back: then the next one is taken. */
static void name_file(const struct segment_writer *writer, struct segment_file *file)
{
	for (;; file->id.born_us++) {
		snprintf(file->name, sizeof file->name, "%.200s-%u-%08" PRIx32 "-%016" PRIx64 "%s",
			writer->node, writer->worker, writer->boot, (uint64_t)file->id.born_us,
			SEGMENT_SUFFIX);
		if (faccessat(writer->folder, file->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			return;
	}
}

int segment_file_create(
	const struct segment_writer *writer, int64_t now_us, struct segment_file *file)
{
	char draft[SEGMENT_NAME_MAX + sizeof DRAFT_SUFFIX];
	*file = (struct segment_file){.folder = writer->folder, .id.born_us = now_us};
	if (getrandom(&file->id.salt, sizeof file->id.salt, 0) != (ssize_t)sizeof file->id.salt)
		return ERR_SYSTEM;
	name_file(writer, file);
	snprintf(draft, sizeof draft, "%s%s", file->name, DRAFT_SUFFIX);
	file->fd = openat(
		writer->folder, draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return write_error();
	int err = write_head(file, draft);
	if (err == 0) {
		file->end = SEGMENT_HEAD_SIZE;
		return 0;
	}
	int cause = errno;
	unlinkat(file->folder, draft, 0);
	unlinkat(file->folder, file->name, 0);
	close(file->fd);
	errno = cause;
	return err;
}

int segment_file_add(struct segment_file *file, uint8_t *octets, size_t size)
{
	segment_seal(&file->id, file->end, octets, size);
	int err = write_all(file->fd, octets, size, file->end);
	if (err == 0 && fdatasync(file->fd) != 0)
		return ERR_SYSTEM;
	if (err == 0) {
		file->end += size;
		return 0;
	}
	int cause = errno;
	if (ftruncate(file->fd, (off_t)file->end) != 0)
		err = ERR_SYSTEM;
	errno = cause;
	return err;
}

/* Reading ---------------------------------------------------------------------------------- */

static int open_file(int folder, const char *name, bool is_ours, struct segment_file *file)
{
	*file = (struct segment_file){.folder = folder};
	snprintf(file->name, sizeof file->name, "%s", name);
	file->fd = openat(
		folder, name, (is_ours ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file->fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	return 0;
}

static int read_id(struct segment_file *file)
{
	uint8_t head[SEGMENT_HEAD_SIZE];
	size_t got;
	int err = segment_file_read(file, 0, head, sizeof head, &got);
	return err == 0 ? segment_read_head(head, got, &file->id) : err;
}

static int examine(struct segment_file *file, bool is_ours)
{
	struct stat status;
	int err = is_ours ? lock(file->fd) : 0;
	if (err != 0)
		return err;
	if (fstat(file->fd, &status) != 0)
		return ERR_SYSTEM;
	if (!S_ISREG(status.st_mode))
		return ERR_SYNTAX;
	/* Its owner has removed it while we opened it. */
	if (status.st_nlink == 0)
		return ERR_NOT_FOUND;
	file->end = (uint64_t)status.st_size;
	return read_id(file);
}

static int open_existing(int folder, const char *name, bool is_ours, struct segment_file *file)
{
	int err = open_file(folder, name, is_ours, file);
	if (err != 0)
		return err;
	err = examine(file, is_ours);
	if (err != 0) {
		int cause = errno;
		close(file->fd);
		errno = cause;
	}
	return err;
}

int segment_file_adopt(int folder, const char *name, struct segment_file *file)
{
	return open_existing(folder, name, true, file);
}

int segment_file_look(int folder, const char *name, struct segment_file *file)
{
	return open_existing(folder, name, false, file);
}

bool segment_file_is_held(const struct segment_file *file)
{
	if (flock(file->fd, LOCK_SH | LOCK_NB) != 0)
		return true;
	flock(file->fd, LOCK_UN);
	return false;
}

int segment_file_read(
	const struct segment_file *file, uint64_t offset, uint8_t *octets, size_t size, size_t *got)
{
	*got = 0;
	while (*got < size) {
		ssize_t n = pread(file->fd, octets + *got, size - *got, (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYSTEM;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

/* The end ---------------------------------------------------------------------------------- */

int segment_file_set_aside(
	const struct segment_file *file, uint64_t offset, const uint8_t *octets, size_t size)
{
	char name[SEGMENT_NAME_MAX + 32];
	int stem = (int)(strlen(file->name) - strlen(SEGMENT_SUFFIX));
	snprintf(name, sizeof name, "%.*s-%08" PRIx64 CORRUPT_SUFFIX, stem, file->name, offset);
	int fd = openat(
		file->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return write_error();
	int err = write_all(fd, octets, size, 0);
	if (err == 0 && (fdatasync(fd) != 0 || fsync(file->folder) != 0))
		err = write_error();
	close(fd);
	return err;
}

int segment_file_remove(struct segment_file *file)
{
	int err = unlinkat(file->folder, file->name, 0) == 0 ? 0 : ERR_SYSTEM;
	segment_file_close(file);
	return err;
}

void segment_file_close(struct segment_file *file)
{
	close(file->fd);
	file->fd = -1;
}
