/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The lists are copied out of the document: a login's own is gone before the login ends. */
#include "db/binding.h"
#include "base/mem.h"
#include <strings.h>

const struct station_list *binding_read_stations(struct reader *reader, const char *name)
{
	const json_t *values = reader_list(reader, name, BINDING_MAX);
	size_t count = json_array_size(values);
	if (count == 0 || reader->rc != 0)
		return NULL;
	struct station_list *list = mem_must(
		talloc_zero_size(reader->ctx, sizeof *list + count * sizeof list->patterns[0]));
	for (; list->count < count; list->count++) {
		const char *text = reader_check_text(
			reader, name, json_array_get(values, list->count), STATION_TEXT_MAX);
		const char *fault;
		if (reader->rc != 0)
			return NULL;
		int err = station_pattern_parse(list, text, &list->patterns[list->count], &fault);
		if (err != 0) {
			reader_refuse(reader, err, name, "element %zu %s", list->count + 1, fault);
			return NULL;
		}
	}
	return list;
}

const struct word_list *binding_read_words(struct reader *reader, const char *name)
{
	const json_t *values = reader_list(reader, name, BINDING_MAX);
	size_t count = json_array_size(values);
	if (count == 0 || reader->rc != 0)
		return NULL;
	struct word_list *list = mem_must(
		talloc_zero_size(reader->ctx, sizeof *list + count * sizeof list->words[0]));
	for (; list->count < count; list->count++) {
		const char *text = reader_check_text(
			reader, name, json_array_get(values, list->count), NAME_MAX_SIZE);
		list->words[list->count] = mem_must(talloc_strdup(list, text));
	}
	return reader->rc == 0 ? list : NULL;
}

const char *binding_read_station(struct reader *reader, const char *name)
{
	const char *text =
		reader_check_text(reader, name, reader_field(reader, name), STATION_TEXT_MAX);
	return station_normalise(reader->ctx, text);
}

bool station_list_has(const struct station_list *list, const char *station)
{
	for (size_t n = 0; n < list->count; n++)
		if (station_pattern_fits(&list->patterns[n], station))
			return true;
	return false;
}

bool word_list_has(const struct word_list *list, const char *word)
{
	for (size_t n = 0; n < list->count; n++)
		if (strcasecmp(list->words[n], word) == 0)
			return true;
	return false;
}
