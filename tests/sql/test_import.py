# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What becomes of FreeRADIUS's rows: poprad.import_settings over rows that were copied in."""

import pytest

OWNER = {"radcheck": "username", "radreply": "username", "radgroupcheck": "groupname", "radgroupreply": "groupname"}


class Rows:
    """Statements of one connection."""

    def __init__(self, database):
        self.cursor = database.connect().cursor()

    def run(self, query, *values):
        self.cursor.execute(query, values)

    def rows(self, query, *values):
        self.cursor.execute(query, values)
        return [list(row) for row in self.cursor.fetchall()]

    def one(self, query, *values):
        (value,), = self.rows(query, *values)
        return value


class Source:
    """The tables of another server, and imports of them."""

    def __init__(self, database):
        self.here = Rows(database)
        self.tables = {}

    def put(self, table, *rows):
        self.tables.setdefault(table, []).extend(rows)

    def stage(self, table, rows):
        columns = {"radusergroup": "username, groupname, priority", "nas": "nasname, shortname, type, secret, ports",
                   "radippool": "pool_name, framedipaddress, username, expiry_time"}.get(table, f"{OWNER.get(table)}, attribute, op, value")
        for number, row in enumerate(rows, 1):
            self.here.run(f"insert into poprad.import_{table} (id, {columns}) values (%s{', %s' * len(row)})", str(number), *row)

    def load(self, is_forced=False, zone="UTC"):
        """What was reported of rows that became something else or nothing, and the fates of what was made."""
        self.here.run("begin")
        self.here.run("select poprad.import_begin()")
        for table, rows in self.tables.items():
            self.stage(table, rows)
        self.here.run("select poprad.import_settings(%s, %s)", zone, is_forced)
        told = self.here.rows("select fate, source, id, subject, message from poprad.import_report order by place")
        self.here.run("select poprad.import_clear()")
        self.here.run("commit")
        return [tuple(row) for row in told]


@pytest.fixture
def source(database):
    return Source(database)


def clear(*logins):
    return [(login, "Cleartext-Password", ":=", "secret") for login in logins]


def shown(source, login):
    return source.here.rows("select attribute, value from (select attribute, value, id from radius.radcheck where username = %s "
                               "union all select attribute, value, id from radius.radreply where username = %s) r order by attribute, id",
                               login, login)


def group_of(source, login):
    return source.here.one("select groupname from radius.radusergroup where username = %s", login)


def fates(told, *wanted):
    return [row for row in told if row[0] in wanted]


def test_a_user_and_his_group(source):
    source.put("radcheck", *clear("line-1@ISP.Example"), ("line-1@ISP.Example", "Simultaneous-Use", ":=", "2"))
    source.put("radreply", ("line-1@ISP.Example", "Session-Timeout", ":=", "'60'"), ("line-1@ISP.Example", "Reply-Message", "=", '"hello"'))
    source.put("radusergroup", ("line-1@ISP.Example", "gold", "1"))
    source.put("radgroupreply", ("gold", "Filter-Id", "=", "std"), ("gold", "Idle-Timeout", ":=", "600"))
    source.put("radgroupcheck", ("gold", "Pool-Name", ":=", "lines"))
    source.put("radippool", *[("lines", f"192.0.2.{n}", "line-1@isp.example" if n == 7 else "", f"2026-01-0{1 + n % 2} 00:00:00")
                              for n in range(1, 255)])
    told = source.load()
    assert fates(told, "change", "lost", "left") == []
    assert fates(told, "new") == [("new", "pool", None, "lines", "192.0.2.1 to 192.0.2.254"), ("new", "plan", None, "gold", None),
                                  ("new", "subscriber", None, "line-1@isp.example", None)]
    assert shown(source, "line-1@isp.example") == [
        ["Cleartext-Password", "secret"], ["Reply-Message", "hello"], ["Session-Timeout", "60"], ["Simultaneous-Use", "2"]]
    assert source.here.one("select row(o.name, p.idle_timeout_s, p.attributes)::text from poprad.plan p join poprad.pool o using (pool_id)"
                              ) == '(lines,600,"{""Filter-Id = std""}")'
    assert source.here.one("select row(prefix, first_address, last_address)::text from poprad.pool_range") == (
        "(192.0.2.0/24,192.0.2.1,192.0.2.254)")
    assert source.here.one("select last_address from poprad.subscriber_state") == "192.0.2.7"


