/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/quarantine_retry.h"
#include "acct/event_form.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/spool_folder.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct retry {
	struct call *call;
	int folder;
	uint8_t *octets; /* records, as in a segment */
	size_t size, room;
};

static int retry_destroy(struct retry *retry)
{
	close(retry->folder);
	return 0;
}

int retry_new(struct call *call, struct retry **made)
{
	int folder, code = call_load_conf(call);

	if (code != CTL_OK)
		return code;
	if (spool_folder_open(call->conf->spool_directory, false, &folder) != 0)
		return call_fail(call, CTL_REFUSED, "%s: %s (run this where the server runs)",
			call->conf->spool_directory, strerror(errno));
	struct retry *retry = mem_must(talloc_zero(call->ctx, struct retry));
	retry->call = call;
	retry->folder = folder;
	talloc_set_destructor(retry, retry_destroy);
	*made = retry;
	return CTL_OK;
}

int retry_add(struct retry *retry, const char *hex)
{
	size_t size = strlen(hex) / 2;
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	uint8_t *event = mem_must(talloc_size(ctx, size + 1));
	struct record record;
	int err = size <= SPOOL_RECORD_MAX && text_from_hex(hex, event, size) ? 0 : ERR_SYNTAX;

	if (err == 0)
		err = event_decode(ctx, event, size, &record);
	if (err == 0) {
		size_t need = retry->size + SEGMENT_RECORD_HEAD + size;

		if (need > retry->room) {
			retry->room = 2 * need;
			retry->octets =
				mem_must(talloc_realloc_size(retry, retry->octets, retry->room));
		}
		segment_begin_record(retry->octets + retry->size, size);
		memcpy(retry->octets + retry->size + SEGMENT_RECORD_HEAD, event, size);
		retry->size = need;
	}
	talloc_free(ctx);
	return err;
}

/* The server's user owns the folder, and must be able to take the file over. */
static int hand_over(const struct retry *retry, const struct segment_file *file)
{
	struct stat status;

	if (fstat(retry->folder, &status) != 0)
		return ERR_SYSTEM;
	if (geteuid() == 0 && fchown(file->fd, status.st_uid, status.st_gid) != 0)
		return ERR_SYSTEM;
	return 0;
}

int retry_write(struct retry *retry)
{
	const struct segment_writer writer = {
		.folder = retry->folder, .node = "quarantine", .boot = spool_boot()};
	struct segment_file file;
	int err = segment_file_create(&writer, clock_wall_us(), &file);

	if (err == 0) {
		err = hand_over(retry, &file);
		if (err == 0)
			err = segment_file_add(&file, retry->octets, retry->size);
		if (err == 0)
			segment_file_close(&file);
		else if (segment_file_remove(&file) != 0)
			return call_fail(
				retry->call, CTL_REFUSED, "%s cannot be removed", file.name);
	}
	if (err != 0)
		return call_fail(retry->call, CTL_REFUSED, "%s: %s",
			retry->call->conf->spool_directory, strerror(errno));
	return CTL_OK;
}
