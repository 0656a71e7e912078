-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Whether a month of history holds a session that ended lately (functions/history.sql). Sessions come in the order in which
-- they ended, so a few blocks answer it.
create index session_history_closed on poprad.session_history using brin (closed_at);
