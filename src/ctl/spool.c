/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl spool: what lies in the spool's folder. It reads the files themselves, so that it needs
 * neither the server nor the database. */
#include "acct/event_form.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/field.h"
#include "ctl/spool_read.h"
#include "spool/spool_folder.h"
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static const struct parameter json_options[] = {OPTION_JSON, {0}};
static const struct parameter show_arguments[] = {
	{.name = "SEGMENT",
		.type = VALUE_FILE,
		.sentence = "The file's name, as spool status shows it; all, the oldest first, if "
			    "none is named.",
		.is_optional = true},
	{0},
};

static json_t *text_json(const char *text)
{
	return mem_must(json_string(text));
}

static json_t *number_json(uint64_t number)
{
	return mem_must(json_integer((json_int_t)number));
}

static json_t *time_json(int64_t us)
{
	char text[TEXT_TIME_BYTES + 1];
	text_put_time(text, us / US_PER_S);
	return mem_must(json_sprintf("%sZ", text));
}

static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) != 0)
		abort();
}

static int open_folder(struct call *call, int *folder, struct spool_listing *listing)
{
	int code = call_load_conf(call);
	if (code != CTL_OK)
		return code;
	const char *directory = call->conf->spool_directory;
	*listing = (struct spool_listing){.oldest_us = INT64_MAX};
	*folder = -1;
	if (spool_folder_open(directory, false, folder) != 0)
		return errno == ENOENT
			       ? CTL_OK
			       : call_fail(call, CTL_REFUSED, "%s: %s", directory, strerror(errno));
	if (spool_folder_list(*folder, listing) != 0)
		return call_fail(call, CTL_REFUSED, "%s: %s", directory, strerror(errno));
	return CTL_OK;
}

/* Status ----------------------------------------------------------------------------------- */

static json_t *segment_json(int folder, const char *name)
{
	struct segment_file file;
	json_t *object = mem_must(json_object());
	set(object, "segment", text_json(name));
	int err = segment_file_look(folder, name, &file);
	if (err != 0) {
		set(object, "state", text_json(err == ERR_NOT_FOUND ? "gone" : "unreadable"));
		return object;
	}
	set(object, "state", text_json(segment_file_is_held(&file) ? "in use" : "left behind"));
	set(object, "born", time_json(file.id.born_us));
	set(object, "octets", number_json(file.end));
	segment_file_close(&file);
	return object;
}

static json_t *status_json(const struct call *call, int folder, const struct spool_listing *listing)
{
	json_t *object = mem_must(json_object()), *segments = mem_must(json_array());
	for (size_t n = 0; n < listing->count; n++)
		if (json_array_append_new(segments, segment_json(folder, listing->names[n])) != 0)
			abort();
	set(object, "directory", text_json(call->conf->spool_directory));
	set(object, "octets", number_json(listing->octets));
	set(object, "limit_octets", number_json((uint64_t)call->conf->spool_limit_mib << 20));
	set(object, "corrupt_files", number_json(listing->corrupt));
	set(object, "segments", segments);
	return object;
}

static void print_status(FILE *out, const json_t *status)
{
	size_t index;
	const json_t *segment, *segments = json_object_get(status, "segments");
	field_print(out, json_string_value(json_object_get(status, "directory")));
	fprintf(out, ": %zu segments, %.1f of %.0f MiB", json_array_size(segments),
		(double)json_integer_value(json_object_get(status, "octets")) / 1048576,
		(double)json_integer_value(json_object_get(status, "limit_octets")) / 1048576);
	fprintf(out, ", %" JSON_INTEGER_FORMAT " corrupt files\n",
		json_integer_value(json_object_get(status, "corrupt_files")));
	json_array_foreach(segments, index, segment)
	{
		const char *born = json_string_value(json_object_get(segment, "born"));
		if (index == 0)
			fprintf(out, "%-20s  %10s  %-11s  segment\n", "born", "octets", "state");
		fprintf(out, "%-20s  %10" JSON_INTEGER_FORMAT "  %-11s  ",
			born != NULL ? born : "-",
			json_integer_value(json_object_get(segment, "octets")),
			json_string_value(json_object_get(segment, "state")));
		field_print(out, json_string_value(json_object_get(segment, "segment")));
		fputc('\n', out);
	}
}

static int spool_status(struct call *call)
{
	int folder;
	struct spool_listing listing;
	int code = open_folder(call, &folder, &listing);
	if (code != CTL_OK)
		return code;
	json_t *status = status_json(call, folder, &listing);
	if (call_has(call, "json")) {
		json_dumpf(status, call->out, JSON_COMPACT);
		fputc('\n', call->out);
	} else {
		print_status(call->out, status);
	}
	json_decref(status);
	spool_listing_free(&listing);
	if (folder >= 0)
		close(folder);
	return CTL_OK;
}

