/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/port_holder.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel prints an address as 32-bit words in its own byte order, 8 hex digits each. */
static bool parse_local(const char *hex, struct addr *addr)
{
	uint8_t bytes[16];
	size_t words = strlen(hex) / 8;
	if (strlen(hex) != words * 8 || (words != 1 && words != 4))
		return false;
	for (size_t i = 0; i < words; i++) {
		char digits[9];
		memcpy(digits, hex + i * 8, 8);
		digits[8] = '\0';
		uint32_t word = (uint32_t)strtoul(digits, NULL, 16);
		memcpy(bytes + i * 4, &word, sizeof word);
	}
	*addr = addr_from_bytes(words == 1 ? 4 : 6, bytes);
	return true;
}

static bool is_wildcard(const struct addr *addr)
{
	static const uint8_t zeros[16];
	return memcmp(addr->bytes, zeros, sizeof zeros) == 0;
}

/* A wildcard of either family may hold the other one's port too (a dual-stack socket). */
static bool is_in_the_way(const struct addr *theirs, const struct addr *ours)
{
	return is_wildcard(theirs) || is_wildcard(ours) || addr_compare(theirs, ours) == 0;
}

/* The inode of a socket in such a table that holds the port, or 0. */
static uint64_t find_inode(const char *table, const struct addr *addr, uint16_t port)
{
	FILE *file = fopen(table, "re");
	if (file == NULL)
		return 0;
	char line[512];
	uint64_t found = 0;
	while (found == 0 && fgets(line, sizeof line, file) != NULL) {
		char local[40];
		unsigned their_port;
		uint64_t inode;
		struct addr theirs;
		/* sl local:port remote:port state queues timer retransmits uid timeout inode */
		if (sscanf(line, " %*[^:]: %39[0-9A-F]:%x %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
			    local, &their_port, &inode) == 3 &&
			their_port == port && parse_local(local, &theirs) &&
			is_in_the_way(&theirs, addr))
			found = inode;
	}
	fclose(file);
	return found;
}

static bool has_socket(int process, const char *socket_name)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool found = false;
	for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
		char target[64];
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		if (size > 0) {
			target[size] = '\0';
			found = strcmp(target, socket_name) == 0;
		}
	}
	closedir(dir);
	return found;
}

static void read_name(int process, struct port_holder *holder)
{
	int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, holder->name, sizeof holder->name - 1);
	if (fd >= 0)
		close(fd);
	holder->name[size > 0 ? size : 0] = '\0';
	holder->name[strcspn(holder->name, "\n")] = '\0';
}

static bool find_process(uint64_t inode, struct port_holder *holder)
{
	char socket_name[64];
	snprintf(socket_name, sizeof socket_name, "socket:[%" PRIu64 "]", inode);
	DIR *dir = opendir("/proc");
	if (dir == NULL)
		return false;
	bool found = false;
	for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		int process = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		found = has_socket(process, socket_name);
		if (found) {
			holder->pid = (pid_t)strtol(entry->d_name, NULL, 10);
			read_name(process, holder);
		}
		close(process);
	}
	closedir(dir);
	return found;
}

bool port_holder_find(const struct addr *addr, uint16_t port, struct port_holder *holder)
{
	uint64_t inode = find_inode("/proc/net/udp", addr, port);
	if (inode == 0)
		inode = find_inode("/proc/net/udp6", addr, port);
	return inode != 0 && find_process(inode, holder);
}
