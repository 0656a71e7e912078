/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "base/zone.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
#define PAST_S (366 * (int64_t)DAY_S)
#define FUTURE_S (3653 * (int64_t)DAY_S)

/* Two a year in most places that have any, four in some. */
#define CHANGES_MAX 64

struct change {
	int64_t at_s;
	int32_t offset_s; /* from then on */
};

struct zone {
	int32_t first_offset_s; /* before the first change */
	unsigned count;
	struct change changes[CHANGES_MAX];
};

/* The C library takes an unknown name for UTC, without a word. */
static bool is_known(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-/";
	const char *directory = getenv("TZDIR");
	char path[4096], magic[4] = "";
	size_t size = strlen(name);
	if (size == 0 || size > ZONE_NAME_MAX || strspn(name, letters) != size || name[0] == '/')
		return false;
	int length = snprintf(path, sizeof path, "%s/%s",
		directory != NULL ? directory : "/usr/share/zoneinfo", name);
	FILE *file = (size_t)length < sizeof path ? fopen(path, "re") : NULL;
	if (file == NULL)
		return false;
	bool is_zone = fread(magic, 1, sizeof magic, file) == sizeof magic &&
		       memcmp(magic, "TZif", 4) == 0;
	fclose(file);
	return is_zone;
}

static int32_t ask(int64_t at_s)
{
	struct tm local;
	time_t at = (time_t)at_s;
	return localtime_r(&at, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

/* The offset changes behind from_s, at to_s at the latest. */
static int64_t find_change(int64_t from_s, int64_t to_s)
{
	int32_t offset_s = ask(from_s);
	while (to_s - from_s > 1) {
		int64_t middle_s = from_s + (to_s - from_s) / 2;
		if (ask(middle_s) == offset_s)
			from_s = middle_s;
		else
			to_s = middle_s;
	}
	return to_s;
}

/* No zone leaves an offset and comes back to it within a day. */
static void probe(struct zone *zone, int64_t now_s)
{
	int64_t from_s = now_s - PAST_S;
	int32_t offset_s = zone->first_offset_s = ask(from_s);
	for (; from_s < now_s + FUTURE_S && zone->count < CHANGES_MAX; from_s += DAY_S) {
		int32_t next_s = ask(from_s + DAY_S);
		if (next_s == offset_s)
			continue;
		zone->changes[zone->count++] =
			(struct change){find_change(from_s, from_s + DAY_S), next_s};
		offset_s = next_s;
	}
}

static void use(const char *rule)
{
	if (rule != NULL)
		setenv("TZ", rule, 1);
	else
		unsetenv("TZ");
	tzset();
}

struct zone *zone_load(TALLOC_CTX *ctx, const char *name, int64_t now_s)
{
	bool is_utc = strcmp(name, "UTC") == 0;
	if (!is_utc && !is_known(name))
		return NULL;
	struct zone *zone = mem_must(talloc_zero(ctx, struct zone));
	if (is_utc)
		return zone;
	const char *present = getenv("TZ");
	char *before = present != NULL ? mem_must(talloc_strdup(zone, present)) : NULL;
	/* The colon: a file, no rule in the name itself (POSIX.1-2017 section 8.3). */
	char *rule = mem_must(talloc_asprintf(zone, ":%s", name));
	use(rule);
	probe(zone, now_s);
	use(before);
	talloc_free(rule);
	talloc_free(before);
	return zone;
}

/* More names than tzdata has; what comes behind them replaces the last one. */
#define KEPT_MAX 2048

static struct kept {
	char name[ZONE_NAME_MAX + 1];
	struct zone *zone;
	int64_t loaded_s;
} * kept_zones;
static size_t kept_count;

static struct kept *find_kept(const char *name)
{
	for (size_t n = 0; n < kept_count; n++)
		if (strcmp(kept_zones[n].name, name) == 0)
			return &kept_zones[n];
	return NULL;
}

static struct kept *add_kept(const char *name)
{
	if (kept_count < KEPT_MAX) {
		kept_zones = mem_must(
			talloc_realloc(NULL, kept_zones, struct kept, (unsigned)kept_count + 1));
		kept_zones[kept_count++] = (struct kept){.zone = NULL};
	}
	struct kept *kept = &kept_zones[kept_count - 1];
	talloc_free(kept->zone);
	strcpy(kept->name, name);
	return kept;
}

const struct zone *zone_find(const char *name, int64_t now_s)
{
	struct kept *kept = find_kept(name);
	if (kept != NULL && now_s >= kept->loaded_s && now_s - kept->loaded_s < DAY_S)
		return kept->zone;
	struct zone *zone = zone_load(NULL, name, now_s);
	if (zone == NULL)
		return kept != NULL ? kept->zone : NULL;
	if (kept == NULL)
		kept = add_kept(name);
	else
		talloc_free(kept->zone);
	kept->zone = zone;
	kept->loaded_s = now_s;
	return zone;
}

int32_t zone_offset_s(const struct zone *zone, int64_t at_s, int64_t *until_s)
{
	int32_t offset_s = zone->first_offset_s;
	unsigned n = 0;
	for (; n < zone->count && zone->changes[n].at_s <= at_s; n++)
		offset_s = zone->changes[n].offset_s;
	*until_s = n < zone->count ? zone->changes[n].at_s : INT64_MAX;
	return offset_s;
}