def test_a_second_import_changes_nothing_and_a_third_what_has_changed(source):
    source.put("radcheck", *clear("a", "b", "c", "d"))
    source.put("radusergroup", *[(login, "gold", "1") for login in "abcd"])
    source.put("radgroupreply", ("gold", "Idle-Timeout", "=", "60"))
    source.put("nas", ("192.0.2.1", "edge", "cisco", "secret", None))
    assert {row[0] for row in source.load()} == {"new"}
    assert {row[0] for row in source.load()} == {"same"}
    source.tables["radcheck"] = [(login, "Cleartext-Password", ":=", "other") for login in "abc"]
    source.tables["radusergroup"].pop()
    source.tables["nas"] = [("192.0.2.2", "edge", "cisco", "secret", None)]
    source.here.run("update poprad.subscriber set password = 'mine' where login = 'b'")
    source.here.run("delete from poprad.subscriber where login = 'c'")
    told = source.load()
    assert sorted(row[:4] for row in fates(told, "changed")) == [("changed", "nas", None, "edge"), ("changed", "subscriber", None, "a")]
    assert [row[3:] for row in fates(told, "left")] == [
        ("b", "it has been changed here since, and there too"), ("c", "it has been removed here since"), ("d", "it is no longer in the source")]
    assert source.here.rows("select login, password from poprad.subscriber order by login") == [["a", "other"], ["b", "mine"], ["d", "secret"]]
    assert [row[3] for row in fates(source.load(is_forced=True), "new", "changed")] == ["b", "c"]
    assert source.here.rows("select login, password from poprad.subscriber order by login") == [
        ["a", "other"], ["b", "other"], ["c", "other"], ["d", "secret"]]


def test_what_was_here_already_is_left_alone(source):
    source.here.run("insert into poprad.plan (name, idle_timeout_s) values ('gold', 30)")
    source.here.run("insert into poprad.subscriber (login, plan_id, password) select 'a', plan_id, 'mine' from poprad.plan")
    source.put("radcheck", *clear("a", "b"))
    source.put("radusergroup", ("a", "gold", "0"), ("b", "gold", "0"))
    source.put("radgroupreply", ("gold", "Idle-Timeout", "=", "60"))
    told = source.load()
    assert [row[1:] for row in fates(told, "left")] == [
        ("plan", None, "gold", "it is here already, and was not imported"), ("subscriber", None, "a", "it is here already, and was not imported")]
    assert source.here.one("select idle_timeout_s from poprad.plan") == 30
    assert group_of(source, "b") == "gold"


def test_several_groups_become_one_plan(source):
    """By priority, as long as each falls through; what is not reached is told."""
    source.put("radcheck", *clear("both", "stays"))
    source.put("radusergroup", ("both", "late", "9"), ("both", "first", "1"), ("both", "second one", "2"), ("stays", "first", "1"))
    source.put("radreply", ("stays", "Fall-Through", "=", "No"))
    source.put("radgroupreply", ("first", "Fall-Through", "=", "Yes"), ("first", "Filter-Id", "+=", "a"), ("first", "Idle-Timeout", "=", "1"),
               ("second one", "Filter-Id", "+=", "b"), ("second one", "Idle-Timeout", ":=", "2"), ("late", "Filter-Id", "+=", "c"))
    told = source.load()
    assert group_of(source, "both") == "first+second_one" and group_of(source, "stays") == "default"
    assert source.here.rows("select attribute, value from radius.radgroupreply where groupname = 'first+second_one' order by id") == [
        ["Idle-Timeout", "2"], ["Filter-Id", "a"], ["Filter-Id", "b"]]
    assert [row[1:] for row in fates(told, "change")] == [
        ("radusergroup", None, "second one", "its name here is second_one"),
        ("radusergroup", "1", "both", "FreeRADIUS does not come to group late: no Fall-Through before it"),
        ("radusergroup", "4", "stays", "FreeRADIUS does not come to group first: no Fall-Through before it"),
        ("plan", None, "default", "of who is in no group"), ("plan", None, "first+second_one", "of group first, then second one")]


@pytest.mark.parametrize("op, own, group, kept", [
    (":=", [("=", "own")], [(":=", "theirs")], []),
    ("=", [("=", "own")], [("=", "theirs")], ["own"]),
    ("+=", [("=", "own")], [("+=", "theirs")], ["own", "theirs"]),
    ("twice", [("=", "1"), (":=", "2")], [("=", "theirs")], ["1", "2"]),
    ("first of two", [("+=", "1"), ("+=", "2")], [(":=", "theirs")], ["theirs", "2"])])
def test_operators(source, op, own, group, kept):
    """What he keeps of his own beside the plan, so that a login gives what FreeRADIUS gives."""
    source.put("radcheck", *clear("a"))
    source.put("radreply", *[("a", "Filter-Id", *row) for row in own])
    source.put("radgroupreply", *[("gold", "Filter-Id", *row) for row in group])
    source.put("radusergroup", ("a", "gold", "1"))
    source.load()
    assert [value for name, value in shown(source, "a") if name == "Filter-Id"] == kept


