-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Octet counters of NASes without Gigawords: 32 bits that begin again at 4 GiB. account_fold() asks when a counter
-- did not simply grow.

-- A counter that stands still or has grown, as nearly all have, needs no thought.
drop function if exists poprad.account_grows;
create function poprad.account_grows(total bigint, value bigint, is_newer boolean)
returns boolean language sql immutable as $$
	select value is null or value = total or value > total and is_newer
$$;

-- Whether the counter passed 4 GiB between what is stored and this packet. total, total_time: what the session has,
-- after how many seconds; value, value_time: what the packet says; is_newer: the packet is newer than what is stored.
-- A lower value of a newer packet, or a higher one of an older packet, is a wrap if it falls by more than half the
-- counter's range, or if the wrap needs no more than four times the session's own rate. Otherwise, and always at
-- zero, the NAS has lost its count, and the larger number stands. Beyond 2^62 nothing is added: no overflow.
drop function if exists poprad.account_wraps;
create function poprad.account_wraps(total bigint, total_time bigint, value bigint, value_time bigint,
	is_newer boolean)
returns boolean language sql immutable as $$
	select case
		when value is null or value <= 0 or value > 4294967295 or total <= 0 or total > 4611686018427387904 then false
		when is_newer then value < (total & 4294967295)
			and ((total & 4294967295) - value > 2147483648
				or coalesce(4294967296 + value - (total & 4294967295)
					<= 4.0::float8 * total / greatest(total_time, 1) * (value_time - total_time), false))
		else value > total
			and (value - total > 2147483648
				or coalesce(4294967296 + total - value
					<= 4.0::float8 * value / greatest(value_time, 1) * (total_time - value_time), false))
	end
$$;

-- Whether the NAS has lost its count: what a newer packet says is less than what is stored, and what is stored stands.
drop function if exists poprad.account_falls;
create function poprad.account_falls(total bigint, value bigint, has_gigawords boolean, new_total bigint)
returns boolean language sql immutable as $$
	select value >= 0 and value < total and new_total = total and (has_gigawords or value <> total & 4294967295)
$$;

-- The new total. A packet with Gigawords speaks for itself; one without belongs to the same turn of the counter as
-- what is stored, or to the next one if it wrapped.
drop function if exists poprad.account_total;
create function poprad.account_total(total bigint, total_time bigint, value bigint, value_time bigint,
	has_gigawords boolean, is_newer boolean)
returns bigint language sql immutable as $$
	select case
		when value is null then total
		when w.wraps and is_newer then total - (total & 4294967295) + 4294967296 + value
		when w.wraps then total + 4294967296
		when is_newer and not has_gigawords and value between total & 4294967295 and 4294967295
			and total < 4611686018427387904 then total - (total & 4294967295) + value
		else greatest(total, value)
	end
	from (select not has_gigawords and poprad.account_wraps(total, total_time, value, value_time, is_newer) as wraps) w
$$;
