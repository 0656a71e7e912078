# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl against a real database: every command, what it says when it refuses, and its exit codes."""
import itertools
import json
import os
import pathlib
import pwd
import subprocess

import pytest

from support.poprad import PATIENCE_S, ROOT, Poprad, wait_for

OK, REFUSED, USAGE, DATABASE = 0, 1, 2, 3
KEY = "0193a1c2-5a60-7000-8000-%012x"
NUMBERS = itertools.count(1)

# As an operator reads them in the issue tracker, the manual and the help.
LINES_THAT_TEACH = """
popradctl nas add bank-7 127.0.1.0/24 --secret testing123 --kind cisco --group west
popradctl pool add west-dynamic 100.64.0.0/15 --group west
popradctl plan add gold --pool west-dynamic --sessions 1 --session-timeout 8h --idle-timeout 15m --interim 10m --filter to-general-customer-equipment
popradctl subscriber add line-7@isp.example --password secret7 --plan gold
popradctl subscriber import subscribers.csv
popradctl subscriber show line-7@isp.example --json
popradctl session list --json
"""


@pytest.fixture(scope="module")
def operator():
    """A database with the sample provider, and no server."""
    instance = Poprad()
    try:
        instance.create_database()
        instance.ctl("plan", "add", "plain", "--pool", "dynamic")
        yield instance
    finally:
        instance.close()


@pytest.fixture
def refused(operator):
    """refused(code, part, words...): that exit code, and one line on standard error that has the part."""
    def check(code, part, *words, stdin=""):
        status, output, errors = operator.run(*words, stdin=stdin)
        assert (status, output) == (code, ""), (words, output, errors)
        assert part in errors
        lines = errors.splitlines()
        assert len(lines) == 1 and lines[0].startswith("popradctl: "), errors
        return errors
    return check


@pytest.fixture
def names():
    """A name that no other test uses."""
    return lambda kind="n": f"{kind}-{next(NUMBERS)}"


@pytest.fixture
def login(operator, names):
    """login('--plan', ...) adds a subscriber and returns the login."""
    def add(*words, password="secret"):
        made = f"{names('line')}@isp.example"
        operator.ctl("subscriber", "add", made, "--password", password, *(words or ("--plan", "plain")))
        return made
    return add


@pytest.fixture
def csv(operator, names):
    def write(text):
        path = operator.directory / f"{names('file')}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o644)
        return str(path)
    return write


@pytest.fixture
def session(operator, names):
    """session(login, address=...) puts an open session into the database, as the server would, and returns its key."""
    def add(login, state="active", address=None):
        key = KEY % next(NUMBERS)
        operator.sql(f"""insert into poprad.session (session_key, state, subscriber_id, nas_id, nas_address, user_name, address,
            authorised_at, started_at, updated_at, session_time)
            select '{key}', '{state}', subscriber_id, nas_id, '127.0.0.1', login,
            {f"'{address}'" if address else "null"}, now() - interval '2 h', now() - interval '2 h', now() - interval '1 h', 3600
            from poprad.subscriber, poprad.nas where login = '{login}' and nas.name = 'localhost'""")
        if address:
            operator.sql(f"""update poprad.address set session_key = '{key}', changed_at = now(), subscriber_id =
                (select subscriber_id from poprad.subscriber where login = '{login}') where address = '{address}'""")
        return key
    return add


def shown(operator, *words):
    return operator.ctl_json(*words)


def by_name(rows):
    return {row["name"]: row for row in rows}


# --- the lines of the manual ---------------------------------------------------------------------------------------------

def test_the_lines_that_teach_work_as_written(make_server):
    operator = make_server(serving=False)
    (operator.directory / "subscribers.csv").write_text(
        "login,password,plan,static_address\n"
        "line-8@isp.example,secret8,gold,\nline-9@isp.example,secret9,dsl-static,10.0.4.99\n")
    output = {}
    for line in LINES_THAT_TEACH.strip().splitlines():
        done = subprocess.run(
            ["bash", "-ec", line], text=True, capture_output=True, timeout=PATIENCE_S, cwd=operator.directory,
            env={**operator.environment(), "PATH": f"{ROOT}/bin:{os.environ['PATH']}"})
        assert done.returncode == OK and done.stderr == "", f"{line}\n{done.stderr}"
        output[line] = done.stdout
    show, sessions = [json.loads(output[line]) for line in LINES_THAT_TEACH.strip().splitlines()[-2:]]
    assert (show["login"], show["plan"], show["status"], show["sessions"]) == ("line-7@isp.example", "gold", "active", [])
    assert sessions == []
    assert operator.value("select count(*) from poprad.address a join poprad.pool using (pool_id) "
                          "where name = 'west-dynamic'") == str(2**17 - 2)
    plan = shown(operator, "plan", "show", "gold")
    assert [plan[name] for name in ("pool", "session_limit", "session_timeout_s", "idle_timeout_s", "interim_s", "filters")] == [
        "west-dynamic", 1, 28800, 900, 600, ["to-general-customer-equipment"]]
    assert shown(operator, "subscriber", "show", "line-9@isp.example")["static_address"] == "10.0.4.99"


def test_usage_by_day(operator, refused, login, session):
    user = login()
    key = session(user)
    operator.sql(f"""update poprad.session set in_octets = 1000, out_octets = 2000, updated_at = '2026-11-30 12:00Z'
        where session_key = '{key}';
        insert into poprad.usage_day select subscriber_id, day, plan_id, 60, 5, 7, 1 from poprad.subscriber,
            (values (date '2026-11-30'), ('2026-12-01')) d (day) where login = '{user}'""")
    plain = dict(plan="plain", seconds=60, octets_in=5, octets_out=7, sessions=1)
    november = [dict(day="2026-11-30", plan=None, seconds=3600, octets_in=1000, octets_out=2000, sessions=1),
                dict(day="2026-11-30", **plain)]
    assert shown(operator, "usage", user) == november + [dict(day="2026-12-01", **plain)]
    assert shown(operator, "usage", user, "--month", "2026-11") == november
    assert operator.ctl("usage", user, "--month", "2025-12") == ""
    assert "2026-11-30  plain  60       5" in operator.ctl("usage", user)
    refused(REFUSED, "there is no subscriber", "usage", user + "x")
    for month in ("2026", "2026-13", "2026-1", "11-2026", "2026-11-01"):
        refused(USAGE, "--month", "usage", user, "--month", month)


def test_every_level_has_its_help(operator):
    everything = operator.ctl("--help")
    for noun in ("db", "nas", "pool", "plan", "filter", "subscriber", "session", "status"):
        assert f"\n  {noun} " in everything
    assert "  add " in operator.ctl("nas", "--help")
    one = operator.ctl("nas", "add", "--help")
    assert "popradctl nas add bank-7 127.0.1.0/24 --secret testing123 --kind cisco --group west" in one
    assert "--secret-stdin" in one and "can see it on the" in " ".join(one.split())
    assert "can see it on the" in " ".join(operator.ctl("subscriber", "add", "--help").split())


# --- what is wrong with the line, the configuration, the database ----------------------------------------------------------

@pytest.mark.parametrize("words, part", [
    ((), "a noun is missing"),
    (("nas",), "a verb is missing"),
    (("nas", "explode"), "no command"),
    (("nas", "add", "a"), "PREFIX is missing"),
    (("nas", "add", "a", "10.0.0.0/33", "--secret", "s"), "is not a network"),
    (("nas", "add", "a", "host.example", "--secret", "s"), "is not a network"),
    (("nas", "add", "a", "10.99.0.1"), "a NAS needs a secret"),
    (("nas", "add", "a", "10.99.0.1", "--secret", "s", "--kind", "toaster"), "is not a kind of NAS"),
    (("nas", "add", "a", "10.99.0.1", "--secret", "s", "--secret-stdin"), "exclude each other"),
    (("nas", "add", "a\x1b[31m", "10.99.0.1", "--secret", "s"), "control characters"),
    (("nas", "list", "--xml"), "no option --xml"),
    (("plan", "add", "a", "--sessions", "-1"), "is not a whole number"),
    (("plan", "add", "a", "--sessions", "4294967296"), "is larger than"),
    (("plan", "add", "a", "--interim", "soon"), "is not a duration"),
    (("plan", "add", "a", "--allow-login", "perhaps"), "is not one of yes|no"),
    (("subscriber", "add", "a@isp.example", "--password", "p"), "--plan P is missing"),
    (("subscriber", "add", "a@isp.example", "--plan", "plain"), "needs a password"),
    (("subscriber", "add", "a b", "--plan", "plain", "--password", "p"), "has a space"),
    (("subscriber", "add", "a\nb", "--plan", "plain", "--password", "p"), "control characters"),
    (("subscriber", "add", "x" * 254, "--plan", "plain", "--password", "p"), "is too long"),
    (("filter", "add", "a", "--direction", "in", "--rule", "deny everything"), "is no rule: column 6: expected a protocol"),
    (("session", "close", "no-key"), "is not a session key"),
])
def test_a_wrong_line_is_a_usage_error(refused, words, part):
    refused(USAGE, part, *words)