@pytest.mark.parametrize("row, said, status", [
    (("NAS-IP-Address", "==", "192.0.2.1"), "NAS-IP-Address: no subscriber has such a check", "suspended"),
    (("Calling-Station-Id", "!=", "02"), "Calling-Station-Id: no subscriber has such a check", "suspended"),
    (("Max-Daily-Session", ":=", "3600"), "Max-Daily-Session: no subscriber has such a check", "active"),
    (("Auth-Type", ":=", "Accept"), "Auth-Type Accept: the stored password decides how it is verified", "active"),
    (("Expiration", ":=", "some day"), None, "active"),
    (("Simultaneous-Use", ":=", "many"), "Simultaneous-Use: many is no number", "active")])
def test_what_has_no_place_is_told(source, row, said, status):
    """A condition that is lost would let in whom FreeRADIUS keeps out: so he is suspended."""
    source.put("radcheck", *clear("a"), ("a", *row))
    told = source.load()
    lost = fates(told, "lost")
    assert [entry[1:4] for entry in lost] == [("radcheck", "2", "a")]
    assert said is None or lost[0][4] == said
    assert source.here.one("select status from poprad.subscriber") == status
    assert any("suspended" in (entry[4] or "") for entry in told) == (status == "suspended")


def test_a_groups_condition_suspends_those_who_come_through_it(source):
    source.put("radcheck", *clear("in", "out"))
    source.put("radusergroup", ("in", "free", "1"), ("out", "bound", "1"))
    source.put("radgroupreply", ("free", "Idle-Timeout", "=", "60"))
    source.put("radgroupcheck", ("bound", "NAS-Port-Type", "==", "Virtual"), ("bound", "Simultaneous-Use", ":=", "1"))
    source.load()
    assert source.here.rows("select login, status from poprad.subscriber order by login") == [["in", "active"], ["out", "suspended"]]


def test_passwords_expiration_and_what_a_group_checks(source):
    source.put("radcheck", ("hex", "SHA-Password", ":=", "0x" + "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"),
               ("two", "MD5-Password", ":=", "5ebe2294ecd0e0f08eab7690d2a6ee69"), ("two", "Cleartext-Password", ":=", "clear"),
               ("old", "User-Password", "==", "old"), ("old", "Expiration", ":=", "31 Jan 2027 12:00:00"), ("old2", "Crypt-Password", ":=", "ab1"))
    source.put("radusergroup", ("hex", "off", "0"))
    source.put("radgroupcheck", ("off", "Auth-Type", ":=", "Reject"))
    told = source.load(zone="Europe/Bratislava")
    assert source.here.rows("select login, password, status, expires_at at time zone 'UTC' from poprad.subscriber order by login") == [
        ["hex", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "suspended", None], ["old", "old", "active", source.here.one("select timestamp '2027-01-31 11:00'")],
        ["old2", "{none}", "active", None], ["two", "clear", "active", None]]
    assert [row[1:] for row in fates(told, "change", "lost") if row[1] != "plan"] == [
        ("radcheck", "4", "old", "User-Password ==: it is taken for :=, though FreeRADIUS 3 lets nobody in with it"),
        ("radgroupcheck", "1", "off", "Auth-Type: it is held by each of his subscribers"),
        ("radcheck", "6", "old2", "Crypt-Password: the old form of crypt without $ is not read"),
        ("radcheck", "2", "two", "MD5-Password: he has another password already")]


def test_a_pool_of_ones_own_makes_a_plan(source):
    source.put("radippool", ("one", "192.0.2.1", "", ""), ("two", "198.51.100.4", "", ""), ("two", "198.51.100.5", "", ""),
               ("two", "198.51.100.6", "", ""), ("two", "host.example", "", ""))
    source.put("radcheck", *clear("a", "b", "c"), ("a", "Pool-Name", ":=", "two"), ("b", "Pool-Name", ":=", "two"), ("c", "Pool-Name", ":=", "none"))
    source.put("radusergroup", ("a", "plain", "1"), ("b", "pooled", "1"))
    source.put("radgroupreply", ("plain", "Idle-Timeout", "=", "60"))
    source.put("radgroupcheck", ("pooled", "Pool-Name", ":=", "one"))
    told = source.load()
    assert [group_of(source, login) for login in "abc"] == ["plain+two", "pooled", "default+none"]
    assert source.here.rows("select p.name, o.name from poprad.plan p join poprad.pool o using (pool_id) order by 1") == [
        ["plain+two", "two"], ["pooled", "one"]]
    assert [host for host, in source.here.rows("select prefix from poprad.pool_range order by prefix")] == [
        "192.0.2.1/32", "198.51.100.4/31", "198.51.100.6/32"]
    assert [row[1:] for row in fates(told, "lost")] == [
        ("radippool", "5", "host.example", "an address and a pool are needed"), ("radcheck", None, "default+none", "there is no pool none")]


