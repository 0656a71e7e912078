/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/privileges.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int find_user(const char *user, uid_t *uid, gid_t *gid)
{
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (entry == NULL || entry->pw_uid == 0) {
		log_event(LOG_LEVEL_ERROR, "user_unusable",
			"user=%s why=\"%s\" hint=\"the option user names who serves\"",
			log_quote_text(user),
			entry == NULL ? "there is no such user" : "it is root");
		return ERR_NOT_FOUND;
	}
	*uid = entry->pw_uid;
	*gid = entry->pw_gid;
	return 0;
}

static bool is_empty(int folder)
{
	int copy = dup(folder);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (dir == NULL) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	unsigned entries = 0;
	while (entries <= 2 && readdir(dir) != NULL)
		entries++;
	closedir(dir);
	return entries <= 2;
}

/* A folder that was just made for the server, here or by systemd (RuntimeDirectory), is root's and
 * empty. One that holds something is somebody's and stays as it is. */
static bool hand_over(const char *path, uid_t uid, gid_t gid)
{
	struct stat status;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return false;
	bool is_done = fstat(folder, &status) == 0 &&
		       (status.st_uid != 0 || !is_empty(folder) || fchown(folder, uid, gid) == 0);
	close(folder);
	return is_done;
}

int privileges_make_folder(const char *path, mode_t mode, const char *user)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool is_root = uid == 0;
	if (is_root) {
		int code = find_user(user, &uid, &gid);
		if (code != 0)
			return code;
	}
	if ((mkdir(path, mode) == 0 || errno == EEXIST) && (!is_root || hand_over(path, uid, gid)))
		return 0;
	log_event(LOG_LEVEL_ERROR, "folder_failed", "path=%s why=%s", log_quote_text(path),
		log_quote_text(strerror(errno)));
	return ERR_SYSTEM;
}

int privileges_drop(const char *user)
{
	uid_t uid;
	gid_t gid;
	if (geteuid() == 0) {
		int code = find_user(user, &uid, &gid);
		if (code != 0)
			return code;
		if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0 ||
			setuid(0) == 0) {
			log_event(LOG_LEVEL_ERROR, "privileges_kept", "user=%s why=%s",
				log_quote_text(user), log_quote_text(strerror(errno)));
			return ERR_SYSTEM;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_event(LOG_LEVEL_ERROR, "privileges_kept", "why=%s",
			log_quote_text(strerror(errno)));
		return ERR_SYSTEM;
	}
	return 0;
}
