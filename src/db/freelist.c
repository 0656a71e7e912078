/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Per range two heaps, this worker's own slice and the rest, each with the longest free address on
 * top, and for each address its place in its heap. An address is stored as its distance from the
 * start of its range. */
#include "db/freelist.h"
#include "base/clock.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* Addresses of a range that can be listed: the first 2^22 of it, whose places are 16 MiB. Farther
 * ones (a range that large is rare in IPv4, the rule in IPv6) are found by the database's own
 * search alone. */
#define OFFSETS_MAX (UINT64_C(1) << 22)

/* Entries of one heap: 2 MiB. A pool that has more free addresses than that is in no need of a
 * complete list; what is left out comes back with a later scan. */
#define HEAP_MAX (1u << 17)

/* A list runs low below this many entries, or a tenth of a small range: some seconds' logins. */
#define LOW_MAX 4096

/* A range of which parts are unread is read on at once below this many entries: a storm takes that
 * many in a second, while reading is slow. */
#define UNREAD_LOW_MAX 16384

/* Pause between two whole scans of a range of which little is free: its releases come by
 * themselves, a scan finds only what other workers gave back. */
#define RESCAN_NS (2 * NS_PER_S)

/* All workers must cut a range into the same slices. */
#define SLICE_SEED UINT64_C(0x706f70726164)

/* A range is cut into sections of at most 4096 neighbouring addresses, small ones into 64 and more.
 * Each is in one worker's slice, and addresses that became free in the same second are proposed
 * section by section: their rows and index entries lie together in the database, which finds and
 * writes them at two thirds of the cost of scattered ones. Within a section the order leaps (by 64
 * in a large one), so that a batch of logins does not fill a page with new versions of its rows. */
#define SECTION_BITS_MAX 12u
#define SECTION_COUNT_BITS 6u

enum { HEAP_OWN, HEAP_OTHERS, HEAPS };

struct entry {
	int64_t freed_s; /* whole seconds: finer differences give way to the order */
	uint32_t order;  /* among those of one second */
	uint32_t offset;
};

struct heap {
	struct entry *entries;
	uint32_t count, room;
};

struct range {
	struct pool_range range;
	uint64_t size; /* listable addresses */
	unsigned section_bits;
	uint32_t *places; /* by offset: index in its heap, counted from 1; 0 = not listed */
	struct heap heaps[HEAPS];
	struct addr scanned_to; /* none = the next scan begins at the start */
	bool is_known;          /* scanned to its end once */
	bool was_worth_it;      /* the last scan found something */
	int64_t next_scan_ns;   /* not before, once it is known */
	uint64_t scan_turn;     /* the lowest is scanned first */
};

struct freelist {
	unsigned worker, workers;
	freelist_low_fn *on_low;
	void *low_owner;
	uint64_t seed;
	uint64_t scan_turns;
	struct range **ranges; /* in order of their first address */
	size_t range_count;
};

/* Heaps --------------------------------------------------------------------------------------- */

static bool is_before(const struct entry *one, const struct entry *other)
{
	if (one->freed_s != other->freed_s)
		return one->freed_s < other->freed_s;
	if (one->order != other->order)
		return one->order < other->order;
	return one->offset < other->offset;
}

static void heap_place(struct range *range, struct heap *heap, uint32_t i, struct entry entry)
{
	heap->entries[i] = entry;
	range->places[entry.offset] = i + 1;
}

