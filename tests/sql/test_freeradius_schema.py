# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The schema radius: FreeRADIUS 3.2's tables as views, as tools read and write them."""

import psycopg2.errors
import pytest

from support.accounting import START, STOP, account, authorise, packet, provider, rows, value
from support.login import Network

COLUMNS = {
    "radcheck": "id username attribute op value", "radreply": "id username attribute op value",
    "radgroupcheck": "id groupname attribute op value", "radgroupreply": "id groupname attribute op value",
    "radusergroup": "id username groupname priority",
    "radpostauth": "id username pass reply calledstationid callingstationid authdate class",
    "nas": "id nasname shortname type ports secret server community description",
    "radippool": "id pool_name framedipaddress nasipaddress pool_key calledstationid callingstationid expiry_time username"}


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def tool(database):
    """What a tool may, with the rows of a result as lists."""
    cursor = database.connect("poprad_tools").cursor()

    def run(query, *values):
        cursor.execute(query, values)
        return [list(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount
    return run


def checks(tool, login):
    return tool("select attribute, op, value from radius.radcheck where username = %s order by id", login)


def replies(tool, login):
    return tool("select attribute, op, value from radius.radreply where username = %s order by id", login)


def put(tool, table, owner, *row):
    return tool(f"insert into radius.{table} ({'groupname' if 'group' in table else 'username'}, attribute, op, value) "
                "values (%s, %s, %s, %s)", owner, *row)


@pytest.mark.parametrize("view", COLUMNS)
def test_columns(tool, view):
    assert [name for name, in tool("select column_name::text from information_schema.columns where table_schema = 'radius' "
                                   "and table_name = %s order by ordinal_position", view)] == COLUMNS[view].split()


def test_a_user_is_entered_changed_and_removed(tool, network):
    """In the order of most tools; the subscriber is the one that logins find."""
    assert put(tool, "radcheck", "line-1@ISP.Example", "Cleartext-Password", ":=", "$ecret") == 1
    assert network.one("select login || ' ' || password from poprad.subscriber") == "line-1@isp.example {clear}$ecret"
    login = "line-1@isp.example"
    network.run("insert into poprad.plan (name) values ('gold')")
    assert tool("select groupname from radius.radusergroup where username = %s", login) == [["default"]]
    tool("insert into radius.radusergroup (username, groupname, priority) values (%s, 'gold', 1)", login)
    for row in (("Simultaneous-Use", ":=", "2"), ("Expiration", ":=", "31 Jan 2027 12:00:00"), ("Auth-Type", ":=", "Reject"),
                ("Calling-Station-Id", "==", "02555*"), ("Calling-Station-Id", "==", "0256")):
        put(tool, "radcheck", login, *row)
    assert checks(tool, login) == [
        ["Cleartext-Password", ":=", "$ecret"], ["Expiration", ":=", "31 Jan 2027 12:00:00"], ["Auth-Type", ":=", "Reject"],
        ["Simultaneous-Use", ":=", "2"], ["Calling-Station-Id", "==", "02555*"], ["Calling-Station-Id", "==", "0256"]]
    assert network.one("select row(status, expires_at at time zone 'UTC', session_limit, calling_stations)::text from poprad.subscriber "
                       "join poprad.subscriber_policy using (subscriber_id)") == '(suspended,"2027-01-31 12:00:00",2,"{02555*,0256}")'
    assert tool("update radius.radcheck set value = 'new' where username = %s and attribute = 'Cleartext-Password'", login) == 1
    assert tool("update radius.radcheck set attribute = 'NT-Password', value = '0x8846F7EAEE8FB117AD06BDD830B7586C' "
                "where username = %s and attribute like '%%-Password'", login) == 1
    assert network.one("select password from poprad.subscriber") == "{nt}8846f7eaee8fb117ad06bdd830b7586c"
    tool("delete from radius.radcheck where username = %s and attribute <> 'NT-Password'", login)
    assert checks(tool, login) == [["NT-Password", ":=", "8846f7eaee8fb117ad06bdd830b7586c"]]
    assert network.one("select row(status, expires_at, has_policy)::text from poprad.subscriber") == "(active,,f)"
    tool("delete from radius.radcheck where username = %s", login)
    assert network.one("select password from poprad.subscriber") == "{none}"
    tool("delete from radius.radreply where username = %s", login)
    tool("delete from radius.radusergroup where username = %s", login)
    assert network.one("select count(*) from poprad.subscriber") == 0


def test_a_user_gets_another_name_and_another_form_of_password(tool, network):
    """He stays the same subscriber: his sessions and what he used are his."""
    for row in ("Cleartext-Password", ":=", "secret"), ("Simultaneous-Use", ":=", "2"):
        put(tool, "radcheck", "one", *row)
    before = network.one("select subscriber_id from poprad.subscriber")
    tool("update radius.radcheck set attribute = 'Crypt-Password', value = '$6$salt$hash' where attribute = 'Cleartext-Password'")
    assert tool("update radius.radcheck set username = 'two@isp.example' where username = 'one'") == 2
    assert tool("update radius.radreply set username = 'two@isp.example' where username = 'one'") == 0
    assert network.one("select row(subscriber_id, login, password)::text from poprad.subscriber") == (
        f"({before},two@isp.example,$6$salt$hash)")
    assert [row[0] for row in checks(tool, "two@isp.example")] == ["Crypt-Password", "Simultaneous-Use"]
    put(tool, "radcheck", "one", "Cleartext-Password", ":=", "secret")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        tool("update radius.radusergroup set username = 'one' where username = 'two@isp.example'")


def test_in_the_other_order(tool, network):
    network.run("insert into poprad.plan (name) values ('gold')")
    tool("insert into radius.radusergroup (username, groupname) values ('line-1', 'gold')")
    put(tool, "radreply", "line-1", "Session-Timeout", ":=", "60")
    assert checks(tool, "line-1") == [], "nobody logs in without a password"
    put(tool, "radcheck", "line-1", "Crypt-Password", ":=", "$6$salt$hash")
    assert checks(tool, "line-1") == [["Crypt-Password", ":=", "$6$salt$hash"]]


@pytest.mark.parametrize("attribute, given, stored, shown", [
    ("Cleartext-Password", "secret", "secret", ["Cleartext-Password", ":=", "secret"]),
    ("User-Password", "{odd", "{clear}{odd", ["Cleartext-Password", ":=", "{odd"]),
    ("SSHA-Password", "AAAA", "{SSHA}AAAA", ["Password-With-Header", ":=", "{SSHA}AAAA"]),
    ("SHA2-256-Password", "AAAA", "{SHA256}AAAA", ["Password-With-Header", ":=", "{SHA256}AAAA"]),
    ("Password-With-Header", "{ssha}AAAA", "{ssha}AAAA", ["Password-With-Header", ":=", "{ssha}AAAA"])])
def test_forms_of_passwords(tool, network, attribute, given, stored, shown):
    put(tool, "radcheck", "one", attribute, ":=", given)
    assert network.one("select password from poprad.subscriber") == stored
    assert checks(tool, "one") == [shown]


def test_replies_with_a_column_and_without(tool, network):
    put(tool, "radcheck", "one", "Cleartext-Password", ":=", "secret")
    for row in (("Session-Timeout", ":=", "3600"), ("Framed-IP-Address", "=", "10.0.8.77"), ("Framed-IPv6-Prefix", "=", "2001:db8:7::/64"),
                ("Cisco-AVPair", "+=", "ip:inacl#1=permit ip any any"), ("Cisco-AVPair", "+=", 'ip:addr-pool="x"'),
                ("WISPr-Redirection-URL", ":=", "http://example.net/?a=b"), ("Port-Limit", "=", "1")):
        put(tool, "radreply", "one", *row)
    assert network.one("select row(host(static_address), framed_ipv6_prefix)::text from poprad.subscriber") == "(10.0.8.77,2001:db8:7::/64)"
    assert network.one("select attributes from poprad.subscriber") == [
        "Cisco-AVPair = ip:inacl#1=permit ip any any", 'Cisco-AVPair = ip:addr-pool="x"',
        "WISPr-Redirection-URL = http://example.net/?a=b", "Port-Limit = 1"]
    assert replies(tool, "one") == [
        ["Session-Timeout", ":=", "3600"], ["Framed-IP-Address", ":=", "10.0.8.77"], ["Framed-IPv6-Prefix", ":=", "2001:db8:7::/64"],
        ["Cisco-AVPair", "+=", "ip:inacl#1=permit ip any any"], ["Cisco-AVPair", "+=", 'ip:addr-pool="x"'],
        ["WISPr-Redirection-URL", "+=", "http://example.net/?a=b"], ["Port-Limit", "+=", "1"]]
    assert len({one for one, in tool("select id from radius.radreply")}) == 7
    tool("update radius.radreply set value = '2' where username = 'one' and attribute = 'Port-Limit'")
    tool("update radius.radreply set value = '60' where username = 'one' and attribute = 'Session-Timeout'")
    put(tool, "radreply", "one", "WISPr-Redirection-URL", ":=", "http://example.com/")
    tool("delete from radius.radreply where username = 'one' and attribute in ('Cisco-AVPair', 'Framed-IP-Address')")
    assert replies(tool, "one") == [
        ["Session-Timeout", ":=", "60"], ["Framed-IPv6-Prefix", ":=", "2001:db8:7::/64"], ["Port-Limit", "+=", "2"],
        ["WISPr-Redirection-URL", "+=", "http://example.com/"]]
    tool("delete from radius.radreply where username = 'one'")
    assert network.one("select row(static_address, framed_ipv6_prefix, attributes, has_policy)::text from poprad.subscriber") == "(,,{},f)"


def test_groups_are_plans(tool, network):
    network.run("insert into poprad.pool (name) values ('west')")
    for table, row in (("radgroupcheck", ("Simultaneous-Use", ":=", "1")), ("radgroupcheck", ("Pool-Name", ":=", "west")),
                       ("radgroupreply", ("Idle-Timeout", ":=", "900")), ("radgroupreply", ("Framed-MTU", ":=", "1492")),
                       ("radgroupreply", ("Framed-Route", "+=", "192.0.2.0/24 0.0.0.0 1")), ("radgroupreply", ("Framed-MTU", ":=", "1480"))):
        put(tool, table, "gold", *row)
    assert network.one("select row(session_limit, idle_timeout_s, o.name, attributes)::text from poprad.plan p join poprad.pool o "
                       "using (pool_id) where p.name = 'gold'") == '(1,900,west,"{""Framed-Route = 192.0.2.0/24 0.0.0.0 1"",""Framed-MTU = 1480""}")'
    assert tool("select attribute, op, value from radius.radgroupcheck where groupname = 'gold' order by id") == [
        ["Simultaneous-Use", ":=", "1"], ["Pool-Name", ":=", "west"]]
    assert tool("select attribute, op, value from radius.radgroupreply where groupname = 'gold' order by id") == [
        ["Idle-Timeout", ":=", "900"], ["Framed-Route", "+=", "192.0.2.0/24 0.0.0.0 1"], ["Framed-MTU", "+=", "1480"]]
    tool("update radius.radgroupreply set value = '300' where groupname = 'gold' and attribute = 'Idle-Timeout'")
    tool("delete from radius.radgroupreply where groupname = 'gold' and attribute like 'Framed%%'")
    tool("delete from radius.radgroupcheck where groupname = 'gold'")
    assert network.one("select row(session_limit, idle_timeout_s, pool_id, attributes)::text from poprad.plan where name = 'gold'") == (
        "(0,300,,{})")


@pytest.mark.parametrize("table, row, part", [
    ("radcheck", ("Max-Daily-Session", ":=", "3600"), "there is no such check of a subscriber"),
    ("radcheck", ("Auth-Type", ":=", "Accept"), "Auth-Type Accept: the stored password decides"),
    ("radcheck", ("Calling-Station-Id", "=~", "^0255"), "Calling-Station-Id =~: only == is known"),
    ("radcheck", ("Crypt-Password", ":=", "ab0Ab1Cd2Ef3."), "the old form of crypt"),
    ("radcheck", ("Simultaneous-Use", ":=", "two"), "Simultaneous-Use: two is no number"),
    ("radreply", ("Fall-Through", "=", "Yes"), "a subscriber has one plan"),
    ("radreply", ("Framed-IP-Address", "=", "255.255.255.254"), "that is no address"),
    ("radreply", ("Port-Limit", "==", "1"), "a reply attribute is set with"),
    ("radgroupcheck", ("Huntgroup-Name", "==", "west"), "there is no such check of a plan"),
    ("radgroupcheck", ("Pool-Name", ":=", "nowhere"), "there is no pool nowhere"),
    ("radgroupreply", ("Framed-IP-Address", ":=", "10.0.0.1"), "a plan gives the addresses of its pool"),
    ("radgroupreply", ("Fall-Through", "=", "Yes"), "a subscriber has one plan")])
def test_what_there_is_no_place_for_is_refused_and_nothing_kept(tool, network, table, row, part):
    with pytest.raises(psycopg2.errors.Error, match=part.replace("(", r"\(")):
        put(tool, table, "one", *row)
    assert network.one("select count(*) from poprad.subscriber") == 0


def test_a_second_group_is_refused(tool, network):
    network.run("insert into poprad.plan (name) values ('gold'), ('silver')")
    put(tool, "radcheck", "one", "Cleartext-Password", ":=", "secret")
    tool("insert into radius.radusergroup (username, groupname) values ('one', 'gold')")
    with pytest.raises(psycopg2.errors.FeatureNotSupported, match="one is in group gold already"):
        tool("insert into radius.radusergroup (username, groupname) values ('one', 'silver')")
    with pytest.raises(psycopg2.errors.NoDataFound, match="there is no plan bronze"):
        tool("update radius.radusergroup set groupname = 'bronze' where username = 'one'")
    tool("update radius.radusergroup set groupname = 'silver' where username = 'one'")
    assert tool("select username, groupname, priority from radius.radusergroup") == [["one", "silver", 0]]


def test_access_servers(tool, network):
    tool("insert into radius.nas (nasname, shortname, type, ports, secret, description) "
         "values ('192.0.2.7', 'bank-7', 'livingston', 0, 'testing123', 'second floor'), ('2001:db8::/64', 'six', 'cisco', null, 's', null)")
    shown = "select nasname, shortname, type, ports, secret, description from radius.nas where shortname in ('bank-7', 'six', 'bank-8') order by 1"
    assert tool(shown) == [["192.0.2.7", "bank-7", "other", 0, "testing123", "second floor"],
                           ["2001:db8::/64", "six", "cisco", None, "s", None]]
    tool("update radius.nas set secret = 'new', shortname = 'bank-8', description = 'cellar' where nasname = '192.0.2.7'")
    tool("delete from radius.nas where shortname = 'six'")
    assert tool(shown) == [["192.0.2.7", "bank-8", "other", 0, "new", "cellar"]]
    with pytest.raises(psycopg2.errors.FeatureNotSupported, match="known by its address or network"):
        tool("insert into radius.nas (nasname, shortname, secret) values ('nas.example', 'x', 's')")


def test_sessions_are_closed_and_hidden(tool, database):
    connection = database.connect()
    provider(connection)
    key, other = authorise(connection), authorise(connection, address="10.0.8.2")
    account(connection, packet(START, 5, class_key=key), packet(START, 6, class_key=other, acct_session_id="b"))
    account(connection, packet(STOP, 60, class_key=other, acct_session_id="b", in_octets=7))
    with pytest.raises(psycopg2.errors.FeatureNotSupported, match="it is open"):
        tool("delete from radius.radacct where acctuniqueid = %s", key.hex)
    with pytest.raises(psycopg2.errors.FeatureNotSupported, match="and nothing else of it changed"):
        tool("update radius.radacct set acctinputoctets = 0 where acctuniqueid = %s", key.hex)
    with pytest.raises(psycopg2.errors.FeatureNotSupported, match="sessions come from access servers alone"):
        tool("insert into radius.radacct (acctsessionid) values ('x')")
    assert tool("update radius.radacct set acctstoptime = now(), acctterminatecause = 'Admin-Reset' where acctstoptime is null") == 1
    assert rows(connection, "select state, terminate_cause from poprad.session where session_key = %s", key) == [("closed", "Admin-Reset")]
    assert tool("delete from radius.radacct where acctuniqueid = %s", other.hex) == 1
    assert tool("select acctuniqueid from radius.radacct") == [[key.hex]]
    billing = database.connect("poprad_billing")
    assert rows(billing, "select session_key from poprad.billing_session where session_key = %s", other) == [(other,)], (
        "what was used is billed whoever has cleaned up")


def test_addresses_and_attempts_are_looked_at_alone(tool, network):
    network.run("insert into poprad.pool (name) values ('spare')")
    network.run("select poprad.pool_add('spare', '10.77.0.0/30', null, true)")
    assert tool("select framedipaddress::text, nasipaddress, username from radius.radippool where pool_name = 'spare' order by 1 limit 1") == [
        ["10.77.0.0/32", "", ""]]
    assert tool("select count(*) from radius.radpostauth") == [[0]]
    for statement in "delete from radius.radippool where pool_name = 'spare'", "insert into radius.radpostauth (username) values ('x')":
        with pytest.raises(psycopg2.errors.FeatureNotSupported):
            tool(statement)


def test_a_tool_sees_nothing_else(tool, database):
    for statement in ("select * from poprad.subscriber", "select radius.user_get('x')", "select poprad.catalog()",
                      "select radius.check_set(1, 'Auth-Type', ':=', 'Reject')"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            tool(statement)
    billing = database.connect("poprad_billing").cursor()
    for view in COLUMNS:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            billing.execute(f"select * from radius.{view}")
