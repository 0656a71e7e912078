-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Login attempts: the daemon stores them and keeps their days; the operator reads them.

grant execute on function
	poprad.auth_attempt_store(timestamptz[], text[], int[], int[], inet[], bigint[], text[], text[], text[], text[],
		text[], inet[], text[], int[], int[], text[]),
	poprad.auth_attempt_days(bigint[])
to poprad_server;

grant execute on function
	poprad.why(text, text, int),
	poprad.why_attempts(text, text, int),
	poprad.why_dropped(text),
	poprad.why_imposed(int),
	poprad.why_last_session(int),
	poprad.why_sessions(int),
	poprad.why_subscriber(text),
	poprad.similar_logins(text)
to poprad_operator;
