# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl import freeradius: a database of FreeRADIUS's own schema is taken over, and both servers give the same answers."""

import base64
import collections
import hashlib

import psycopg2
import psycopg2.extras
import pytest

from support import freeradius, radius

USERS = 10_000
KINDS = 20
SAMPLE = 20  # logins of each kind


def password(n):
    return f"secret-{n}"


def nt_hash(n):
    return radius.nt_hash(password(n)).hex()


def salted_sha(n):
    return base64.b64encode(hashlib.sha1(password(n).encode() + b"salt").digest() + b"salt").decode()


def md5(n):
    return hashlib.md5(password(n).encode()).hexdigest()


# openssl passwd -6 -salt salt crypted: one password for all, because each costs milliseconds
CRYPTED = ("$6$salt$sM.mZOBC.pZdkf69HyxVNMjm.tPKyKxpUoUAnZHQjDwxbW9clNk9"
           "11EEuAMhLLHq3iZacjALLYTYHKQd8l0Oy0")


def static(n):
    return f"10.{64 + n // 65536}.{n // 256 % 256}.{n % 256}"


# Of each kind of user: rows of radcheck beside the password, of radreply, and groups with their priority.
Kind = collections.namedtuple("Kind", "password checks replies groups")
CLEAR = ("Cleartext-Password", ":=", password)
FRAMED = ("Service-Type", ":=", "Framed-User"), ("Framed-Protocol", ":=", "PPP")


def kind(secret=CLEAR, checks=(), replies=(), groups=(("plain", 1),)):
    return Kind(secret, checks, replies, groups)


KIND = [
    kind(),
    kind(replies=[("Reply-Message", "+=", "one"), ("Reply-Message", "+=", "two words")]),
    kind(("NT-Password", ":=", nt_hash)),
    kind(("Crypt-Password", ":=", CRYPTED)),
    kind(("MD5-Password", ":=", md5)),
    kind(("SSHA-Password", ":=", salted_sha)),
    kind(replies=[("Framed-IP-Address", ":=", static), ("Session-Timeout", ":=", "7200")]),
    kind(groups=[("second", 2), ("first", 1)]),
    kind(checks=[("Auth-Type", ":=", "Reject")]),
    kind(checks=[("Expiration", ":=", "1 Jan 2020 00:00:00")]),
    kind(checks=[("Expiration", ":=", "1 Jan 2035 00:00:00")], groups=[("bare", 0)]),
    kind(checks=[("Calling-Station-Id", "==", lambda n: f"02-{n}")]),
    kind(checks=[("Calling-Station-Id", "==", "another")]),
    kind(replies=[("Idle-Timeout", "=", "111"), ("Filter-Id", "=", "mine")], groups=[("sets", 1)]),
    kind(replies=[("Idle-Timeout", "=", "111"), ("Filter-Id", "=", "mine"), ("Reply-Message", "=", "mine")], groups=[("leaves", 1)]),
    kind(replies=[("Filter-Id", "+=", "mine"), *FRAMED], groups=[("adds", 1)]),
    kind(replies=FRAMED, groups=[]),
    kind(replies=[("Fall-Through", "=", "No"), ("Reply-Message", "=", "alone"), *FRAMED]),
    kind(replies=[("Cisco-AVPair", "+=", '"ip:inacl#1=permit ip any any"'), ("Framed-IPv6-Prefix", ":=", lambda n: f"2001:db8:{n:x}::/64")],
         groups=[("plain", 3), ("off", 1)]),
    kind(("Cleartext-Password", "+=", password), replies=[("Framed-Route", "=", lambda n: f"{static(n)}/32 0.0.0.0 1")]),
]
assert len(KIND) == KINDS

