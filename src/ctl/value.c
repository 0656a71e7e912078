/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Checks of the values on popradctl's command line, one function per type. What passes here is safe
 * to store: bounded, valid UTF-8, without control characters. */
#include "auth/password.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/zone.h"
#include "ctl/ctl.h"
#include "ctl/filter_rules.h"
#include "ctl/value.h"
#include "db/catalog.h"
#include "radius/pap.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX INT32_MAX /* the columns are int */
#define CURSOR_DIGITS_MAX 18  /* fits a bigint */

struct check {
	TALLOC_CTX *ctx;
	const struct parameter *parameter;
	const char *normal;
	const char *why;
};

/* C0, DEL and C1 (in UTF-8: C2 80..9F): they move a terminal's cursor and hide in a name. */
static bool has_control(const char *text)
{
	const unsigned char *octet = (const unsigned char *)text;

	for (; *octet; octet++) {
		if (*octet < 0x20 || *octet == 0x7f)
			return true;
		if (octet[0] == 0xc2 && octet[1] >= 0x80 && octet[1] <= 0x9f)
			return true;
	}
	return false;
}

const char *text_fault(const char *text, size_t max_octets)
{
	size_t size = strlen(text);

	if (size == 0)
		return "is empty";
	if (size > max_octets)
		return "is too long";
	if (!text_is_clean((const uint8_t *)text, size))
		return "is not valid UTF-8";
	if (has_control(text))
		return "has control characters";
	return NULL;
}

const char *login_normalise(char *login)
{
	const char *fault = text_fault(login, VALUE_TEXT_MAX);
	char *at = strrchr(login, '@');

	if (fault != NULL)
		return fault;
	/* The server looks logins up as text_clean writes them. */
	for (const char *rest = login; (rest = strchr(rest, '\\')) != NULL; rest++)
		if (text_begins_escape((const uint8_t *)rest, strlen(rest)))
			return "has a \\x with two hex digits, which stands for an octet that is "
			       "no text";
	if (strchr(login, ' ') != NULL)
		return "has a space";
	if (at == login)
		return "has nothing before the @";
	if (at != NULL && at[1] == '\0')
		return "has no realm behind the @";
	if (at != NULL)
		text_lower(at + 1);
	return NULL;
}

const char *password_fault(const char *password)
{
	const char *fault = text_fault(password, VALUE_PASSWORD_MAX);
	struct password classified;

	if (fault != NULL)
		return fault;
	password_classify(password, &classified);
	if (classified.form == PASSWORD_UNKNOWN)
		return "begins like a hash but is none that is known; a cleartext password that "
		       "begins with { or $ is written {clear}PASSWORD";
	if (classified.form == PASSWORD_CLEAR && classified.size > PAP_PASSWORD_MAX)
		return "is longer than the 128 octets that a NAS can send";
	return NULL;
}

static int fault(struct check *check, int code, const char *why)
{
	check->why = why;
	return code;
}

static int check_name(struct check *check, const char *text)
{
	const char *why = text_fault(text, VALUE_NAME_MAX);

	if (why != NULL)
		return fault(check, CTL_USAGE, why);
	if (text[strspn(text, FILTER_NAME_OCTETS)] != '\0')
		return fault(check, CTL_USAGE,
			"has a character other than letters, digits and . _ - + :");
	if (text[0] == '-')
		return fault(check, CTL_USAGE, "begins with a hyphen");
	return CTL_OK;
}

static int check_realm(struct check *check, const char *text)
{
	char *realm = mem_must(talloc_strdup(check->ctx, text));
	const char *why = text_fault(text, VALUE_TEXT_MAX);

	if (why != NULL)
		return fault(check, CTL_USAGE, why);
	if (strpbrk(text, "@ \\") != NULL)
		return fault(check, CTL_USAGE, "has an @, a space or a backslash");
	text_lower(realm);
	check->normal = realm;
	return CTL_OK;
}

static int check_login(struct check *check, const char *text)
{
	char *login = mem_must(talloc_strdup(check->ctx, text));
	const char *why = login_normalise(login);

	if (why != NULL)
		return fault(check, CTL_USAGE, why);
	check->normal = login;
	return CTL_OK;
}

static int check_number(struct check *check, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	char *end;
	long number;

	if (digits == 0 || text[digits] != '\0')
		return fault(check, CTL_USAGE, "is not a whole number (0 or more)");
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || number > INT32_MAX)
		return fault(check, CTL_USAGE, "is larger than 2147483647");
	check->normal = mem_must(talloc_asprintf(check->ctx, "%ld", number));
	return CTL_OK;
}