def test_access_servers(source):
    source.put("nas", ("192.0.2.1", "edge 1", "cisco", "s", "x"), ("198.51.100.9/24", "edge 1", "odd", "s", "12"),
               ("192.0.2.1", "again", "other", "s", None), ("nas.example", "named", "other", "s", None))
    told = source.load()
    assert source.here.rows("select shortname, nasname, type, ports from radius.nas order by id") == [
        ["edge_1", "192.0.2.1", "cisco", None], ["edge_1-198.51.100.9_24", "198.51.100.0/24", "other", 12]]
    assert [row[:4] for row in fates(told, "change", "lost")] == [
        ("change", "nas", "1", "192.0.2.1"), *[("change", "nas", "2", "198.51.100.9/24")] * 3, ("lost", "nas", "3", "192.0.2.1"),
        ("lost", "nas", "4", "nas.example")]


def test_names_that_cannot_be(source):
    source.put("radcheck", *clear("a b", "@isp.example", "x@ISP", "x@isp", ""))
    source.put("radreply", ("nobody", "Reply-Message", "=", "x"), ("x@ISP", "Reply-Message", "==", "x"), ("x@ISP", "Reply-Message", "=", "`id`"))
    told = source.load()
    assert {row[3] for row in fates(told, "lost") if row[1] == "subscriber"} == {"a b", "@isp.example", "x@isp"}
    assert [row[1:4] for row in fates(told, "lost") if row[1] != "subscriber"] == [("radcheck", "5", ""), ("radreply", "2", "x@ISP"), ("radreply", "3", "x@ISP")]
    assert source.here.rows("select login from poprad.subscriber order by login") == [["nobody"], ["x@isp"]]


def test_two_imports_at_once(source, database):
    other = Source(database)
    source.here.run("begin")
    source.here.run("select poprad.import_begin()")
    with pytest.raises(Exception, match="another import is under way"):
        other.load()
    source.here.run("rollback")


ACCT = ("acctsessionid, acctuniqueid, username, nasipaddress, nasportid, acctstarttime, acctupdatetime, acctstoptime, acctsessiontime, "
        "acctinputoctets, acctoutputoctets, framedipaddress, acctterminatecause")


@pytest.fixture
def provider(source):
    """An access server, a plan with a pool, and two subscribers."""
    source.put("nas", ("192.0.2.1", "edge", "cisco", "secret", None))
    source.put("radippool", *[("lines", f"198.51.100.{n}", "", "") for n in range(1, 255)])
    source.put("radcheck", *clear("one", "two"))
    source.put("radusergroup", ("one", "gold", "1"), ("two", "gold", "1"))
    source.put("radgroupcheck", ("gold", "Pool-Name", ":=", "lines"))
    source.load()
    return source


def sessions(source, *rows, zone="UTC"):
    """What became of these: new, changed, as before, lost; in parts, as popradctl does it."""
    source.here.run("select poprad.import_begin()")
    for number, row in enumerate(rows, 1):
        source.here.run(f"insert into poprad.import_radacct (radacctid, {ACCT}) values (%s{', %s' * len(row)})", str(number), *row)
    counts, reached = [0, 0, 0, 0], 0
    while (part := source.here.rows("select * from poprad.import_sessions(%s, %s)", reached, zone)):
        reached = part[0][0]
        counts = [sum(pair) for pair in zip(counts, part[0][1:])]
    return counts


def at(source, ago):
    return source.here.one("select (now() - %s::interval)::timestamp(0)::text || '+00'", ago)


def row_of(source, session_id, login, start, update, stop, seconds, octets_in, octets_out, address, cause=None, nas="192.0.2.1"):
    times = [None if ago is None else at(source, ago) for ago in (start, update, stop)]
    return (session_id, f"unique-{session_id}", login, nas, "7", *times, seconds, octets_in, octets_out, address, cause)


