-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- The rows of FreeRADIUS's table radacct, as they came, until the import is over.
create unlogged table poprad.import_radacct (
	place bigint generated always as identity primary key, radacctid text, acctsessionid text, acctuniqueid text, username text,
	nasipaddress text, nasportid text, nasporttype text, acctstarttime text, acctupdatetime text, acctstoptime text, acctsessiontime text,
	acctauthentic text, connectinfo_start text, connectinfo_stop text, acctinputoctets text, acctoutputoctets text, calledstationid text,
	callingstationid text, acctterminatecause text, servicetype text, framedprotocol text, framedipaddress text, framedipv6address text,
	framedipv6prefix text, framedinterfaceid text, delegatedipv6prefix text, class text);
