/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Finds the one credential of an Access-Request and checks its form, before the database is asked
 * for anything. */
#include "auth/login.h"
#include "radius/chap.h"
#include "radius/pap.h"
#include <string.h>

const char *credential_method_name(enum credential_method method)
{
	static const char *const names[] = {
		[CREDENTIAL_PAP] = "pap",
		[CREDENTIAL_CHAP] = "chap",
		[CREDENTIAL_MSCHAP1] = "mschap1",
		[CREDENTIAL_MSCHAP2] = "mschap2",
	};
	return names[method];
}

static const uint8_t *authenticator_of(const struct request *request)
{
	return request->packet + RADIUS_HEADER_SIZE - RADIUS_AUTHENTICATOR_SIZE;
}

static enum reject read_pap(
	const struct request *request, const struct attr *attr, struct credential *credential)
{
	credential->method = CREDENTIAL_PAP;
	if (pap_reveal(attr->value, attr->size, authenticator_of(request), request->nas->secret,
		    request->nas->secret_size, credential->password,
		    &credential->password_size) != 0)
		return REJECT_bad_password_attribute;
	return REJECT_none;
}

static enum reject read_chap(
	const struct request *request, const struct attr *attr, struct credential *credential)
{
	const struct attr *challenge = attrs_find(request->attrs, 0, ATTR_CHAP_CHALLENGE);
	credential->method = CREDENTIAL_CHAP;
	credential->response = attr->value;
	/* RFC 2865 section 5.3: without CHAP-Challenge the authenticator is the challenge. */
	credential->challenge = challenge != NULL ? challenge->value : authenticator_of(request);
	credential->challenge_size =
		challenge != NULL ? challenge->size : RADIUS_AUTHENTICATOR_SIZE;
	bool is_sound = attr->size == CHAP_PASSWORD_SIZE && credential->challenge_size > 0;
	return is_sound ? REJECT_none : REJECT_bad_password_attribute;
}

static enum reject read_mschap(const struct request *request, const struct attr *attr,
	enum credential_method method, struct credential *credential)
{
	const struct attr *challenge =
		attrs_find(request->attrs, VENDOR_MICROSOFT, MS_CHAP_CHALLENGE);
	size_t challenge_size =
		method == CREDENTIAL_MSCHAP1 ? MSCHAP1_CHALLENGE_SIZE : MSCHAP2_CHALLENGE_SIZE;
	credential->method = method;
	if (attr->size != MSCHAP_RESPONSE_SIZE || challenge == NULL ||
		challenge->size != challenge_size)
		return REJECT_bad_password_attribute;
	credential->response = attr->value;
	credential->challenge = challenge->value;
	credential->challenge_size = challenge_size;
	return REJECT_none;
}

enum reject credential_read(const struct request *request, struct credential *credential)
{
	const struct attrs *attrs = request->attrs;
	const struct attr *attr;
	if (attrs_find(attrs, 0, ATTR_EAP_MESSAGE) != NULL)
		return REJECT_eap_unsupported;
	credential->is_given = true;
	if ((attr = attrs_find(attrs, 0, ATTR_USER_PASSWORD)) != NULL)
		return read_pap(request, attr, credential);
	if ((attr = attrs_find(attrs, 0, ATTR_CHAP_PASSWORD)) != NULL)
		return read_chap(request, attr, credential);
	if ((attr = attrs_find(attrs, VENDOR_MICROSOFT, MS_CHAP2_RESPONSE)) != NULL)
		return read_mschap(request, attr, CREDENTIAL_MSCHAP2, credential);
	if ((attr = attrs_find(attrs, VENDOR_MICROSOFT, MS_CHAP_RESPONSE)) != NULL)
		return read_mschap(request, attr, CREDENTIAL_MSCHAP1, credential);
	credential->is_given = false;
	return REJECT_no_credential;
}

/* RFC 2759 section 8.2: the user name as the peer sent it, without a Windows domain before it. */
const char *credential_mschap2_user(const struct request *request, size_t *size)
{
	const struct attr *attr = attrs_find(request->attrs, 0, ATTR_USER_NAME);
	const uint8_t *backslash = memrchr(attr->value, '\\', attr->size);
	const uint8_t *user = backslash != NULL ? backslash + 1 : attr->value;
	*size = (size_t)(attr->value + attr->size - user);
	return (const char *)user;
}