def test_a_login_that_is_no_utf8_is_refused(operator):
    done = subprocess.run([ROOT / "bin" / "popradctl", "subscriber", "add", b"caf\xe9", "--plan", "plain", "--password", "p"],
                          capture_output=True, timeout=PATIENCE_S, env=operator.environment())
    assert done.returncode == USAGE
    assert b"not valid UTF-8" in done.stderr and b"\xe9" not in done.stderr


def test_a_configuration_that_is_not_there_is_named(operator):
    status, _, errors = operator.run("-c", "/nonexistent/poprad.conf", "nas", "list")
    assert status == REFUSED and "/nonexistent/poprad.conf" in errors
    path = operator.directory / "bad.conf"
    path.write_text("auth_port = many\n")
    status, _, errors = operator.run("nas", "list", "-c", str(path))
    assert status == USAGE and f"{path}:1:" in errors


def test_a_database_that_is_away_is_exit_code_3(operator, names):
    path = operator.directory / "away.conf"
    path.write_text(f'operator_database = "host={operator.directory}/nobody-here dbname=poprad"\n')
    status, output, errors = operator.run("nas", "list", "--json", "-c", str(path))
    assert (status, output) == (DATABASE, "")
    assert errors.startswith("popradctl: the database is away") and len(errors.splitlines()) == 1


def test_status_of_a_server_that_does_not_run(refused):
    refused(REFUSED, "the server does not run", "status")
    refused(REFUSED, "the server does not run", "status", "--json")


# --- db ------------------------------------------------------------------------------------------------------------------

def test_the_private_cluster_can_be_stopped_killed_and_started(make_server):
    operator = make_server(serving=False)
    status = shown(operator, "db", "status")
    assert status["running"] is True and status["schema_version"] >= 1 and status["database"] == "poprad"
    assert pathlib.Path(status["socket_dir"], f".s.PGSQL.{status['port']}").is_socket()
    assert operator.value("show listen_addresses") == ""
    assert operator.value("show fsync") == operator.value("show synchronous_commit") == "on"
    operator.ctl("db", "start")
    assert shown(operator, "db", "status")["pid"] == status["pid"]
    operator.kill_database()
    operator.ctl("db", "start")
    assert shown(operator, "db", "status")["pid"] != status["pid"]
    operator.ctl("db", "stop")
    operator.ctl("db", "stop")
    code, output, _ = operator.run("db", "status", "--json")
    assert code == REFUSED and json.loads(output)["running"] is False and json.loads(output)["pid"] is None
    operator.ctl("db", "init")
    assert by_name(shown(operator, "plan", "list")).keys() >= {"dialup", "dsl-dynamic", "dsl-static"}


def test_migrate_may_be_repeated_and_refuses_a_newer_schema(make_server):
    operator = make_server(serving=False)
    assert "0 migration(s) applied, functions unchanged" in operator.ctl("db", "migrate")
    operator.sql("update poprad.schema_code set checksum = 'older'")
    assert "functions applied" in operator.ctl("db", "migrate")
    operator.sql("update poprad.schema_migration set checksum = 'other' where version = 1")
    code, _, errors = operator.run("db", "migrate")
    assert code == REFUSED and "is not what was applied" in errors
    operator.sql("update poprad.schema_migration set checksum = '' where version = 1")
    operator.sql("insert into poprad.schema_migration (version, name) values (9999, 'from-the-future')")
    code, _, errors = operator.run("db", "migrate")
    assert code == REFUSED and "9999" in errors and "newer" in errors


def test_the_sample_may_be_loaded_again(operator):
    before = shown(operator, "pool", "list")
    operator.ctl("db", "sample")
    assert shown(operator, "pool", "list") == before


@pytest.fixture
def conf_with(operator, names):
    """conf_with(cluster_dir=...): words that name a configuration with these options changed."""
    def write(**changes):
        path = operator.directory / f"{names('conf')}.conf"
        options = {**operator.options, **changes}
        path.write_text("".join(f'{name} = "{value}"\n' for name, value in options.items()
                                if name not in ("listen", "auth_port", "acct_port", "workers")))
        path.chmod(0o644)
        return "-c", str(path)
    return write


def test_a_socket_path_that_is_too_long_is_refused_with_the_way_out(operator, conf_with, refused):
    deep = f"{operator.directory}/" + "d" * 90
    conf = conf_with(operator_database=f"host={deep} dbname=poprad user=poprad_operator")
    refused(REFUSED, "name a shorter directory", "db", "init", *conf)


def test_without_a_private_cluster_there_is_nothing_to_start(operator, conf_with, refused):
    conf = conf_with(cluster_dir="")
    refused(REFUSED, "no private cluster is configured", "db", "start", *conf)
    refused(REFUSED, "no private cluster is configured", "db", "stop", *conf)
    refused(USAGE, "add --admin", "db", "migrate", *conf)
    assert shown(operator, "db", "status", *conf)["running"] is True