GROUPS = {  # rows of radgroupcheck, rows of radgroupreply
    "plain": ([], [*FRAMED, ("Session-Timeout", ":=", "3600"), ("Acct-Interim-Interval", "=", "600")]),
    "bare": ([], FRAMED),
    "first": ([], [*FRAMED, ("Fall-Through", "=", "Yes"), ("Cisco-AVPair", "+=", "ip:dns-servers=192.0.2.1"), ("Idle-Timeout", "=", "60")]),
    "second": ([], [("Cisco-AVPair", "+=", "ip:dns-servers=192.0.2.2"), ("Idle-Timeout", "=", "90"), ("Session-Timeout", ":=", "60")]),
    "sets": ([], [*FRAMED, ("Idle-Timeout", ":=", "222"), ("Filter-Id", ":=", "theirs")]),
    "leaves": ([], [*FRAMED, ("Idle-Timeout", "=", "333"), ("Filter-Id", "=", "theirs"), ("Reply-Message", "=", "theirs")]),
    "adds": ([], [("Filter-Id", "+=", "theirs")]),
    "off": ([("Auth-Type", ":=", "Reject")], []),
}


def login(n):
    return f"user-{n}@ISP.example" if n % 7 == 0 else f"user-{n}"


def said(value, n):
    return value(n) if callable(value) else value


def fill(connection):
    """Users whose rows are those of their number's kind."""
    rows = collections.defaultdict(list)
    for n in range(USERS):
        one = KIND[n % KINDS]
        for row in (one.password, *one.checks):
            rows["radcheck"].append((login(n), row[0], row[1], said(row[2], n)))
        for row in one.replies:
            rows["radreply"].append((login(n), row[0], row[1], said(row[2], n)))
        rows["radusergroup"] += [(login(n), *group) for group in one.groups]
    for group, (checks, replies) in GROUPS.items():
        rows["radgroupcheck"] += [(group, *row) for row in checks]
        rows["radgroupreply"] += [(group, *row) for row in replies]
    columns = {"radcheck": "username, attribute, op, value", "radreply": "username, attribute, op, value",
               "radgroupcheck": "groupname, attribute, op, value", "radgroupreply": "groupname, attribute, op, value",
               "radusergroup": "username, groupname, priority"}
    with connection, connection.cursor() as cursor:
        cursor.execute(freeradius.schema())
        for table, values in rows.items():
            psycopg2.extras.execute_values(cursor, f"insert into {table} ({columns[table]}) values %s", values, page_size=1000)


