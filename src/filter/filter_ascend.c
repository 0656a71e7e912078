/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The binary filters that Ascend began and Lucent, Juniper and Nokia understand: a record for each
 * rule, in Ascend-Data-Filter. */
#include "base/mem.h"
#include "filter/filter_private.h"
#include <assert.h>
#include <string.h>

#define TYPE_IPV4 1
#define TYPE_IPV6 3
#define IPV6_RECORD 48
#define RECORD_MAX IPV6_RECORD

/* One comparison with one port a side; the records can say `not equal`. */
static const struct filter_form form = {.ports_max = 1, .has_neq = true};

/* What a port is compared by, in the record. */
static uint8_t comparison_code(const struct filter_ports *ports)
{
	switch (ports->comparison) {
	case FILTER_LT:
		return 1;
	case FILTER_EQ:
		return 2;
	case FILTER_GT:
		return 3;
	case FILTER_NEQ:
		return 4;
	case FILTER_PORTS_ALL:
	case FILTER_RANGE: /* does not come out of filter_expand for this form */
		break;
	}
	return 0;
}

static uint8_t *put_port(uint8_t *at, const struct filter_ports *ports)
{
	*at++ = (uint8_t)(ports->numbers[0] >> 8);
	*at++ = (uint8_t)ports->numbers[0];
	return at;
}

/* type, forward, in, 0 | source, destination, their bits, protocol, established, ports, comparisons
 * | zeros */
static void put_record(uint8_t record[RECORD_MAX], enum filter_direction direction,
	const struct filter_entry *entry)
{
	size_t address_octets = entry->family == 4 ? 4 : 16;
	uint8_t *at = record;

	memset(record, 0, RECORD_MAX);
	*at++ = entry->family == 4 ? TYPE_IPV4 : TYPE_IPV6;
	*at++ = entry->is_permit;
	*at++ = direction == FILTER_IN;
	at++;
	memcpy(at, entry->source.addr.bytes, address_octets);
	at += address_octets;
	memcpy(at, entry->destination.addr.bytes, address_octets);
	at += address_octets;
	*at++ = entry->source.bits;
	*at++ = entry->destination.bits;
	*at++ = entry->protocol;
	*at++ = entry->is_established;
	at = put_port(at, &entry->source_ports);
	at = put_port(at, &entry->destination_ports);
	*at++ = comparison_code(&entry->source_ports);
	*at = comparison_code(&entry->destination_ports);
}

int filter_ascend(TALLOC_CTX *ctx, const struct filter_list *lists, size_t count,
	const struct filter_pools *pools, size_t record_octets, struct filter_values *values,
	struct filter_fault *fault)
{
	TALLOC_CTX *scratch = mem_must(talloc_new(NULL));
	struct filter_entries entries;
	int err = filter_lists_check(lists, count, fault);

	assert(record_octets == FILTER_ASCEND_SHORT || record_octets == FILTER_ASCEND_LONG);
	*values = (struct filter_values){0};
	for (size_t i = 0; err == 0 && i < count; i++) {
		err = filter_expand(
			scratch, &lists[i], pools, &form, FAMILY_4 | FAMILY_6, &entries, fault);
		for (size_t k = 0; err == 0 && k < entries.count; k++) {
			const struct filter_entry *entry = &entries.entries[k];
			uint8_t record[RECORD_MAX];

			put_record(record, lists[i].direction, entry);
			filter_values_add(ctx, values, record,
				entry->family == 4 ? record_octets : IPV6_RECORD, VENDOR_HEADER);
		}
	}
	talloc_free(scratch);
	return err;
}
