-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- An access server's sessions in the order of their keys, so that a walk over many of them goes on where it was.

create index session_nas on poprad.session (nas_id, session_key);
drop index poprad.session_device;