def test_init_in_an_existing_database(operator, conf_with):
    operator.sql("create database elsewhere")
    location = f"host={operator.directory}/postgresql/socket dbname=elsewhere"
    conf = conf_with(cluster_dir="", operator_database=f"{location} user=poprad_operator")
    assert "schema version" in operator.ctl("db", "init", "--admin", f"{location} user=postgres", *conf)
    assert shown(operator, "db", "status", *conf)["schema_version"] >= 1
    operator.ctl("realm", "add", "isp.example", *conf)
    assert shown(operator, "subscriber", "list", *conf) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_directory_that_the_cluster_user_cannot_enter_is_named(operator, conf_with, refused):
    private = operator.directory / "private"
    private.mkdir()
    private.chmod(0o700)
    conf = conf_with(cluster_dir=f"{private}/pg", operator_database=f"host={private}/pg/socket dbname=poprad")
    refused(REFUSED, f"cannot enter {private}:", "db", "init", *conf)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_stranger_on_the_machine_may_not_connect(operator):
    nobody = pwd.getpwnam("nobody")
    done = subprocess.run(
        ["psql", "-X", "-h", f"{operator.directory}/postgresql/socket", "-U", "poprad_operator", "-d", "poprad", "-c", "select 1"],
        capture_output=True, text=True, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/", timeout=PATIENCE_S)
    if operator.user == "nobody":
        pytest.skip("nobody runs the cluster here")
    assert done.returncode != 0 and "authentication failed" in done.stderr


# --- nas, group ------------------------------------------------------------------------------------------------------------

def test_a_nas_is_added_changed_shown_and_removed(operator, refused, names):
    name, group = names("nas"), names("group")
    operator.ctl("nas", "add", name, "127.9.1.0/24", "--secret-stdin", "--group", group, "--timeout", "3s", stdin="s3cret\n")
    row = shown(operator, "nas", "show", name)
    assert "secret" not in row and "s3cret" not in operator.ctl("nas", "list", "--json")
    assert {key: row[key] for key in ("prefix", "kind", "nas_group", "require_message_authenticator", "limit_proxy_state",
                                      "no_accounting", "timeout_ms", "nas_learned")} == {
        "prefix": "127.9.1.0/24", "kind": "other", "nas_group": group, "require_message_authenticator": "auto",
        "limit_proxy_state": True, "no_accounting": False, "timeout_ms": 3000, "nas_learned": []}
    operator.ctl("nas", "set", name, "--require-message-authenticator", "yes", "--limit-proxy-state", "no", "--kind", "mikrotik")
    row = shown(operator, "nas", "show", name, "--with-secret")
    assert (row["secret"], row["kind"], row["require_message_authenticator"], row["limit_proxy_state"], row["nas_group"]) == (
        "s3cret", "mikrotik", "yes", False, group)
    operator.ctl("nas", "set", name, "--no-group", "--secret", "{odd} $ecret")
    assert shown(operator, "nas", "show", name, "--with-secret")["secret"] == "{odd} $ecret"
    assert shown(operator, "nas", "show", name)["nas_group"] is None
    refused(REFUSED, "exists already", "nas", "add", name, "127.9.2.0/24", "--secret", "s")
    refused(REFUSED, "another NAS has exactly that prefix", "nas", "add", names(), "127.9.1.0/24", "--secret", "s")
    refused(REFUSED, "did you mean 127.9.0.0/16?", "nas", "add", names(), "127.9.1.0/16", "--secret", "s")
    refused(REFUSED, "at most 60 seconds", "nas", "set", name, "--timeout", "61s")
    assert shown(operator, "nas", "show", name)["interim_s"] is None
    for given, stored in ((("--interim", "15m"), 900), (("--interim", "0"), 0), (("--interim-as-told",), None)):
        operator.ctl("nas", "set", name, *given)
        assert shown(operator, "nas", "show", name)["interim_s"] == stored
    refused(REFUSED, "0 (none) or at least 60 seconds", "nas", "set", name, "--interim", "30s")
    refused(USAGE, "exclude each other", "nas", "set", name, "--interim", "5m", "--interim-as-told")
    operator.ctl("nas", "remove", name)
    for verb in ("remove", "show", "set"):
        refused(REFUSED, "there is no NAS", "nas", verb, name)


def test_a_month_of_history_is_detached_attached_and_dropped(operator, refused):
    operator.sql("set role poprad_owner; select poprad.session_history_partition('2024-02-01')")

    def attached():
        return [row["is_attached"] for row in operator.ctl_json("history", "list") if row["month"] == "2024-02"]
    assert attached() == [True] and "2024-02" in operator.ctl("history", "list")
    refused(REFUSED, "is not detached", "history", "drop", "2024-02")
    operator.ctl("history", "detach", "2024-02")
    assert attached() == [False]
    assert operator.value("select count(*) from poprad.session_archive_202402") == "0"
    operator.ctl("history", "attach", "2024-02")
    assert attached() == [True]
    operator.ctl("history", "detach", "2024-02")
    operator.ctl("history", "drop", "2024-02")
    assert attached() == []
    refused(REFUSED, "there is no history of 2024-02", "history", "detach", "2024-02")
    for wrong in ("2024-13", "202402", "2024-2", "0000-01", "last"):
        refused(USAGE, "is no month such as", "history", "detach", wrong)


def test_an_ipv6_nas(operator, names):
    name = names("nas")
    operator.ctl("nas", "add", name, "2001:DB8:0::/48", "--secret", "s", "--kind", "cisco")
    assert shown(operator, "nas", "show", name)["prefix"] == "2001:db8::/48"


def test_a_learned_message_authenticator_is_forgotten(operator, refused, names):
    name = names("nas")
    operator.ctl("nas", "add", name, "127.9.3.1", "--secret", "s")
    operator.sql(f"insert into poprad.nas_learned (source, nas_id) select '127.9.3.1', nas_id from poprad.nas where name = '{name}'")
    assert shown(operator, "nas", "show", name)["nas_learned"] == ["127.9.3.1"]
    operator.ctl("nas", "forget", "127.9.3.1")
    refused(REFUSED, "nothing was learned", "nas", "forget", "127.9.3.1")


def test_open_sessions_of_a_removed_nas_are_told(operator, names, login):
    name, user = names("nas"), login()
    operator.ctl("nas", "add", name, "127.9.4.1", "--secret", "s")
    operator.sql(f"""insert into poprad.session (session_key, state, nas_id, nas_address, user_name)
        select gen_random_uuid(), 'active', nas_id, '127.9.4.1', '{user}' from poprad.nas where name = '{name}'""")
    assert operator.ctl("nas", "remove", name).startswith("1 open session(s) of it keep their addresses")
    operator.sql(f"delete from poprad.session where user_name = '{user}'")


def test_groups(operator, refused, names):
    group, name = names("group"), names("nas")
    operator.ctl("nas", "add", name, "127.9.5.1", "--secret", "s", "--group", group)
    assert by_name(shown(operator, "group", "list"))[group] == {
        "name": group, "nas_group_id": by_name(shown(operator, "group", "list"))[group]["nas_group_id"], "is_own_network": True,
        "filters": [], "nas_count": 1}
    operator.ctl("group", "set", group, "--own-network", "no")
    assert by_name(shown(operator, "group", "list"))[group]["is_own_network"] is False
    refused(REFUSED, "a NAS belongs to that group", "group", "remove", group)
    operator.ctl("nas", "remove", name)
    operator.ctl("group", "remove", group)
    refused(REFUSED, "there is no group", "group", "set", group, "--own-network", "yes")


# --- pool ------------------------------------------------------------------------------------------------------------------

def test_a_pool_has_ranges_with_and_without_their_ends(operator, names):
    name, group = names("pool"), names("group")
    operator.ctl("pool", "add", name, "10.50.0.0/24")
    operator.ctl("pool", "add", name, "10.50.1.0/24", "--all", "--group", group)
    operator.ctl("pool", "add", name, "2001:db8:50::/120")
    ranges = shown(operator, "pool", "list", name)
    assert [(row["prefix"], row["nas_group"], row["first_address"], row["last_address"], row["size"], row["free"])
            for row in ranges] == [
        ("10.50.0.0/24", None, "10.50.0.1", "10.50.0.254", 254, 254),
        ("10.50.1.0/24", group, "10.50.1.0", "10.50.1.255", 256, 256),
        ("2001:db8:50::/120", None, "2001:db8:50::1", "2001:db8:50::fe", 254, 254)]
    assert operator.value(f"select count(*) from poprad.address a join poprad.pool p using (pool_id) where p.name = '{name}' "
                          "and a.address = host(a.address)::inet") == "764"
    operator.ctl("pool", "remove", name, "10.50.1.0/24")
    assert len(shown(operator, "pool", "list", name)) == 2
    operator.ctl("pool", "remove", name)
    assert shown(operator, "pool", "list", name) == []


def test_ranges_that_may_not_be(refused, operator, names):
    name = names("pool")
    operator.ctl("pool", "add", name, "10.51.0.0/24")
    refused(REFUSED, "did you mean 192.168.4.0/22?", "pool", "add", name, "192.168.6.0/22")
    for overlapping in ("10.51.0.0/24", "10.51.0.128/25", "10.50.0.0/15"):
        refused(REFUSED, f"{overlapping} overlaps 10.51.0.0/24 of pool {name}", "pool", "add", name, overlapping)
    refused(REFUSED, "too large", "pool", "add", name, "2001:db8::/64")
    refused(REFUSED, "too large", "pool", "add", name, "16.0.0.0/7")
    refused(REFUSED, "add --all", "pool", "add", name, "10.52.0.0/31")
    refused(REFUSED, "no subscriber can have", "pool", "add", name, "224.0.0.0/24")
    refused(REFUSED, "no range 10.53.0.0/24", "pool", "remove", name, "10.53.0.0/24")
    refused(REFUSED, "there is no pool", "pool", "remove", names("pool"))
    assert [row["size"] for row in shown(operator, "pool", "list", name)] == [254]


def test_a_pool_in_use_stays(operator, refused, names, login, session):
    pool, plan = names("pool"), names("plan")
    operator.ctl("pool", "add", pool, "10.54.0.0/29")
    operator.ctl("plan", "add", plan, "--pool", pool)
    refused(REFUSED, f"plan {plan} uses pool", "pool", "remove", pool)
    operator.ctl("plan", "remove", plan)
    key = session(login(), address="10.54.0.3")
    refused(REFUSED, "1 of its addresses are leased, for example 10.54.0.3", "pool", "remove", pool)
    assert shown(operator, "pool", "list", pool)[0]["used"] == 1
    operator.ctl("session", "close", key)
    operator.ctl("pool", "remove", pool)


def test_a_static_address_outlives_its_pool(operator, names, login):
    pool = names("pool")
    operator.ctl("pool", "add", pool, "10.55.0.0/29")
    user = login("--plan", "plain", "--static-address", "10.55.0.2")
    assert shown(operator, "pool", "list", pool)[0]["used"] == 1
    row = shown(operator, "address", "show", "10.55.0.2")
    assert (row["pool"], row["is_static"], row["static_login"]) == (pool, True, user)
    operator.ctl("pool", "remove", pool)
    assert shown(operator, "address", "show", "10.55.0.2")["pool"] is None
    operator.ctl("pool", "add", pool, "10.55.0.0/29")
    assert shown(operator, "address", "show", "10.55.0.2")["pool"] == pool
    operator.ctl("subscriber", "set", user, "--no-static-address")
    assert shown(operator, "address", "show", "10.55.0.2")["is_static"] is False


# --- plan, filter, realm -----------------------------------------------------------------------------------------------------

def test_a_plan_is_added_changed_and_removed(operator, refused, names, login):
    name = names("plan")
    operator.ctl("plan", "add", name, "--pool", "dynamic", "--netmask", "255.255.255.0", "--attribute", "Port-Limit = 1",
                 "--attribute", "Cisco-AVPair = ip:outacl=101", "--filter", "to-general-customer-equipment", "--filter",
                 "from-general-customer-equipment")
    plan = shown(operator, "plan", "show", name)
    assert plan["attributes"] == ["Port-Limit = 1", "Cisco-AVPair = ip:outacl=101"]
    assert plan["filters"] == ["to-general-customer-equipment", "from-general-customer-equipment"]
    assert (plan["session_limit"], plan["netmask"], plan["allows_login"]) == (0, "255.255.255.0", False)
    operator.ctl("plan", "set", name, "--sessions", "2", "--allow-login", "yes", "--no-filters", "--no-pool")
    plan = shown(operator, "plan", "show", name)
    assert (plan["session_limit"], plan["allows_login"], plan["filters"], plan["pool"], len(plan["attributes"])) == (
        2, True, [], None, 2)
    operator.ctl("plan", "set", name, "--no-attributes")
    assert shown(operator, "plan", "show", name)["attributes"] == []
    user = login("--plan", name)
    refused(REFUSED, "subscribers have that plan", "plan", "remove", name)
    operator.ctl("subscriber", "remove", user)
    operator.ctl("plan", "remove", name)
    refused(REFUSED, "there is no plan", "plan", "show", name)


def test_a_plan_that_may_not_be(refused, operator, names):
    name = names("plan")
    refused(REFUSED, "there is no pool nowhere", "plan", "add", name, "--pool", "nowhere")
    refused(REFUSED, "there is no filter nothing", "plan", "add", name, "--filter", "nothing")
    refused(REFUSED, "given twice", "plan", "add", name, "--filter", "to-general-customer-equipment", "--filter",
            "to-general-customer-equipment")
    refused(REFUSED, "No-Such-Thing", "plan", "add", name, "--attribute", "No-Such-Thing = 1")
    refused(REFUSED, "Port-Limit", "plan", "add", name, "--attribute", "Port-Limit = many")
    refused(REFUSED, "at least 60 seconds", "plan", "add", name, "--interim", "10s")
    refused(USAGE, "exclude each other", "plan", "set", name, "--pool", "dynamic", "--no-pool")
    assert name not in by_name(shown(operator, "plan", "list"))
    operator.ctl("plan", "add", name)
    refused(REFUSED, "exists already", "plan", "add", name)


def test_a_filter_is_added_changed_and_removed(operator, refused, names):
    name, plan = names("filter"), names("plan")
    operator.ctl("filter", "add", name, "--direction", "in", "--purpose", "No mail but ours.",
                 "--rule", "permit tcp pool dynamic 10.0.1.0 0.0.0.15 eq 25", "--rule", "deny tcp any any eq smtp 465",
                 "--rule", "permit ip any any")
    row = shown(operator, "filter", "show", name)
    assert row["rules"] == ["permit tcp pool dynamic 10.0.1.0/28 eq smtp", "deny tcp any any eq smtp 465", "permit ip any any"]
    operator.ctl("filter", "set", name, "--scope", "router")
    assert by_name(shown(operator, "filter", "list"))[name]["scope"] == "router"
    assert len(shown(operator, "filter", "show", name)["rules"]) == 3
    refused(REFUSED, "there is no pool nowhere", "filter", "set", name, "--rule", "deny ip pool nowhere any")
    refused(USAGE, "did you mean 10.0.1.0/28?", "filter", "set", name, "--rule", "deny ip 10.0.1.1/28 any")
    operator.ctl("plan", "add", plan, "--filter", name)
    assert shown(operator, "filter", "show", name)["plans"] == [plan]
    refused(REFUSED, "a plan uses that filter", "filter", "remove", name)
    operator.ctl("plan", "remove", plan)
    operator.ctl("filter", "remove", name)
    refused(REFUSED, "there is no filter", "filter", "show", name)


def test_realms(operator, refused, names):
    realm = f"{names('realm')}.example"
    operator.ctl("realm", "add", realm.upper())
    assert realm in by_name(shown(operator, "realm", "list"))
    refused(REFUSED, "exists already", "realm", "add", realm)
    operator.ctl("subscriber", "add", f"info@{realm}", "--plan", "plain", "--password", "p")
    refused(REFUSED, "subscribers are in that realm", "realm", "remove", realm)
    operator.ctl("subscriber", "remove", f"info@{realm}")
    operator.ctl("realm", "remove", realm)
    refused(REFUSED, "there is no realm", "realm", "remove", realm)


# --- subscriber ----------------------------------------------------------------------------------------------------------------

def test_what_a_subscriber_has_of_his_own(operator, refused, names):
    user = names("line")
    own = ("session_limit", "session_timeout_s", "idle_timeout_s", "interim_s")
    operator.ctl("subscriber", "add", user, "--plan", "plain", "--password", "p", "--session-timeout", "8h", "--interim", "10m")
    row = shown(operator, "subscriber", "show", user)
    assert [row[key] for key in own] == [None, 28800, None, 600]
    operator.ctl("subscriber", "set", user, "--session-timeout", "none", "--idle-timeout", "15m", "--interim", "0", "--sessions", "2")
    row = shown(operator, "subscriber", "show", user)
    assert [row[key] for key in own] == [2, None, 900, 0]
    operator.ctl("subscriber", "set", user, "--expires", "2027-01-31")
    assert shown(operator, "subscriber", "show", user)["session_limit"] == 2
    operator.ctl("subscriber", "set", user, "--idle-timeout", "none", "--interim", "none", "--sessions", "none")
    row = next(row for row in shown(operator, "subscriber", "list") if row["login"] == user)
    assert [row[key] for key in own] == [None] * 4
    errors = refused(REFUSED, "at least 60 seconds", "subscriber", "set", user, "--interim", "10s", "--expires", "2029-01-31")
    assert errors.startswith("popradctl: --interim: 10 is neither 0")
    assert shown(operator, "subscriber", "show", user)["expires_at"] == "2027-01-31T00:00:00Z"
    refused(USAGE, "is not a duration", "plan", "set", "plain", "--interim", "none")
    refused(REFUSED, "there is no subscriber", "subscriber", "set", user + "x", "--sessions", "1")


def test_login_hours(operator, refused, names):
    plan, user = names("plan"), names("line")
    operator.ctl("plan", "add", plan, "--login-hours", "Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00", "--time-zone", "Europe/Berlin")
    operator.ctl("subscriber", "add", user, "--plan", plan, "--password", "p")
    row = shown(operator, "plan", "show", plan)
    assert (row["login_hours"], row["time_zone"]) == ("Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00", "Europe/Berlin")
    assert "  Login hours: Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00 (Europe/Berlin)." in operator.ctl("why", user).splitlines()
    operator.ctl("subscriber", "set", user, "--login-hours", "always")
    assert shown(operator, "subscriber", "show", user)["login_hours"] == "always"
    assert "Login hours" not in operator.ctl("why", user)
    operator.ctl("subscriber", "set", user, "--login-hours", "none")
    operator.ctl("plan", "set", plan, "--login-hours", "Mo 18:00-23:00")
    assert "  Login hours: Mo 18:00-23:00 (Europe/Berlin)." in operator.ctl("why", user).splitlines()
    operator.ctl("subscriber", "set", user, "--time-zone", "Asia/Kolkata")
    assert shown(operator, "subscriber", "show", user)["time_zone"] == "Asia/Kolkata"
    assert "  Login hours: Mo 18:00-23:00 (Asia/Kolkata)." in operator.ctl("why", user).splitlines()
    operator.ctl("subscriber", "set", user, "--time-zone", "none")
    assert "  Login hours: Mo 18:00-23:00 (Europe/Berlin)." in operator.ctl("why", user).splitlines()
    refused(REFUSED, "--login-hours: column 10: is no time of 00:00 to 24:00", "plan", "set", plan, "--login-hours",
            "Mo 18:00-25:00")
    refused(REFUSED, "--login-hours: column 1: is no day", "subscriber", "set", user, "--login-hours", "Monday 18:00-20:00"[3:])
    refused(USAGE, "is no time zone that this machine knows", "plan", "set", plan, "--time-zone", "Europe/Nowhere")


def test_bindings(operator, refused, names):
    plan, user, group, nas = names("plan"), names("line"), names("group"), names("nas")
    operator.ctl("nas", "add", nas, "192.0.2.77/32", "--secret", "s", "--kind", "cisco", "--group", group)
    operator.ctl("plan", "add", plan, "--calling-station", "02555*", "--nas-port-type", "5", "--nas-port-type", "ethernet",
                 "--nas-group", group)
    lists = ("calling_stations", "called_stations", "nas_port_types", "nas_groups")
    row = shown(operator, "plan", "show", plan)
    assert [row[one] for one in lists] == [["02555*"], [], ["Virtual", "Ethernet"], [group]]
    assert row["learn_calling_station"] is False
    operator.ctl("subscriber", "add", user, "--plan", plan, "--password", "p", "--called-station", "00-11-22-33-44-55:guests",
                 "--no-calling-stations", "--learn-calling-station", "yes")
    row = shown(operator, "subscriber", "show", user)
    assert [row[one] for one in lists] == [[], ["00-11-22-33-44-55:guests"], None, None]
    assert (row["learn_calling_station"], row["learned_calling_station"]) == (True, None)
    assert operator.ctl("why", user).splitlines()[1:5] == [
        "  Only to called station 00-11-22-33-44-55:guests.", "  Only over ports of type Virtual, Ethernet.",
        f"  Only through NASes of group {group}.", "  The next calling station that he is let in from will be the only one."]
    operator.ctl("subscriber", "set", user, "--calling-station", "none", "--called-station", "none",
                 "--learn-calling-station", "none", "--no-nas-port-types", "--nas-group", "none")
    assert operator.ctl("why", user).splitlines()[1:3] == [
        "  Only from calling station 02555*.", f"  Only through NASes of group {group}."]
    operator.ctl("nas", "set", nas, "--no-group")
    refused(REFUSED, f"plan {plan} is bound to NAS group {group}", "group", "remove", group)
    refused(REFUSED, "there is no NAS group elsewhere", "plan", "set", plan, "--nas-group", "elsewhere")
    refused(REFUSED, "--calling-station: element 1 has a * that is not its end", "plan", "set", plan, "--calling-station", "1*1")
    refused(REFUSED, "--nas-port-type: NAS-Port-Type: the value does not fit", "plan", "set", plan, "--nas-port-type", "Carrier-Pigeon")
    refused(USAGE, "exclude each other", "plan", "set", plan, "--nas-group", group, "--no-nas-groups")
    refused(REFUSED, f"{user} has learned no calling station", "subscriber", "forget-station", user)
    refused(REFUSED, "there is no subscriber nobody", "subscriber", "forget-station", "nobody")


def test_a_plan_for_suspended_and_expired_subscribers(operator, refused, names):
    plan, garden, user = names("plan"), names("garden"), names("line")
    operator.ctl("plan", "add", garden, "--session-timeout", "5m")
    operator.ctl("plan", "add", plan, "--suspended", garden)
    row = shown(operator, "plan", "show", plan)
    assert (row["suspended"], row["expired"]) == (garden, "reject")
    operator.ctl("subscriber", "add", user, "--plan", plan, "--password", "p", "--expires", "2020-01-31")
    told = f"  Let in with plan {garden} meanwhile, and nothing of his own."
    assert told not in operator.ctl("why", user).splitlines()
    operator.ctl("subscriber", "suspend", user)
    assert told in operator.ctl("why", user).splitlines()
    operator.ctl("plan", "set", plan, "--suspended", "reject", "--expired", garden)
    row = shown(operator, "plan", "show", plan)
    assert (row["suspended"], row["expired"]) == ("reject", garden)
    assert told not in operator.ctl("why", user).splitlines()
    operator.ctl("subscriber", "resume", user)
    assert told in operator.ctl("why", user).splitlines()
    refused(REFUSED, "another plan lets its expired subscribers in with that plan", "plan", "remove", garden)
    refused(REFUSED, "are let in with another plan", "plan", "set", plan, "--suspended", plan)
    refused(REFUSED, "are let in with another plan", "plan", "set", plan, "--expired", plan)
    refused(REFUSED, "there is no plan nothing", "plan", "set", plan, "--expired", "nothing")


def test_a_subscriber_is_added_changed_and_removed(operator, refused, names):
    user = f"{names('Line')}@isp.example"
    operator.ctl("subscriber", "add", user.replace("isp", "ISP"), "--plan", "plain", "--password-stdin", "--expires", "2027-01-31",
                 "--sessions", "3", "--static-address", "10.0.4.77", "--attribute", "Framed-MTU = 1400", stdin="pass word\n")
    row = shown(operator, "subscriber", "show", user)
    assert {key: row[key] for key in ("login", "realm", "plan", "status", "expires_at", "static_address", "session_limit",
                                      "attributes", "password_form", "sessions")} == {
        "login": user, "realm": "isp.example", "plan": "plain", "status": "active", "expires_at": "2027-01-31T00:00:00Z",
        "static_address": "10.0.4.77", "session_limit": 3, "attributes": ["Framed-MTU = 1400"], "password_form": "clear",
        "sessions": []}
    assert "password" not in row
    assert shown(operator, "subscriber", "show", user, "--with-password")["password"] == "pass word"
    operator.ctl("subscriber", "set", user, "--expires", "never", "--sessions", "none", "--no-static-address", "--no-attributes",
                 "--password", "{nt}8846f7eaee8fb117ad06bdd830b7586c", "--plan", "dialup")
    row = shown(operator, "subscriber", "show", user)
    assert [row[key] for key in ("expires_at", "session_limit", "static_address", "attributes", "password_form", "plan")] == [
        None, None, None, [], "nt", "dialup"]
    operator.ctl("subscriber", "suspend", user)
    assert shown(operator, "subscriber", "show", user)["status"] == "suspended"
    operator.ctl("subscriber", "resume", user)
    assert shown(operator, "subscriber", "show", user)["status"] == "active"
    operator.ctl("subscriber", "remove", user)
    for verb in ("show", "suspend", "resume", "remove", "set"):
        refused(REFUSED, "there is no subscriber", "subscriber", verb, user)
    assert operator.value("select count(*) from poprad.address where address = '10.0.4.77'") == "0"


def test_a_subscriber_that_may_not_be(operator, refused, login):
    user = login("--plan", "plain", "--static-address", "10.0.4.78")
    add = ("subscriber", "add")
    refused(REFUSED, "exists already", *add, user, "--plan", "plain", "--password", "p")
    refused(REFUSED, "there is no plan silver", *add, "x@isp.example", "--plan", "silver", "--password", "p")
    refused(REFUSED, "has that static address", *add, "x@isp.example", "--plan", "plain", "--password", "p", "--static-address",
            "10.0.4.78")
    refused(REFUSED, "invalid input syntax", *add, "x@isp.example", "--plan", "plain", "--password", "p", "--expires", "soon")
    refused(USAGE, "standard input is empty", *add, "x@isp.example", "--plan", "plain", "--password-stdin")
    for line, part in (("a\0b\n", "NUL octet"), ("\n", "is empty"), ("p" * 5000, "is too long"), ("a\x1bb", "control characters")):
        refused(USAGE, part, *add, "x@isp.example", "--plan", "plain", "--password-stdin", stdin=line)
    errors = refused(USAGE, "--password", *add, "x@isp.example", "--plan", "plain", "--password", "{rot13}frperg")
    assert "frperg" not in errors
    refused(REFUSED, "No-Such-Thing", *add, "x@isp.example", "--plan", "plain", "--password", "p", "--attribute",
            "No-Such-Thing = 1")
    refused(REFUSED, "there is no subscriber", "subscriber", "show", "x@isp.example")


def test_a_realm_is_made_with_its_first_subscriber_or_not_at_all(operator, refused, names):
    realm = f"{names('realm')}.example"
    refused_words = ("subscriber", "add", f"a@{realm}", "--plan", "silver", "--password", "p")
    status, _, _ = operator.run(*refused_words)
    assert status == REFUSED and realm not in by_name(shown(operator, "realm", "list"))
    assert f"realm {realm} is new" in operator.ctl("subscriber", "add", f"a@{realm}", "--plan", "plain", "--password", "p")
    assert operator.ctl("subscriber", "add", f"b@{realm}", "--plan", "plain", "--password", "p") == ""


def test_a_leased_address_cannot_become_static(operator, refused, names, login, session):
    pool = names("pool")
    operator.ctl("pool", "add", pool, "10.56.0.0/29")
    holder, other = login(), login()
    key = session(holder, address="10.56.0.4")
    refused(REFUSED, f"10.56.0.4 is leased to {holder} now", "subscriber", "set", other, "--static-address", "10.56.0.4")
    operator.ctl("subscriber", "set", holder, "--static-address", "10.56.0.4")
    operator.ctl("session", "close", key)
    assert shown(operator, "address", "show", "10.56.0.4")["is_static"] is True


def test_a_subscriber_with_active_sessions_is_removed_by_force_alone(operator, refused, names, login, session):
    pool = names("pool")
    operator.ctl("pool", "add", pool, "10.57.0.0/29")
    user = login()
    key = session(user, address="10.57.0.4")
    subscriber = shown(operator, "subscriber", "show", user)
    assert [row["session_key"] for row in subscriber["sessions"]] == [key]
    assert subscriber["last_address"] == "10.57.0.4"
    refused(REFUSED, "has 1 active session(s)", "subscriber", "remove", user)
    operator.ctl("subscriber", "remove", user, "--force")
    assert operator.sql(f"select state, terminate_cause from poprad.session where session_key = '{key}'") == [
        ("closed", "Admin-Reset")]
    assert shown(operator, "address", "show", "10.57.0.4")["session_key"] is None
    user = login()
    key = session(user, "authorised", address="10.57.0.4")
    operator.ctl("subscriber", "remove", user)
    assert shown(operator, "session", "show", key)["state"] == "closed"
    assert shown(operator, "address", "show", "10.57.0.4")["session_key"] is None


def test_listing_pages_through_many(operator, csv, names):
    """More than twenty pages; only the page at hand is held, here and there."""
    count, plan = 20_500, names("plan")
    operator.ctl("plan", "add", plan)
    operator.ctl("subscriber", "import", csv("login,password,plan\n" + "".join(
        f"page-{number:05}@isp.example,p{number},{plan}\n" for number in range(count))))
    wanted = [f"page-{number:05}@isp.example" for number in range(count)]
    assert [row["login"] for row in shown(operator, "subscriber", "list", "--prefix", "page-")] == wanted
    assert [row["login"] for row in shown(operator, "subscriber", "list", "--plan", plan, "--realm", "isp.example")] == wanted
    assert shown(operator, "subscriber", "list", "--plan", plan, "--status", "suspended") == []
    lines = operator.ctl("subscriber", "list", "--prefix", "page-204").splitlines()
    assert len(lines) == 101 and lines[0].split()[:2] == ["login", "plan"] and lines[1].startswith("page-20400@isp.example")
    reader = subprocess.run(["bash", "-c", "set -o pipefail; popradctl subscriber list | head -n 3"], text=True,
                            capture_output=True, timeout=PATIENCE_S,
                            env={**operator.environment(), "PATH": f"{ROOT}/bin:{os.environ['PATH']}"})
    assert reader.returncode == OK and len(reader.stdout.splitlines()) == 3 and reader.stderr == ""


# --- import --------------------------------------------------------------------------------------------------------------------

def test_columns_in_any_order_quotes_and_line_ends(operator, csv, names):
    one, two = names("csv"), names("csv")
    path = csv(b"\xef\xbb\xbf" + (f'plan,static_address,login,password\r\nplain,,{one}@ISP.example,"a ""quoted"", one"\r\n\r\n'
               f'plain,10.0.4.80,{two},back\\slash\tno').replace("\t", "").encode())
    assert operator.ctl("subscriber", "import", path) == "2 subscribers imported\n"
    row = shown(operator, "subscriber", "show", f"{one}@isp.example", "--with-password")
    assert (row["password"], row["static_address"], row["realm"]) == ('a "quoted", one', None, "isp.example")
    row = shown(operator, "subscriber", "show", two, "--with-password")
    assert (row["password"], row["static_address"], row["realm"]) == ("back\\slashno", "10.0.4.80", None)
    assert shown(operator, "address", "show", "10.0.4.80")["is_static"] is True
    assert operator.ctl("subscriber", "import", "-", stdin=f"login,password,plan\n{names('csv')},p,plain\n") == (
        "1 subscribers imported\n")


def test_columns_of_what_a_subscriber_has_of_his_own(operator, csv, names):
    one, two, tunnel, group = names("csv"), names("csv"), names("tunnel"), names("group")
    operator.ctl("tunnel", "add", tunnel, "--server", "lns.example")
    operator.sql(f"insert into poprad.nas_group (name) values ('{group}')")
    path = csv("login,password,plan,expires_at,framed_ipv6_prefix,delegated_ipv6_prefix,session_limit,session_timeout_s,"
               "idle_timeout_s,interim_s,login_hours,time_zone,calling_stations,learn_calling_station,called_stations,"
               "nas_port_types,nas_groups,tunnels\n"
               f"{one},p,plain,2027-01-31 12:00,2001:db8:51::/64,2001:db8:5100::/56,0,3600,60,120,Mo 18:00-20:00,Asia/Kolkata,"
               f"02555*; dslam-1 *,no,a;b;,ethernet,{group},{tunnel}\n"
               f"{two},p,plain,never" + "," * 14 + "\n")
    assert operator.ctl("subscriber", "import", path) == "2 subscribers imported\n"
    row = shown(operator, "subscriber", "show", one)
    assert row["expires_at"].startswith("2027-01-31") and "12:00:00" in row["expires_at"]
    assert {name: row[name] for name in (
        "framed_ipv6_prefix", "delegated_ipv6_prefix", "session_limit", "session_timeout_s", "idle_timeout_s", "interim_s",
        "login_hours", "time_zone", "calling_stations", "learn_calling_station", "called_stations", "nas_port_types", "nas_groups",
        "tunnels")} == {
        "framed_ipv6_prefix": "2001:db8:51::/64", "delegated_ipv6_prefix": "2001:db8:5100::/56", "session_limit": 0,
        "session_timeout_s": 3600, "idle_timeout_s": 60, "interim_s": 120, "login_hours": "Mo 18:00-20:00",
        "time_zone": "Asia/Kolkata", "calling_stations": ["02555*", "dslam-1 *"], "learn_calling_station": False,
        "called_stations": ["a", "b"], "nas_port_types": ["Ethernet"], "nas_groups": [group], "tunnels": [tunnel]}
    assert operator.value(f"select has_policy from poprad.subscriber where login = '{two}'") == "f"
    assert shown(operator, "subscriber", "show", two)["expires_at"] is None
    for header, value, part in (
            ("expires_at", "2027-02-30", "expires_at is no time like 2027-01-31"), ("expires_at", "soon", "expires_at is no time like"),
            ("framed_ipv6_prefix", "10.0.0.0/8", "framed_ipv6_prefix is no IPv6 prefix"),
            ("delegated_ipv6_prefix", "2001:db8::1/64", "delegated_ipv6_prefix is no IPv6 prefix"),
            ("framed_ipv6_prefix", "2001:db8:51::/64", f"subscriber {one} has the prefix 2001:db8:51::/64"),
            ("session_limit", "-1", "session_limit is no number"), ("interim_s", "10", "interim_s 10 is neither"),
            ("login_hours", "Mo", "login_hours column"), ("time_zone", "Nowhere", "time_zone"),
            ("calling_stations", "*", "calling_stations element 1"), ("learn_calling_station", "maybe", "learn_calling_station is neither yes nor no"),
            ("nas_port_types", "Bicycle", "nas_port_types"), ("nas_groups", "nowhere", "there is no NAS group nowhere"),
            ("tunnels", "nowhere", "there is no tunnel nowhere")):
        status, output, errors = operator.run("subscriber", "import", csv(f"login,password,plan,{header}\n{names()},p,plain,{value}\n"))
        assert (status, output) == (REFUSED, "") and f":2: {part}" in errors, errors


def test_columns_of_what_his_line_is_provided_with(operator, csv, names):
    one = names("csv")
    path = csv("login,password,plan,rate_in_kbit,rate_out_kbit,dns_servers,routes,address_list,tunnel_address,quota_day_s,"
               "quota_day_octets,quota_month_s,quota_month_octets,quota_counts,prepaid\n"
               f"{one},p,plain,512,6144,10.0.1.1;2001:db8::53,10.0.9.0/24,slow,yes,3600,5000000000,90000,60000000000,out,no\n")
    assert operator.ctl("subscriber", "import", path) == "1 subscribers imported\n"
    row = shown(operator, "subscriber", "show", one)
    assert {name: row[name] for name in (
        "rate_in_kbit", "rate_out_kbit", "dns_servers", "routes", "address_list", "tunnel_address", "quota_day_s",
        "quota_day_octets", "quota_month_s", "quota_month_octets", "quota_counts", "prepaid")} == {
        "rate_in_kbit": 512, "rate_out_kbit": 6144, "dns_servers": ["10.0.1.1", "2001:db8::53"], "routes": ["10.0.9.0/24"],
        "address_list": "slow", "tunnel_address": True, "quota_day_s": 3600, "quota_day_octets": 5000000000,
        "quota_month_s": 90000, "quota_month_octets": 60000000000, "quota_counts": "out", "prepaid": False}
    for header, value, part in (
            ("rate_in_kbit", "fast", "rate_in_kbit is no number"), ("dns_servers", "ns.example", "dns_servers \"ns.example\" is no address"),
            ("routes", "10.0.9.1/24", "routes \"10.0.9.1/24\" is no prefix"), ("quota_day_s", "99999999999", "quota_day_s"),
            ("quota_counts", "some", "quota_counts"), ("prepaid", "perhaps", "prepaid is neither yes nor no")):
        status, output, errors = operator.run("subscriber", "import", csv(f"login,password,plan,{header}\n{names()},p,plain,{value}\n"))
        assert (status, output) == (REFUSED, "") and f":2: {part}" in errors, errors


@pytest.mark.parametrize("header, part", [
    ("", "is empty"),
    ("login,password\n", "lacks one of the columns"),
    ("login,password,plan,shoe_size\n", "names a column other than those that --help lists: shoe_size"),
    ("login,password,plan,plan\n", "names a column twice"),
    ("line-1,secret,plain\n", "names a column other than"),
    ("login;password;plan\n", "names a column other than"),
])
def test_a_wrong_header_is_refused(refused, csv, header, part):
    refused(REFUSED, part, "subscriber", "import", csv(header))


def test_every_error_is_told_with_its_line_and_nothing_is_imported(operator, csv, login, names):
    known = login("--plan", "plain", "--static-address", "10.0.4.81")
    good = [f"{names('csv')}@isp.example" for _ in range(3)]
    rows = {
        2: (f"{good[0]},p,plain,", None),
        3: ("too,few", "the row has 2 fields, the header 4"),
        4: (f"{names()}@isp.example,p,silver,", "there is no plan silver (see popradctl plan list)"),
        5: (f"{known},p,plain,", f"a subscriber {known} exists already"),
        6: (f"{good[1]},p,plain,10.0.4.82", None),
        7: (f"{good[1]},p,plain,", f"login {good[1]} stands in line 6 already"),
        8: (f"{names()}@nowhere.example,p,plain,", "there is no realm nowhere.example (popradctl realm add nowhere.example)"),
        9: (f"{names()},p,plain,10.0.4.300", "static_address is no address"),
        10: (f"{names()},p,plain,10.0.4.81", f"subscriber {known} has the static address 10.0.4.81"),
        11: (f"{names()},p,plain,10.0.4.82", "static address 10.0.4.82 stands in line 6 already"),
        12: (f"{names()},,plain,", "password is empty"),
        13: (f"{'x' * 254},p,plain,", "login is too long"),
        14: ("caf\udce9,p,plain,", "login is not valid UTF-8"),
        15: ("nul\0l,p,plain,", "the row has a NUL octet"),
        16: (f'{names()},"p,plain', "the row begins a value with a double quote that is never closed"),
    }
    text = "login,password,plan,static_address\n" + "".join(f"{row}\n" for row, _ in rows.values())
    path = csv(text.encode(errors="surrogateescape"))
    status, output, errors = operator.run("subscriber", "import", path)
    assert (status, output) == (REFUSED, "")
    told = {line.split(": ", 2)[1]: line.split(": ", 2)[2] for line in errors.splitlines()[:-1]}
    assert told == {f"{path}:{number}": part for number, (_, part) in rows.items() if part}
    assert "nothing was imported" in errors.splitlines()[-1]
    for user in good:
        assert operator.run("subscriber", "show", user)[0] == REFUSED


def test_of_many_errors_twenty_are_told_and_the_rest_counted(operator, csv):
    status, _, errors = operator.run("subscriber", "import", csv("login,password,plan\n" + "bad row\n" * 30 + "x,p,silver\n" * 15))
    lines = errors.splitlines()
    assert status == REFUSED and len(lines) == 22
    assert "and 39 further errors" in lines[20]  # 30 rows, 15 plans, 14 repeated logins


def test_a_file_that_cannot_be_read(refused, operator):
    refused(REFUSED, "cannot read", "subscriber", "import", "/nonexistent.csv")
    refused(REFUSED, "is empty", "subscriber", "import", str(operator.directory))


@pytest.mark.once
def test_a_hundred_thousand_rows(operator, csv):
    count = 100_000
    path = csv("login,password,plan\n" + "".join(f"bulk-{number}@isp.example,p{number},dialup\n" for number in range(count)))
    assert operator.ctl("subscriber", "import", path) == f"{count} subscribers imported\n"
    assert operator.value("select count(*) from poprad.subscriber join poprad.subscriber_state using (subscriber_id) "
                          "where login like 'bulk-%'") == str(count)


# --- session ---------------------------------------------------------------------------------------------------------------------

def test_sessions_are_listed_shown_and_closed(operator, refused, names, login, session):
    pool = names("pool")
    operator.ctl("pool", "add", pool, "10.58.0.0/29")
    user, other = login(), login()
    active, authorised = session(user, address="10.58.0.2"), session(other, "authorised")
    listed = {row["session_key"]: row for row in shown(operator, "session", "list")}
    assert listed[active]["state"] == "active" and listed[authorised]["state"] == "authorised"
    assert [row["session_key"] for row in shown(operator, "session", "list", "--login", user)] == [active]
    assert authorised not in {row["session_key"] for row in shown(operator, "session", "list", "--state", "active")}
    assert {active, authorised} <= {row["session_key"] for row in shown(operator, "session", "list", "--nas", "localhost")}
    assert shown(operator, "session", "list", "--nas", "modem-bank") == []
    row = shown(operator, "session", "show", active)
    assert (row["login"], row["nas"], row["address"], row["session_time"], row["flags"]) == (
        user, "localhost", "10.58.0.2", 3600, [])
    assert [row["session_key"] for row in shown(operator, "session", "show", user)] == [active]
    assert "10.58.0.2 is free again" in operator.ctl("session", "close", active)
    row = shown(operator, "session", "show", active)
    assert (row["state"], row["terminate_cause"], row["cause_rank"]) == ("closed", "Admin-Reset", 3)
    assert row["stopped_at"] == row["updated_at"] and row["closed_at"] is not None
    assert shown(operator, "address", "show", "10.58.0.2")["session_key"] is None
    refused(REFUSED, "is closed already", "session", "close", active)
    assert "it held no address" in operator.ctl("session", "close", authorised, "--cause", "NAS-Error")
    assert shown(operator, "session", "show", authorised)["terminate_cause"] == "NAS-Error"
    refused(REFUSED, "there is no open session", "session", "close", KEY % 0xffff)
    refused(REFUSED, "there is no session", "session", "show", KEY % 0xffff)


def test_all_sessions_of_a_login(operator, refused, login, session):
    user = login()
    closed, active = session(user), session(user)
    operator.ctl("session", "close", closed)
    operator.sql(f"update poprad.session set closed_at = closed_at - interval '2 hours' where session_key = '{closed}'")
    operator.sql("select * from poprad.move_closed(array[500])")
    assert [row["session_key"] for row in shown(operator, "session", "list", "--login", user, "--state", "all")] == [active]
    both = [row["session_key"] for row in shown(operator, "session", "show", user)]
    assert both == sorted([closed, active])
    assert [row["session_key"] for row in shown(operator, "session", "show", user, "--last", "1")] == both[-1:]
    assert [row["session_key"] for row in shown(operator, "session", "show", user, "--last", "9")] == both
    assert shown(operator, "session", "show", "nobody") == []
    refused(USAGE, "--last goes with a login", "session", "show", active, "--last", "1")


def test_the_sessions_of_a_nas_that_is_gone(operator, refused, names, login, session):
    pool, nas, user = names("pool"), names("nas"), login()
    operator.ctl("pool", "add", pool, "10.60.0.0/29")
    operator.ctl("nas", "add", nas, "192.0.2.78/32", "--secret", "s", "--kind", "cisco")
    here, there, waiting = session(user, address="10.60.0.2"), session(user, address="10.60.0.3"), session(login(), "authorised")
    operator.sql(f"update poprad.session set nas_id = (select nas_id from poprad.nas where name = '{nas}') "
                 f"where session_key in ('{there}', '{waiting}')")
    operator.sql(f"""insert into poprad.session (session_key, state, nas_id, nas_address, user_name, started_at)
        select gen_random_uuid(), 'active', nas_id, '192.0.2.78', 'nobody', now() - interval '1 h'
        from poprad.nas, generate_series(1, 1200) where name = '{nas}'""")
    assert operator.ctl("session", "close-nas", nas, "--before", "2020-01-31") == "0 sessions closed\n"
    assert operator.ctl("session", "close-nas", nas, "--cause", "NAS-Reboot") == "1202 sessions closed\n"
    assert [shown(operator, "session", "show", key)["state"] for key in (here, there, waiting)] == ["active", "closed", "closed"]
    assert shown(operator, "session", "show", there)["terminate_cause"] == "NAS-Reboot"
    assert shown(operator, "address", "show", "10.60.0.3")["session_key"] is None
    refused(REFUSED, "there is no nas nothing", "session", "close-nas", "nothing")
    refused(REFUSED, "invalid input syntax", "session", "close-nas", nas, "--before", "noon")


def test_who_had_an_address(operator, refused, names, login, session):
    pool = names("pool")
    operator.ctl("pool", "add", pool, "10.59.0.0/29")
    user = login()
    key = session(user, address="10.59.0.2")
    started = operator.value(f"select to_char(started_at + interval '1 s', 'YYYY-MM-DD HH24:MI:SS') from poprad.session "
                             f"where session_key = '{key}'")

    began = operator.value(f"select started_at from poprad.session where session_key = '{key}'")

    def at(*when):
        return [row["session_key"] for row in shown(operator, "session", "list", "--address", "10.59.0.2", *when)]
    assert at() == at("--at", started) == [key]
    assert at("--at", "2020-01-31 12:00") == at("--state", "authorised") == []
    assert operator.ctl("session", "list", "--address", "10.59.0.3").startswith("no session is known that has 10.59.0.3 at ")
    assert operator.ctl("session", "list", "--address", "10.59.0.2", "--at", "31/Jan/2020:12:00:00 +0100") == (
        "no session is known that had 10.59.0.2 at 2020-01-31 11:00:00+00\n"
        f"after: {user}, from {began} (session {key})\n")
    operator.ctl("session", "close", key)
    assert (at(), at("--at", started), at("--at", started, "--state", "open")) == ([], [key], [])
    operator.sql(f"update poprad.session set closed_at = closed_at - interval '2 hours' where session_key = '{key}'")
    operator.sql("select * from poprad.move_closed(array[500])")
    assert at("--at", started) == [key]
    ended = operator.value(f"select stopped_at from poprad.session_history where session_key = '{key}'")
    for words in ("10.59.0.2", "--at", "2099-01-31"), ("10.59.0.2",):
        said = operator.ctl("session", "list", "--address", *words).splitlines()
        assert said[0].startswith("no session is known that ha") and said[1:] == [f"before: {user}, until {ended} (session {key})"]
    refused(REFUSED, "invalid input syntax", "session", "list", "--address", "10.59.0.2", "--at", "yesterday-ish")
    refused(USAGE, "--at says when somebody had an --address", "session", "list", "--at", started)


def test_what_a_nas_sent_cannot_move_the_cursor(operator, login, session):
    user = login()
    key = session(user)
    operator.sql(f"update poprad.session set user_name = E'evil\\x1b[2J\\u009b\\n' where session_key = '{key}'")
    output = operator.ctl("session", "list", "--login", user)
    assert "evil\\x1b[2J\\x9b\\x0a" in output and "\x1b" not in output and "\x9b" not in output
    assert shown(operator, "session", "show", key)["user_name"] == "evil\x1b[2J\x9b\n"


def test_the_server_that_runs_tells_its_state(make_server):
    server = make_server()
    status = shown(server, "status")
    assert status["counters"]["packets_received"] > 0
    assert any(line.split()[:1] == ["packets_received"] for line in server.ctl("status").splitlines())
    server.stop()
    assert server.run("status")[0] == REFUSED


def test_the_database_may_be_stopped_while_a_command_waits_for_nothing(make_server):
    operator = make_server(serving=False)
    operator.ctl("db", "stop")
    status, output, errors = operator.run("subscriber", "list", "--json")
    assert (status, output) == (DATABASE, "") and len(errors.splitlines()) == 1
    operator.ctl("db", "start")
    assert wait_for(lambda: shown(operator, "subscriber", "list"), "the sample's subscribers")


def test_lists_within_a_row_are_readable(operator, names, login, session):
    plan, user = names("plan"), login()
    operator.ctl("plan", "add", plan, "--filter", "to-general-customer-equipment", "--filter", "from-general-customer-equipment")
    line = next(line for line in operator.ctl("plan", "list").splitlines() if line.startswith(f"{plan} "))
    assert line.endswith("to-general-customer-equipment, from-general-customer-equipment")
    key = session(user)
    sessions = next(line for line in operator.ctl("subscriber", "show", user).splitlines() if line.startswith("sessions:"))
    assert f"session_key={key}" in sessions and "state=active" in sessions and "nas=localhost" in sessions