def test_sessions_that_ended_go_into_history(provider):
    made = [row_of(provider, "a", "one", "40 days", None, "39 days", "86400", "1000", "2000", "198.51.100.9", "User-Request"),
            row_of(provider, "b", "nobody", "3 hours", None, "2 hours", "3600", "10", "20", None, "", nas="203.0.113.1")]
    assert sessions(provider, *made) == [2, 0, 0, 0]
    assert sessions(provider, *made) == [0, 0, 2, 0], "the same rows are the same sessions"
    assert provider.here.one("select count(*) from poprad.session") == 0
    assert provider.here.rows("select user_name, subscriber_id is null, nas_id > 0, session_time, in_octets, terminate_cause, cause_rank "
                              "from poprad.session_history order by started_at") == [
        ["one", False, True, 86400, 1000, "User-Request", 4], ["nobody", True, False, 3600, 10, "User-Request", 4]]
    assert provider.here.one("select row(sum(seconds), sum(octets_in), sum(octets_out), sum(sessions), count(*))::text from poprad.usage") == (
        "(86400,1000,2000,1,2)"), "it is booked to both its days"
    assert provider.here.one("select count(*) from radius.radacct where acctstoptime is not null") == 2


def test_open_sessions_go_on(provider):
    """With the next record of their access server, and with their address."""
    made = [row_of(provider, "a", "one", "2 hours", "5 minutes", None, "6900", "1000", "2000", "198.51.100.9"),
            row_of(provider, "b", "two", "9 days", "8 days", None, "86400", "1", "2", "198.51.100.10")]
    assert sessions(provider, *made) == [2, 0, 0, 0]
    assert provider.here.rows("select user_name, state, host(address) from poprad.session") == [["one", "active", "198.51.100.9"]]
    assert provider.here.one("select count(*) from poprad.address a join poprad.session s using (session_key) where a.address = '198.51.100.9'") == 1
    assert provider.here.rows("select user_name, terminate_cause, cause_rank, stopped_at = updated_at from poprad.session_history") == [
        ["two", "Lost-Service", 1, True]]
    assert provider.here.rows("select acct_session_id, login from poprad.session_alias") == [["a", "one"]]
    ended = row_of(provider, "a", "one", "2 hours", None, "1 minute", "7100", "1500", "2500", "198.51.100.9", "User-Request")
    ended = (*ended[:5], provider.here.one("select started_at::text from poprad.session"), *ended[6:])
    assert sessions(provider, ended, made[1]) == [0, 1, 1, 0]
    assert provider.here.one("select row(state, session_time, in_octets, terminate_cause)::text from poprad.session") == "(closed,7100,1500,User-Request)"
    assert provider.here.one("select session_key is null from poprad.address where address = '198.51.100.9'")
    assert provider.here.one("select sum(octets_in) from poprad.usage") == 1501


def test_rows_that_tell_little(provider):
    """Times of no zone are of the zone that is named; zeros and text are none."""
    plain = ("x", None, "one", "not an address", "", "2026-03-01 12:00:00", "0000-00-00 00:00:00", "2026-03-01 13:00:00", None, "-5", "many", "", "")
    none = ("y", "u", "one", "192.0.2.1", "", None, "soon", "0000-00-00 00:00:00", "5", "1", "1", "", "")
    stopped = ("z", "v", "one", "192.0.2.1", "", None, None, "2026-03-02 13:00:00", "600", "1", "1", "", "")
    assert sessions(provider, plain, none, stopped, zone="Europe/Bratislava") == [2, 0, 0, 1]
    assert provider.here.rows("select acct_session_id, started_at at time zone 'UTC', session_time, in_octets, host(nas_address) "
                              "from poprad.session_history order by 1") == [
        ["x", provider.here.one("select timestamp '2026-03-01 11:00'"), 3600, 0, "0.0.0.0"],
        ["z", provider.here.one("select timestamp '2026-03-02 11:50'"), 600, 1, "192.0.2.1"]]


def test_many_sessions_in_parts(provider):
    provider.here.run("select poprad.import_begin()")
    provider.here.run("""insert into poprad.import_radacct (radacctid, acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctstoptime,
        acctsessiontime, acctinputoctets) select n, n, 'u' || n, 'one', '192.0.2.1', now() - n * interval '1 hour' - interval '1 hour',
        now() - n * interval '1 hour', '3600', n from generate_series(1, 1203) n""")
    reached, made = 0, 0
    while (part := provider.here.rows("select reached, made from poprad.import_sessions(%s, 'UTC')", reached)):
        reached, made = part[0][0], made + part[0][1]
    assert made == 1203
    assert provider.here.one("select row(count(*), sum(in_octets))::text from poprad.session_history") == "(1203,724206)"
    assert provider.here.one("select row(sum(sessions), sum(octets_in), sum(seconds))::text from poprad.usage") == f"(1203,724206,{1203 * 3600})"
