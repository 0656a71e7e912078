-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Why did this login fail? Each login attempt leaves one row here, without any password. A partition for each day (UTC),
-- made ahead and dropped after its time by auth_attempt_days(). What a reason means is not stored with each row:
-- popradctl why knows it.

create table poprad.auth_attempt (
	attempted_at timestamptz not null, -- when the packet arrived, by the server's clock
	nas_port bigint,
	subscriber_id int, -- null: none was found, or none was looked for
	nas_id int, -- null: the source is no NAS's
	duration_us int not null, -- from the packet's arrival until its answer was ready, or until it was dropped
	login text collate "C" not null, -- as subscribers have it, cut at 256 octets; '': nothing in the packet could be believed
	nas_address inet not null,
	nas_port_id text,
	calling_station_id text,
	method text, -- pap, chap, mschap1, mschap2; null: none
	result text not null, -- accept, reject, drop
	reason text, -- of a reject or a drop, by its name in poprad(8)
	address inet, -- that was leased
	sent text -- the other attributes of the answer, without secrets
) partition by range (attempted_at);

-- The one index, which is what `popradctl why LOGIN` needs: each more would cost every login.
create index auth_attempt_login on poprad.auth_attempt (login, attempted_at);
