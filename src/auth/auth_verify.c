/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * Compares the credential with the stored password. The verdict is judged by the next step, also
 * that there is no such subscriber: both give the same answer, and the reject delay counts from the
 * arrival, so that neither words nor time tell an unknown login from a wrong password. */
#include "auth/auth.h"
#include "auth/login.h"
#include "request/trace.h"
#include <string.h>

static void forget_passwords(struct login *login)
{
	char *stored = login->subscriber.password;
	explicit_bzero(login->credential.password, sizeof login->credential.password);
	if (stored != NULL)
		explicit_bzero(stored, strlen(stored));
}

static void say_verdict(const struct login *login)
{
	TRACE_SAY(login->request, "%s",
		login->verdict == REJECT_none ? "the password is right"
					      : reject_name(login->verdict));
}

static void hash_done(void *owner, enum reject verdict)
{
	struct login *login = owner;
	login->job = NULL;
	login->verdict = verdict;
	say_verdict(login);
	request_resume(login->request);
}

static struct step_result submit_hash(struct login *login, const struct password *password)
{
	const struct credential *credential = &login->credential;
	switch (hashpool_submit(login->request->worker->hashpool, password->text,
		credential->password, credential->password_size, hash_done, login, &login->job)) {
	case 0:
		return WAIT;
	case ERR_RANGE: /* no crypt(3) string is so long */
		login->verdict = REJECT_password_form_unknown;
		return NEXT;
	default:
		return DROP_BECAUSE(DROP_hash_queue);
	}
}

static enum reject verify(struct login *login, const struct password *password)
{
	const struct credential *credential = &login->credential;
	size_t user_size;
	const char *user;
	switch (credential->method) {
	case CREDENTIAL_PAP:
		return password_verify_pap(
			password, credential->password, credential->password_size);
	case CREDENTIAL_CHAP:
		return password_verify_chap(password, credential->response, credential->challenge,
			credential->challenge_size);
	case CREDENTIAL_MSCHAP1:
		return password_verify_mschap1(
			password, credential->challenge, credential->response, login->nt_hash);
	case CREDENTIAL_MSCHAP2:
		user = credential_mschap2_user(login->request, &user_size);
		return password_verify_mschap2(password, credential->challenge,
			credential->response, user, user_size, login->nt_hash);
	}
	return REJECT_wrong_password;
}

struct step_result auth_verify(struct request *request)
{
	struct login *login = login_of(request);
	const char *stored = login->subscriber.password;
	struct step_result result = NEXT;
	struct password password;
	if (!login->subscriber.is_found) {
		login->verdict = REJECT_unknown_subscriber;
		return NEXT;
	}
	password_classify(stored != NULL ? stored : "", &password);
	if (login->credential.method == CREDENTIAL_PAP && password_is_slow(&password))
		result = submit_hash(login, &password);
	else
		login->verdict = verify(login, &password);
	if (result.kind == STEP_NEXT)
		say_verdict(login);
	explicit_bzero(&password, sizeof password);
	forget_passwords(login);
	return result;
}
