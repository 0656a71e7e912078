-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- Sessions that end without their Stop: by silence (sweep.sql), or because another began in their place (account_replace.sql).
alter table poprad.nas add column interim_s int -- between its Interim-Updates; 0: it sends none; null: what it is told
	check (interim_s = 0 or interim_s between 60 and 2147483647);
alter table poprad.session add column session_timeout_s int not null default 0; -- that its Access-Accept said; 0: none
alter table poprad.session_history add column session_timeout_s int not null default 0;

-- Ports that carry one call at a time: session_circuit_types().
create index session_circuit on poprad.session (nas_id, nas_address, nas_port)
	where nas_port is not null and nas_port_type = any (array['Async', 'Sync', 'ISDN', 'ISDN-V120', 'ISDN-V110', 'PIAFS',
		'HDLC-Clear-Channel', 'X.75', 'G.3-Fax']);

insert into poprad.session_walk (name, reached) values ('sweep', '00000000-0000-0000-0000-000000000000');