def requests():
    """Logins of every kind, by each method; a wrong password for each kind."""
    asked = []
    for n in range(KINDS * SAMPLE):
        secret = "crypted" if n % KINDS == 3 else password(n)
        common = [f'User-Name = "{login(n)}"', "NAS-IP-Address = 127.0.0.1", f"NAS-Port = {n}", f'Calling-Station-Id = "02-{n}"']
        name = ("User-Password", "CHAP-Password", "MS-CHAP-Password")[n // KINDS % 3]
        asked.append([*common, f'{name} = "{"wrong" if n // KINDS % 7 == 6 else secret}"'])
    return asked


# What one server says and the other has no word for. MPPE keys hold random numbers.
OURS_ALONE = {"Class", "Message-Authenticator", "Framed-IP-Netmask"}
RANDOM = {"MS-CHAP-MPPE-Keys", "MS-MPPE-Encryption-Policy", "MS-MPPE-Encryption-Types"}


def about(name, value):
    """What is left of the time until somebody's Expiration changes from second to second; and of an interval poprad makes one
    of its own for each session, up to a tenth longer or shorter."""
    if name == "Session-Timeout" and int(value) > 10**8:
        return "years"
    if name == "Acct-Interim-Interval":
        return "600" if 540 <= int(value) <= 660 else value
    return value


def attributes(answer):
    """By name, with the values in their order."""
    found = collections.defaultdict(list)
    for line in answer[1]:
        name, _, value = line.partition(" = ")
        if name not in OURS_ALONE | RANDOM:
            found[name].append(about(name, value))
    return dict(found)


@pytest.fixture
def both(make_server):
    """A server with nothing in it but access servers, and FreeRADIUS beside it."""
    server = make_server()
    server.sql("create database radius")
    connection = psycopg2.connect(f"host={server.directory}/postgresql/socket dbname=radius user=postgres")
    fill(connection)
    other = freeradius.FreeRadius(f"{server.directory}/postgresql/socket")
    yield server, other, connection
    other.close()
    connection.close()


def source(server):
    return f"host={server.directory}/postgresql/socket dbname=radius user=postgres"


@pytest.mark.once
@pytest.mark.skipif(freeradius.problem() is not None, reason=str(freeradius.problem()))
def test_both_servers_give_the_same_answers(both):
    server, other, connection = both
    words = server.ctl("import", "freeradius", "--dsn", source(server))
    assert f"subscribers: {USERS} new, 0 changed, 0 as before, 0 left as they are" in words
    ours, theirs = freeradius.ask(server.auth_port, requests()), freeradius.ask(other.port, requests())
    different = [(asked, our, their) for asked, our, their in zip(requests(), ours, theirs)
                 if our[0] != their[0] or our[0] == "Access-Accept" and attributes(our) != attributes(their)]
    assert not different, "\n".join(map(str, different))
    accepted = sum(answer[0] == "Access-Accept" for answer in theirs)
    assert len(theirs) / 4 < accepted < len(theirs) * 3 / 4
    again = server.ctl("import", "freeradius", "--dsn", source(server))
    assert f"subscribers: 0 new, 0 changed, {USERS} as before, 0 left as they are" in again


DUMP = r"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11, for debian-linux-gnu (x86_64)
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `nas`;
CREATE TABLE `nas` (
  `id` int(10) NOT NULL AUTO_INCREMENT,
  `nasname` varchar(128) NOT NULL,
  `shortname` varchar(32) DEFAULT NULL,
  `type` varchar(30) DEFAULT 'other',
  `secret` varchar(60) NOT NULL DEFAULT 'secret',
  PRIMARY KEY (`id`),
  KEY `nasname` (`nasname`)
) ENGINE=InnoDB;
LOCK TABLES `nas` WRITE;
/*!40000 ALTER TABLE `nas` DISABLE KEYS */;
INSERT INTO `nas` VALUES (1,'192.0.2.1','north',NULL,'it\'s\\secret'),
(2,'nas.example','south','other','x');
/*!40000 ALTER TABLE `nas` ENABLE KEYS */;
UNLOCK TABLES;
INSERT INTO `radcheck` (`id`, `username`, `attribute`, `op`, `value`) VALUES (1,'Alice','Cleartext-Password',':=','pass;word'),(2,'alice','Simultaneous-Use',':=','2');
INSERT INTO `radreply` (`id`, `username`, `attribute`, `op`, `value`) VALUES (1,'ALICE','Reply-Message','=','Grüß Gott'),(2,'alice','X-Unknown','=','1');
INSERT INTO `radusergroup` (`username`, `groupname`, `priority`, `id`) VALUES ('alice','gold',1,1);
INSERT INTO `radgroupreply` (`id`, `groupname`, `attribute`, `op`, `value`) VALUES (1,'gold','Idle-Timeout',':=','600');
INSERT INTO `radacct` (`radacctid`, `acctsessionid`, `acctuniqueid`, `username`, `nasipaddress`, `acctstarttime`, `acctstoptime`, `acctsessiontime`, `acctinputoctets`, `acctoutputoctets`, `acctterminatecause`) VALUES
(1,'s1','u1','Alice','192.0.2.1','2026-07-01 12:00:00','2026-07-01 13:00:00',3600,5000000000,7,'User-Request'),
(2,'s2','u2','Alice','192.0.2.1',NULL,NULL,NULL,NULL,NULL,'');
DELIMITER ;;
CREATE TRIGGER t AFTER INSERT ON radacct FOR EACH ROW BEGIN INSERT INTO nas VALUES (1); END;;
DELIMITER ;
"""


def test_a_dump_of_mysql(server, make_client, tmp_path):
    dump = tmp_path / "radius.sql"
    dump.write_text(DUMP, encoding="utf-8")
    before = server.value("select count(*) from poprad.subscriber")
    words = server.ctl("import", "freeradius", "--dump", str(dump), "--dry-run", "--time-zone", "Europe/Bratislava")
    assert "this was a dry run: nothing has been written" in words
    assert server.value("select count(*) from poprad.subscriber") == before
    real = server.ctl("import", "freeradius", "--dump", "-", "--time-zone", "Europe/Bratislava", stdin=DUMP)
    assert words == real + "this was a dry run: nothing has been written\n"
    for line in ("with a change: subscriber of Alice: his name is spelt in several ways; he logs in with this one",
                 "not: nas 2 of nas.example: nas nas.example: an access server is known by its address or network, not by a name",
                 "not: radreply 2 of Alice: kept, and not sent: X-Unknown: the dictionary knows no such attribute",
                 "not: radacct 2 of Alice: nothing says when it was", "subscribers: 1 new, 0 changed, 0 as before, 0 left as they are",
                 "sessions: 1 new, 0 changed, 0 as before, 1 not imported"):
        assert line in real.splitlines()
    assert server.sql("select secret from poprad.nas where name = 'north'") == [("it's\\secret",)]
    assert server.sql("select started_at at time zone 'UTC', in_octets from poprad.session_history where user_name = 'Alice'") == [
        ("2026-07-01 10:00:00", "5000000000")]
    accept = make_client(server).login("Alice", "pass;word")
    assert accept.text(radius.REPLY_MESSAGE) == "Grüß Gott" and accept.number(radius.IDLE_TIMEOUT) == 600
    assert server.value("select count(*) from poprad.import_radcheck") == "0", "nothing is left of the rows themselves"


def test_a_broken_dump_changes_nothing(server, tmp_path):
    dump = tmp_path / "radius.sql"
    dump.write_text("INSERT INTO radcheck (id, username, attribute, op, value) VALUES (1,'broken','Cleartext-Password',':=','x');\n"
                    "INSERT INTO radcheck (id) VALUES (2,3);\n")
    status, output, errors = server.run("import", "freeradius", "--dump", str(dump))
    assert (status, output) == (1, "")
    assert errors == f"popradctl: {dump}:2: the file has a row with another number of values than columns\n"
    assert server.value("select count(*) from poprad.subscriber where login = 'broken'") == "0"
    assert server.run("import", "freeradius")[0] == server.run("import", "freeradius", "--dump", "x", "--dsn", "y")[0] == 2
    assert server.run("import", "freeradius", "--dump", str(tmp_path / "none"))[0] == 1


def test_an_open_session_goes_on(server, make_client, subscriber, tmp_path):
    """With the records that its access server sends after the change."""
    login, password = subscriber()
    dump = tmp_path / "radius.sql"
    start = server.value("select to_char(now() at time zone 'UTC' - interval '2 hours', 'YYYY-MM-DD HH24:MI:SS')")
    heard = server.value("select to_char(now() at time zone 'UTC' - interval '5 minutes', 'YYYY-MM-DD HH24:MI:SS')")
    dump.write_text(
        "INSERT INTO radacct (radacctid, acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime, acctstoptime, "
        f"acctsessiontime, acctinputoctets, acctoutputoctets) VALUES (1,'before','u','{login}','127.0.0.1','{start}','{heard}',NULL,6900,100,200);\n")
    assert "sessions: 1 new" in server.ctl("import", "freeradius", "--dump", str(dump))
    client = make_client(server)
    for status, seconds in ((radius.INTERIM, 7200), (radius.STOP, 7300)):
        assert client.account(status, "before", login, [
            (radius.NAS_IP_ADDRESS, radius.ipaddr("127.0.0.1")), (radius.ACCT_SESSION_TIME, seconds), (radius.ACCT_INPUT_OCTETS, 1000 + seconds)])
    assert server.sql(f"select state, session_time, in_octets from poprad.session where user_name = '{login}'") == [("closed", "7300", "8300")]
    assert server.sql(f"select sum(seconds), sum(octets_in) from poprad.usage join poprad.subscriber using (subscriber_id) where login = '{login}'") == [
        ("7300", "8300")]