/* Puts an entry where place i is vacant, and moves others until the order holds again. */
static void heap_settle(struct range *range, struct heap *heap, uint32_t i, struct entry entry)
{
	while (i > 0 && is_before(&entry, &heap->entries[(i - 1) / 2])) {
		heap_place(range, heap, i, heap->entries[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child + 1 < heap->count &&
			is_before(&heap->entries[child + 1], &heap->entries[child]))
			child++;
		if (child >= heap->count || !is_before(&heap->entries[child], &entry))
			break;
		heap_place(range, heap, i, heap->entries[child]);
		i = child;
	}
	heap_place(range, heap, i, entry);
}

static void heap_add(struct range *range, struct heap *heap, struct entry entry)
{
	if (heap->count == heap->room) {
		heap->room = heap->room ? 2 * heap->room : 64;
		heap->entries =
			mem_must(talloc_realloc(range, heap->entries, struct entry, heap->room));
	}
	heap->count++;
	heap_settle(range, heap, heap->count - 1, entry);
}

static struct entry heap_take(struct range *range, struct heap *heap, uint32_t i)
{
	struct entry taken = heap->entries[i];
	struct entry last = heap->entries[--heap->count];
	range->places[taken.offset] = 0;
	if (i < heap->count)
		heap_settle(range, heap, i, last);
	return taken;
}

/* Ranges -------------------------------------------------------------------------------------- */

/* other - one, or UINT64_MAX if it does not fit; other is not below one. */
static uint64_t distance(const struct addr *one, const struct addr *other)
{
	size_t size = one->family == 4 ? 4 : 16;
	unsigned __int128 from = 0, to = 0;
	for (size_t i = 0; i < size; i++) {
		from = (from << 8) | one->bytes[i];
		to = (to << 8) | other->bytes[i];
	}
	return to - from > UINT64_MAX ? UINT64_MAX : (uint64_t)(to - from);
}

static unsigned section_bits(uint64_t range_size)
{
	unsigned bits = 0;
	while (bits < SECTION_BITS_MAX && range_size >> (SECTION_COUNT_BITS + bits + 1) > 0)
		bits++;
	return bits;
}

static struct range *range_new(struct freelist *list, const struct pool_range *wanted)
{
	struct range *range = mem_must(talloc_zero(list, struct range));
	range->range = *wanted;
	uint64_t last = distance(&wanted->first, &wanted->last);
	range->size = last >= OFFSETS_MAX ? OFFSETS_MAX : last + 1;
	range->section_bits = section_bits(range->size);
	range->places = mem_must(talloc_zero_size(range, (size_t)range->size * sizeof(uint32_t)));
	range->scan_turn = ++list->scan_turns;
	return range;
}

static bool same_addresses(const struct range *range, const struct pool_range *other)
{
	return range->range.pool_range_id == other->pool_range_id &&
	       addr_compare(&range->range.first, &other->first) == 0 &&
	       addr_compare(&range->range.last, &other->last) == 0;
}

static int compare_ranges(const void *one, const void *other)
{
	const struct range *const *left = one, *const *right = other;
	return addr_compare(&(*left)->range.first, &(*right)->range.first);
}

/* Takes the range out of the old list, or NULL. */
static struct range *take_old(struct freelist *list, const struct pool_range *wanted)
{
	for (size_t i = 0; i < list->range_count; i++) {
		struct range *range = list->ranges[i];
		if (range && same_addresses(range, wanted)) {
			list->ranges[i] = NULL;
			range->range = *wanted; /* its pool or group may have changed */
			return range;
		}
	}
	return NULL;
}

void freelist_use_catalog(struct freelist *list, const struct catalog *catalog)
{
	size_t count;
	const struct pool_range *wanted = catalog_ranges(catalog, &count);
	struct range **ranges = mem_must(talloc_size(list, (count + 1) * sizeof *ranges));
	for (size_t i = 0; i < count; i++) {
		ranges[i] = take_old(list, &wanted[i]);
		if (!ranges[i])
			ranges[i] = range_new(list, &wanted[i]);
	}
	for (size_t i = 0; i < list->range_count; i++)
		talloc_free(list->ranges[i]);
	talloc_free(list->ranges);
	qsort(ranges, count, sizeof *ranges, compare_ranges);
	list->ranges = ranges;
	list->range_count = count;
}

/* The range that holds the address, or NULL. */
static struct range *find_range(const struct freelist *list, const struct addr *addr)
{
	size_t low = 0, high = list->range_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (addr_compare(&list->ranges[middle]->range.first, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	struct range *range = list->ranges[low - 1];
	if (range->range.first.family != addr->family || addr_compare(addr, &range->range.last) > 0)
		return NULL;
	return range;
}

static bool serves(const struct range *range, int32_t pool_id, int32_t nas_group_id)
{
	return range->range.pool_id == pool_id &&
	       (range->range.nas_group_id == 0 || range->range.nas_group_id == nas_group_id);
}

static uint32_t range_count(const struct range *range)
{
	return range->heaps[HEAP_OWN].count + range->heaps[HEAP_OTHERS].count;
}

static uint64_t tenth_or(const struct range *range, uint64_t most)
{
	return range->size / 10 < most ? range->size / 10 : most;
}

/* Unread parts of a range may hold more for this worker, whatever others have. */
static bool is_low(const struct range *range)
{
	return range->is_known ? range_count(range) <= tenth_or(range, LOW_MAX)
			       : range->heaps[HEAP_OWN].count <= tenth_or(range, UNREAD_LOW_MAX);
}

static bool wants_scan(const struct range *range, int64_t now_ns)
{
	if (!range->is_known)
		return true;
	return is_low(range) && (addr_is_set(&range->scanned_to) || now_ns >= range->next_scan_ns);
}

/* Addresses ----------------------------------------------------------------------------------- */

static uint64_t section_hash(const struct range *range, uint32_t offset, uint64_t seed)
{
	uint64_t section = offset >> range->section_bits;
	return addr_hash(&range->range.first, seed ^ section << 32);
}

/* Section by section, and in each one leap after the other. */
static uint32_t order_of(const struct range *range, uint32_t offset, uint64_t seed)
{
	unsigned bits = range->section_bits, leap_bits = bits / 2;
	uint32_t mask = (1u << bits) - 1;
	uint32_t place = (offset ^ (uint32_t)seed) & mask;
	place = (place >> leap_bits | place << (bits - leap_bits)) & mask;
	return (uint32_t)section_hash(range, offset, seed) << bits | place;
}

/* Where an address belongs; false if no range can list it. */
static bool find_place(const struct freelist *list, const struct addr *addr, struct range **range,
	struct heap **heap, uint32_t *offset)
{
	*range = find_range(list, addr);
	if (!*range)
		return false;
	uint64_t far = distance(&(*range)->range.first, addr);
	if (far >= (*range)->size)
		return false;
	*offset = (uint32_t)far;
	bool is_own = section_hash(*range, *offset, SLICE_SEED) % list->workers == list->worker;
	*heap = &(*range)->heaps[is_own ? HEAP_OWN : HEAP_OTHERS];
	return true;
}

static void list_address(struct freelist *list, const struct addr *addr, int64_t freed_s)
{
	struct range *range;
	struct heap *heap;
	uint32_t offset;
	if (!find_place(list, addr, &range, &heap, &offset) || range->places[offset] != 0 ||
		heap->count >= HEAP_MAX)
		return;
	const struct entry entry = {freed_s, order_of(range, offset, list->seed), offset};
	heap_add(range, heap, entry);
}

void freelist_remove(struct freelist *list, const struct addr *addr)
{
	struct range *range;
	struct heap *heap;
	uint32_t offset;
	if (find_place(list, addr, &range, &heap, &offset) && range->places[offset] != 0)
		heap_take(range, heap, range->places[offset] - 1);
}

void freelist_put(struct freelist *list, const struct addr *addr, int64_t freed_us)
{
	list_address(list, addr, freed_us / US_PER_S);
}

/* In front of all others: nobody else was given it, and it has waited longest. */
void freelist_put_back(struct freelist *list, const struct addr *addr)
{
	list_address(list, addr, INT64_MIN);
}

/* The range whose heap has the entry that has waited longest, or NULL. */
static struct range *find_oldest(
	const struct freelist *list, int32_t pool_id, int32_t nas_group_id, int which)
{
	struct range *oldest = NULL;
	for (size_t i = 0; i < list->range_count; i++) {
		struct range *range = list->ranges[i];
		const struct heap *heap = &range->heaps[which];
		if (heap->count > 0 && serves(range, pool_id, nas_group_id) &&
			(!oldest || is_before(&heap->entries[0], &oldest->heaps[which].entries[0])))
			oldest = range;
	}
	return oldest;
}

size_t freelist_take(struct freelist *list, int32_t pool_id, int32_t nas_group_id, size_t count,
	struct addr *candidates)
{
	size_t taken = 0;
	bool wants_more = false;
	for (int which = 0; which < HEAPS; which++) {
		struct range *range;
		while (taken < count && (range = find_oldest(list, pool_id, nas_group_id, which))) {
			struct entry entry = heap_take(range, &range->heaps[which], 0);
			if (addr_add(&range->range.first, entry.offset, &candidates[taken]) == 0)
				taken++;
			wants_more |= !range->is_known && is_low(range);
		}
	}
	if (wants_more && list->on_low)
		list->on_low(list->low_owner);
	return taken;
}

size_t freelist_count(const struct freelist *list, int32_t pool_id, int32_t nas_group_id)
{
	size_t count = 0;
	for (size_t i = 0; i < list->range_count; i++) {
		if (serves(list->ranges[i], pool_id, nas_group_id))
			count += range_count(list->ranges[i]);
	}
	return count;
}

/* Scans --------------------------------------------------------------------------------------- */

static bool is_full(const struct range *range)
{
	return range->heaps[HEAP_OWN].count >= HEAP_MAX ||
	       range->heaps[HEAP_OTHERS].count >= HEAP_MAX;
}

bool freelist_scan_next(const struct freelist *list, int32_t *pool_range_id, struct addr *after)
{
	int64_t now_ns = clock_mono_ns();
	const struct range *next = NULL;
	for (size_t i = 0; i < list->range_count; i++) {
		const struct range *range = list->ranges[i];
		if (wants_scan(range, now_ns) && (!next || range->scan_turn < next->scan_turn))
			next = range;
	}
	if (!next)
		return false;
	*pool_range_id = next->range.pool_range_id;
	*after = next->scanned_to;
	return true;
}

bool freelist_runs_low(const struct freelist *list)
{
	for (size_t i = 0; i < list->range_count; i++) {
		const struct range *range = list->ranges[i];
		bool goes_on = addr_is_set(&range->scanned_to) && range->was_worth_it;
		if (is_low(range) && (!range->is_known || goes_on))
			return true;
	}
	return false;
}

void freelist_scanned(
	struct freelist *list, int32_t pool_range_id, const struct addr *last_seen, size_t found)
{
	for (size_t i = 0; i < list->range_count; i++) {
		struct range *range = list->ranges[i];
		if (range->range.pool_range_id != pool_range_id)
			continue;
		range->scan_turn = ++list->scan_turns;
		range->was_worth_it = found > 0;
		range->scanned_to = last_seen ? *last_seen : (struct addr){0};
		bool is_at_end = !addr_is_set(&range->scanned_to);
		if (is_at_end)
			range->next_scan_ns = clock_mono_ns() + RESCAN_NS;
		/* Once there is no more room the rest can wait until the list runs low. */
		range->is_known |= is_at_end || is_full(range);
	}
}

struct freelist *freelist_new(TALLOC_CTX *ctx, unsigned worker, unsigned workers)
{
	struct freelist *list = mem_must(talloc_zero(ctx, struct freelist));
	list->worker = worker;
	list->workers = workers > 0 ? workers : 1;
	return list;
}

void freelist_use_order(struct freelist *list, uint64_t seed)
{
	list->seed = seed;
}

void freelist_on_low(struct freelist *list, freelist_low_fn *call, void *owner)
{
	list->on_low = call;
	list->low_owner = owner;
}