static int check_duration(struct check *check, const char *text, int64_t unit_ms)
{
	int64_t ms;

	if (!text_parse_duration_ms(text, &ms))
		return fault(check, CTL_USAGE, "is not a duration such as 8h, 15m, 90s or 45");
	if (ms % unit_ms != 0)
		return fault(check, CTL_USAGE, "is not a whole number of seconds");
	if (ms / unit_ms > SECONDS_MAX)
		return fault(check, CTL_USAGE, "is too long");
	check->normal = mem_must(talloc_asprintf(check->ctx, "%" PRId64, ms / unit_ms));
	return CTL_OK;
}

static int check_choice(struct check *check, const char *text)
{
	const char *choice = check->parameter->form;
	size_t size = strlen(text);

	while (choice != NULL) {
		const char *end = strchrnul(choice, '|');

		if (size > 0 && size == (size_t)(end - choice) && memcmp(choice, text, size) == 0)
			return CTL_OK;
		choice = *end == '|' ? end + 1 : NULL;
	}
	return fault(check, CTL_USAGE,
		mem_must(talloc_asprintf(check->ctx, "is not one of %s", check->parameter->form)));
}

static int check_kind(struct check *check, const char *text)
{
	char *kinds = NULL;

	if (nas_kind_find(text) != NULL)
		return CTL_OK;
	for (size_t i = 0; nas_kind_at(i) != NULL; i++)
		kinds = mem_must(kinds == NULL ? talloc_strdup(check->ctx, nas_kind_at(i)->name)
					       : talloc_asprintf_append(
							 kinds, ", %s", nas_kind_at(i)->name));
	return fault(check, CTL_USAGE,
		mem_must(talloc_asprintf(
			check->ctx, "is not a kind of NAS; the kinds are %s", kinds)));
}

static int check_address(struct check *check, const char *text)
{
	char shown[ADDR_TEXT_MAX];
	struct addr addr;

	if (addr_parse(text, &addr) != 0)
		return fault(check, CTL_USAGE, "is not an IPv4 or IPv6 address");
	check->normal = mem_must(talloc_strdup(check->ctx, addr_format(&addr, shown)));
	return CTL_OK;
}

/* RFC 1123 section 2.1; whether there is such a host is the access server's to find out. */
static int check_host(struct check *check, const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t size = strlen(text);
	struct addr addr;

	if (addr_parse(text, &addr) == 0)
		return check_address(check, text);
	if (size > VALUE_HOST_MAX)
		return fault(check, CTL_USAGE, "is too long");
	if (size == 0 || strspn(text, "0123456789.") == size || strchr(letters, text[0]) == NULL ||
		strchr(letters, text[size - 1]) == NULL)
		return fault(check, CTL_USAGE, "is neither an address nor a host name");
	for (size_t n = 0; n < size; n++)
		if (strchr(letters, text[n]) == NULL && text[n] != '-' && text[n] != '.')
			return fault(check, CTL_USAGE, "is neither an address nor a host name");
	return CTL_OK;
}

static int check_prefix(struct check *check, const char *text)
{
	char shown[ADDR_TEXT_MAX];
	struct prefix prefix;
	int err = prefix_parse(text, &prefix);

	if (err == ERR_RANGE)
		return fault(check, CTL_REFUSED,
			mem_must(talloc_asprintf(check->ctx,
				"does not begin on a boundary of its length; did you mean %s?",
				prefix_format(&prefix, shown))));
	if (err != 0)
		return fault(
			check, CTL_USAGE, "is not a network such as 192.0.2.0/24 or 2001:db8::/64");
	check->normal = mem_must(talloc_strdup(check->ctx, prefix_format(&prefix, shown)));
	return CTL_OK;
}

static int check_zone(struct check *check, const char *text)
{
	if (zone_load(check->ctx, text, clock_wall_us() / US_PER_S) != NULL)
		return CTL_OK;
	return fault(check, CTL_USAGE,
		"is no time zone that this machine knows (see /usr/share/zoneinfo, or timedatectl "
		"list-timezones)");
}

