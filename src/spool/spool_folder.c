/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "spool/spool_folder.h"
#include "base/mem.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BORN_DIGITS 16
#define CORRUPT_SUFFIX ".corrupt"
#define DRAFT_SUFFIX SEGMENT_SUFFIX ".new"
#define DRAFT_AGE_S 60 /* one that is younger may belong to somebody who is about to lock it */

int spool_folder_open(const char *path, bool is_made, int *folder)
{
	if (is_made && mkdir(path, 0700) != 0 && errno != EEXIST)
		return ERR_SYSTEM;
	*folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *folder >= 0 ? 0 : ERR_SYSTEM;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t size = strlen(name), suffix_size = strlen(suffix);
	return size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

/* The digits before the suffix. */
static bool read_born(const char *name, int64_t *born_us)
{
	char digits[BORN_DIGITS + 1] = "", *end;
	if (!ends_with(name, SEGMENT_SUFFIX))
		return false;
	size_t stem = strlen(name) - strlen(SEGMENT_SUFFIX);
	if (stem <= BORN_DIGITS)
		return false;
	memcpy(digits, name + stem - BORN_DIGITS, BORN_DIGITS);
	if (name[stem - BORN_DIGITS - 1] != '-' || !isxdigit((unsigned char)digits[0]))
		return false;
	uint64_t born = strtoull(digits, &end, 16);
	*born_us = (int64_t)born;
	return *end == '\0' && *born_us >= 0;
}

static void add_name(struct spool_listing *listing, const char *name)
{
	if ((listing->count & (listing->count + 1)) == 0)
		listing->names = mem_must(
			realloc(listing->names, 2 * (listing->count + 1) * sizeof *listing->names));
	snprintf(listing->names[listing->count++], sizeof *listing->names, "%s", name);
}

static void add(struct spool_listing *listing, const char *name, const struct stat *status)
{
	int64_t born_us;
	listing->octets += (uint64_t)status->st_size;
	listing->corrupt += ends_with(name, CORRUPT_SUFFIX);
	if (strlen(name) >= SEGMENT_NAME_MAX || !read_born(name, &born_us))
		return;
	if (born_us < listing->oldest_us)
		listing->oldest_us = born_us;
	add_name(listing, name);
}

static int by_birth(const void *one, const void *other)
{
	int64_t one_us = 0, other_us = 0;
	if (!read_born(one, &one_us) || !read_born(other, &other_us))
		return strcmp(one, other);
	return one_us != other_us ? (one_us > other_us) - (one_us < other_us) : strcmp(one, other);
}

static DIR *open_dir(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (dir == NULL && copy >= 0)
		close(copy);
	return dir;
}

int spool_folder_list(int folder, struct spool_listing *listing)
{
	const struct dirent *entry;
	struct stat status;
	*listing = (struct spool_listing){.oldest_us = INT64_MAX};
	DIR *dir = open_dir(folder);
	if (dir == NULL)
		return ERR_SYSTEM;
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode))
			add(listing, entry->d_name, &status);
	closedir(dir);
	if (listing->count > 0)
		qsort(listing->names, listing->count, sizeof *listing->names, by_birth);
	return 0;
}

void spool_listing_free(struct spool_listing *listing)
{
	free(listing->names);
	listing->names = NULL;
	listing->count = 0;
}

int spool_folder_set_aside(int folder, const char *name)
{
	char corrupt[SEGMENT_NAME_MAX + sizeof CORRUPT_SUFFIX];
	snprintf(corrupt, sizeof corrupt, "%s" CORRUPT_SUFFIX, name);
	return renameat(folder, name, folder, corrupt) == 0 ? 0 : ERR_SYSTEM;
}

static void clean_draft(int folder, const char *name)
{
	struct stat status;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && status.st_mtime < time(NULL) - DRAFT_AGE_S &&
		flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
	close(fd);
}

void spool_folder_clean(int folder)
{
	const struct dirent *entry;
	DIR *dir = open_dir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (ends_with(entry->d_name, DRAFT_SUFFIX))
			clean_draft(folder, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

void spool_node_name(const char *host, char *node, size_t size)
{
	snprintf(node, size, "%s", host[0] != '\0' ? host : "localhost");
	for (char *at = node; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && *at != '.' && *at != '-')
			*at = '_';
	if (node[0] == '.')
		node[0] = '_';
}

uint32_t spool_boot(void)
{
	unsigned boot = 0;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (file != NULL) {
		if (fscanf(file, "%8x", &boot) != 1)
			boot = 0;
		fclose(file);
	}
	return boot;
}