/* Show ------------------------------------------------------------------------------------- */

struct shown {
	const struct call *call;
	bool is_json;
	unsigned long records, damaged;
	json_t *object;
};

static void tell_field(void *owner, const char *name, const char *value)
{
	set(owner, name, text_json(value));
}

/* One line each: what one looks for a record by. */
static void print_brief(FILE *out, const struct record *record)
{
	char source[ADDR_TEXT_MAX], time[TEXT_TIME_BYTES + 1];
	text_put_time(time, record->arrival_us / US_PER_S);
	fprintf(out, "%sZ  %-15s  %-15s  ", time, addr_format(&record->source, source),
		record->status_name != NULL ? record->status_name : "?");
	field_print(out, record->line.login != NULL ? record->line.login : "-");
	fputs("  ", out);
	field_print(out, record->acct_session_id);
	fputc('\n', out);
}

static void show_record(void *owner, const uint8_t *octets, size_t size)
{
	struct shown *shown = owner;
	FILE *out = shown->call->out;
	TALLOC_CTX *ctx = mem_must(talloc_new(NULL));
	struct record record;
	if (event_decode(ctx, octets, size, &record) != 0) {
		shown->damaged++;
	} else if (shown->is_json) {
		json_t *object = mem_must(json_object());
		event_describe(&record, tell_field, object);
		fputs(shown->records++ == 0 ? "[\n" : ",\n", out);
		json_dumpf(object, out, JSON_COMPACT);
		json_decref(object);
	} else {
		if (shown->records++ == 0)
			fprintf(out, "%-20s  %-15s  %-15s  login  acct_session_id\n", "received_at",
				"source", "status");
		print_brief(out, &record);
	}
	talloc_free(ctx);
}

static void show_damage(void *owner)
{
	struct shown *shown = owner;
	shown->damaged++;
}

static int show_segment(const struct call *call, int folder, const char *name, struct shown *shown)
{
	struct segment_file file;
	int err = segment_file_look(folder, name, &file);
	if (err == ERR_NOT_FOUND && call_value(call, "SEGMENT") == NULL)
		return CTL_OK; /* it has been delivered meanwhile */
	if (err != 0)
		return call_fail(call, CTL_REFUSED, "%s: %s", name, err_text(err));
	err = spool_read_segment(&file, show_record, show_damage, shown);
	segment_file_close(&file);
	return err == 0 ? CTL_OK : call_fail(call, CTL_REFUSED, "%s: %s", name, strerror(errno));
}

static int spool_show(struct call *call)
{
	int folder;
	struct spool_listing listing;
	struct shown shown = {.call = call, .is_json = call_has(call, "json")};
	const char *name = call_value(call, "SEGMENT");
	int code = open_folder(call, &folder, &listing);
	if (code != CTL_OK)
		return code;
	if (name != NULL && strchr(name, '/') != NULL)
		code = call_fail(call, CTL_USAGE, "a segment is named without its folder");
	else if (name != NULL)
		code = folder >= 0 ? show_segment(call, folder, name, &shown)
				   : call_fail(call, CTL_REFUSED, "there is no spool");
	else
		for (size_t n = 0; n < listing.count && code == CTL_OK; n++)
			code = show_segment(call, folder, listing.names[n], &shown);
	if (shown.is_json && code == CTL_OK)
		fputs(shown.records == 0 ? "[]\n" : "\n]\n", call->out);
	spool_listing_free(&listing);
	if (folder >= 0)
		close(folder);
	if (code == CTL_OK && shown.damaged > 0)
		code = call_fail(
			call, CTL_REFUSED, "%lu pieces are damaged or unfinished", shown.damaged);
	return code;
}

const struct command spool_commands[] = {
	{
		.verb = "status",
		.options = json_options,
		.sentence = "Shows the segments in spool_directory, and how much they take up.",
		.details = "In use: a worker writes or delivers it. Left behind: of a worker that "
			   "died; any worker takes it over, within a second while the server "
			   "runs.",
		.example = "popradctl spool status",
		.run = spool_status,
	},
	{
		.verb = "show",
		.arguments = show_arguments,
		.options = json_options,
		.sentence = "Shows the records that lie there.",
		.details = "--json has all fields of each. Records that are delivered already are "
			   "shown too, until their segment is removed. Exits with 1 if something "
			   "in it is damaged, or still being written.",
		.example = "popradctl spool show --json",
		.run = spool_show,
	},
	{
		.verb = "replay",
		.sentence = "Stores what lies in the spool, while the server does not run.",
		.details = "A running server does that by itself. Waits for the database as the "
			   "server would; Ctrl-C ends it, and nothing is lost.",
		.example = "popradctl spool replay",
		.run = spool_replay,
	},
	{0},
};