/* Years of four digits: partitions are named by them. */
static int check_month(struct check *check, const char *text)
{
	bool is_month = strlen(text) == 7 && strspn(text, "0123456789") == 4 && text[4] == '-' &&
			strspn(text + 5, "0123456789") == 2 && strcmp(text + 5, "00") > 0 &&
			strcmp(text + 5, "12") <= 0 && strcmp(text, "0001") > 0;

	check->normal = mem_must(talloc_asprintf(check->ctx, "%s-01", text));
	return is_month ? CTL_OK : fault(check, CTL_USAGE, "is no month such as 2026-10");
}

static int check_cursor(struct check *check, const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= CURSOR_DIGITS_MAX && strspn(text, "0123456789") == size
		       ? CTL_OK
		       : fault(check, CTL_USAGE, "is no change number");
}

/* Never a floating-point number: the digits are the database's. */
static int check_price(struct check *check, const char *text)
{
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
	bool is_price = whole >= 1 && whole <= 9 && fraction <= 6 &&
			(*rest == '\0' || (fraction > 0 && rest[fraction + 1] == '\0'));

	return is_price ? CTL_OK
			: fault(check, CTL_USAGE,
				  "is no price such as 1.20 (up to 6 digits behind the point)");
}

bool text_is_key(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	return true;
}

/* As traffic is sold: k, M, G and T are powers of 1000. */
static int check_volume(struct check *check, const char *text)
{
	static const char units[] = "kMGT";
	unsigned long long octets, factor = 1;
	const char *unit;
	char *end;

	errno = 0;
	octets = strtoull(text, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (text[0] < '0' || text[0] > '9' || (*end != '\0' && (unit == NULL || end[1] != '\0')))
		return fault(check, CTL_USAGE, "is no number of octets: 500M, 5G (k, M, G or T)");
	for (const char *at = units; unit != NULL && at <= unit; at++)
		factor *= 1000;
	if (errno == ERANGE || octets > INT64_MAX / factor)
		return fault(check, CTL_USAGE, "is larger than anybody can use");
	check->normal = mem_must(talloc_asprintf(check->ctx, "%llu", octets * factor));
	return CTL_OK;
}

static int check_line(struct check *check, const char *why)
{
	return why == NULL ? CTL_OK : fault(check, CTL_USAGE, why);
}

static int check_by_type(struct check *check, const char *text)
{
	switch (check->parameter->type) {
	case VALUE_FLAG:
		return CTL_OK;
	case VALUE_TEXT:
	case VALUE_SECRET:
		return check_line(check, text_fault(text, VALUE_TEXT_MAX));
	case VALUE_NAME:
		return check_name(check, text);
	case VALUE_REALM:
		return check_realm(check, text);
	case VALUE_LOGIN:
		return check_login(check, text);
	case VALUE_PASSWORD:
		return check_line(check, password_fault(text));
	case VALUE_NUMBER:
		return check_number(check, text);
	case VALUE_SECONDS:
		return check_duration(check, text, 1000);
	case VALUE_MILLISECONDS:
		return check_duration(check, text, 1);
	case VALUE_VOLUME:
		return check_volume(check, text);
	case VALUE_CHOICE:
		return check_choice(check, text);
	case VALUE_KIND:
		return check_kind(check, text);
	case VALUE_ADDRESS:
		return check_address(check, text);
	case VALUE_HOST:
		return check_host(check, text);
	case VALUE_PREFIX:
		return check_prefix(check, text);
	case VALUE_KEY:
		return text_is_key(text)
			       ? CTL_OK
			       : fault(check, CTL_USAGE,
					 "is not a session key (see popradctl session list)");
	case VALUE_RULE:
		return check_line(check, filter_rule_fault(check->ctx, text, &check->normal));
	case VALUE_ZONE:
		return check_zone(check, text);
	case VALUE_MONTH:
		return check_month(check, text);
	case VALUE_CURSOR:
		return check_cursor(check, text);
	case VALUE_PRICE:
		return check_price(check, text);
	case VALUE_FILE:
		return check_line(check, text_fault(text, PATH_MAX - 1));
	}
	return fault(check, CTL_USAGE, "is of no known type");
}

int value_check(TALLOC_CTX *ctx, const struct parameter *parameter, const char *text,
	const char **normal, const char **why)
{
	struct check check = {.ctx = ctx, .parameter = parameter, .normal = text};
	bool is_none = parameter->takes_none && strcmp(text, "none") == 0;
	int code = is_none ? CTL_OK : check_by_type(&check, text);

	*normal = check.normal;
	*why = check.why;
	return code;
}
