# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl billing: files of millions of sessions in little memory, each session once; tariffs and rated months."""
import csv
import io
import json
import os
import subprocess

import pytest

from support.poprad import ROOT, Poprad

REFUSED, USAGE = 1, 2
MANY = 200_000  # more than PART_SESSIONS of src/ctl/billing.c by far
FEW = 1_000
MEMORY_KB = 8 << 10  # what a part takes; MANY of them would take some hundred MB

# Sessions of October and November, one in a hundred without a subscriber, with numbers in no order of time.
SESSIONS = """
    select poprad.session_history_partition('2026-10-01'), poprad.session_history_partition('2026-11-01');
    insert into poprad.session_history (session_key, state, subscriber_id, plan_id, nas_id, nas_address, user_name,
        acct_session_id, framed_address, started_at, updated_at, stopped_at, closed_at, terminate_cause, session_time,
        in_octets, out_octets, flags, change_number, revision)
    select (lpad(to_hex((extract(epoch from b.born) * 1000)::bigint), 12, '0') || md5(n::text)::char(20))::uuid, 'closed',
        case when n %% 100 > 0 then u.subscriber_id end, u.plan_id, 1, '127.0.0.1', 'a, "quoted" name' || n, to_hex(n),
        '10.0.8.1'::inet + n %% 1000, b.born, b.born + '40 min', b.born + '40 min', b.born + '40 min', 'User-Request', 2400,
        n, 2 * n, '{over_limit,live_after_close}', n, 1
    from generate_series(1, %d) n
    cross join lateral (select '2026-10-01'::timestamptz + n * 7919 %% 5270000 * interval '1 s' as born) b
    cross join (select subscriber_id, plan_id from poprad.subscriber limit 1) u;
    update poprad.billing_sequence set last_number = %d"""


@pytest.fixture(scope="module")
def operator():
    instance = Poprad()
    try:
        instance.create_database()
        instance.sql(SESSIONS % (MANY, MANY))
        instance.sql("vacuum analyze poprad.session_history")
        yield instance
    finally:
        instance.close()


@pytest.fixture
def small(make_server):
    return make_server(serving=False)


def start(operator, *words):
    return subprocess.Popen([ROOT / "bin" / "popradctl", "billing", *words], env=operator.environment(),
                            stdout=subprocess.PIPE, cwd="/")


def peak_kb(process):
    """The most memory that the process has had, and all that it wrote, in lines."""
    output = process.stdout.read().splitlines(keepends=True)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    assert process.returncode == 0
    return usage.ru_maxrss, output


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_many_rows_take_no_more_memory_than_few(operator, form):
    few, lines = peak_kb(start(operator, "export", "--format", form, "--after", str(MANY - FEW)))
    assert len(lines) == FEW + (form == "csv")
    many, lines = peak_kb(start(operator, "export", "--format", form))
    assert len(lines) == MANY + (form == "csv")
    assert many < few + MEMORY_KB
    if form == "csv":
        numbers = [row["change_number"] for row in csv.DictReader(io.StringIO(b"".join(lines).decode(), newline=""))]
    else:
        numbers = [json.loads(line)["change_number"] for line in lines]
    assert list(map(int, numbers)) == list(range(1, MANY + 1))


def test_who_was_killed_goes_on_where_the_file_ends(operator):
    """And nobody is in it twice."""
    words = ("export", "--month", "2026-10", "--format", "jsonl")
    whole = operator.ctl("billing", *words).splitlines()
    assert 0 < len(whole) < MANY
    process = start(operator, *words)
    file = process.stdout.read(1_000_000)
    process.kill()
    file += process.stdout.read()
    process.stdout.close()
    process.wait()
    lines = file.decode().split("\n")[:-1]  # what is behind the last line end is no line
    assert 0 < len(lines) < len(whole)
    rest = operator.ctl("billing", *words, "--after", str(json.loads(lines[-1])["change_number"])).splitlines()
    assert lines + rest == whole
    assert operator.ctl("billing", *words, "--after", str(MANY)) == ""


def test_months_share_the_sessions(operator):
    keys = [json.loads(line)["session_key"] for month in ("2026-09", "2026-10", "2026-11", "2026-12")
            for line in operator.ctl("billing", "export", "--month", month, "--format", "jsonl").splitlines()]
    assert len(keys) == len(set(keys)) == MANY


def test_a_row_says_what_the_view_says(operator):
    text = operator.ctl("billing", "export", "--after", str(MANY - 1))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    (line,) = operator.ctl("billing", "export", "--after", str(MANY - 1), "--format", "jsonl").splitlines()
    assert row["user_name"] == json.loads(line)["user_name"] == f'a, "quoted" name{MANY}'
    assert f'"a, ""quoted"" name{MANY}"' in text
    assert (row["login"], json.loads(line)["login"]) == ("", None), "nobody's"
    assert json.loads(line)["octets_out"] == 2 * MANY and row["octets_out"] == str(2 * MANY)
    assert row["flags"] == "over_limit live_after_close"
    assert operator.ctl("billing", "export", "--after", str(MANY - 1), "--no-header") == text.split("\n", 1)[1]
    assert list(row) == [name for name, in operator.sql("""select column_name from information_schema.columns
        where table_name = 'billing_session' order by ordinal_position""")]


def test_an_empty_file_has_its_header(small):
    assert small.ctl("billing", "export").startswith("change_number,revision,session_key,month,")
    assert small.ctl("billing", "export", "--format", "jsonl") == ""
    assert small.ctl("billing", "rate", "--month", "2026-10").startswith("subscriber_id,login,")


def test_a_line_that_makes_no_sense(small):
    for part, *words in (("--month", "export", "--month", "October"), ("--format", "export", "--format", "xml"),
                         ("--after", "export", "--after", "x"), ("--month YYYY-MM is missing", "rate")):
        status, output, errors = small.run("billing", *words)
        assert (status, output) == (USAGE, "") and part in errors


def test_the_role_of_billing_is_enough(small):
    """And no other command works with it."""
    path = small.directory / "billing.conf"
    path.write_text(small.conf_text().replace("user=poprad_operator", "user=poprad_billing"))
    assert small.ctl("billing", "export", "--month", "2026-10", "-c", str(path)).startswith("change_number,")
    assert small.ctl("billing", "rate", "--month", "2026-10", "-c", str(path)).startswith("subscriber_id,")
    assert "permission denied" in small.run("subscriber", "list", "-c", str(path))[2]


def test_tariffs_and_resellers(small):
    """As in doc/operator/billing.md."""
    small.ctl("plan", "add", "home", "--pool", "dynamic")
    small.ctl("subscriber", "add", "line-7@isp.example", "--password", "x", "--plan", "home")
    small.ctl("plan", "tariff", "home", "--currency", "EUR", "--included-time", "20h", "--time-price", "0.02", "--time-unit", "1m",
              "--included-volume", "5G", "--volume-price", "0.005", "--volume-unit", "100M", "--since", "2026-10")
    for status, part, *words in (
            (USAGE, "what does it cost?", "home", "--currency", "EUR"),
            (REFUSED, "three capital letters", "home", "--currency", "euro", "--time-price", "1"),
            (REFUSED, "there is no plan", "nothing", "--currency", "EUR", "--time-price", "1"),
            (REFUSED, "at least a second", "home", "--currency", "EUR", "--time-price", "1", "--time-unit", "0"),
            (USAGE, "--time-price", "home", "--currency", "EUR", "--time-price", "1,20")):
        code, output, errors = small.run("plan", "tariff", *words)
        assert (code, output) == (status, "") and part in errors, errors
    assert small.ctl_json("plan", "show", "home")["tariffs"] == [dict(
        since="2026-10", currency="EUR", included_s=72000, time_unit_s=60, time_price="0.02", included_octets=5 * 10**9,
        volume_unit=10**8, volume_price="0.005")]
    small.sql("""select poprad.usage_add(array[row(subscriber_id, day, plan_id, 45900, 250000000, 3375000000, 1)::poprad.usage_day])
                 from poprad.subscriber, unnest('{2026-10-01,2026-10-31}'::date[]) day where login = 'line-7@isp.example'""")
    rated = [json.loads(line) for line in small.ctl("billing", "rate", "--month", "2026-10", "--format", "jsonl").splitlines()]
    assert [(row["login"], row["plan"], row["kind"], row["used"], row["units"], row["price"], row["currency"], row["amount"])
            for row in rated] == [
        ("line-7@isp.example", "home", "time", "91800", "330", "0.02", "EUR", "6.60"),
        ("line-7@isp.example", "home", "volume", "7250000000", "23", "0.005", "EUR", "0.115")]
    assert small.ctl("billing", "rate", "--month", "2026-10").count("\n") == 3
    small.ctl("realm", "set", "isp.example", "--reseller", "east")
    assert small.ctl_json("realm", "show", "isp.example")["reseller"] == "east"
    assert small.sql("select reseller, seconds, subscribers from poprad.billing_reseller_month") == [("east", "91800", "1")]
    small.ctl("realm", "set", "isp.example", "--reseller", "none")
    assert small.ctl_json("realm", "show", "isp.example")["reseller"] is None
    assert small.run("realm", "set", "nowhere.example", "--reseller", "east")[0] == REFUSED
    assert small.run("realm", "set", "isp.example")[0] == USAGE
    small.ctl("subscriber", "remove", "line-7@isp.example")
    assert "popradctl plan untariff" in small.run("plan", "remove", "home")[2]
    assert small.run("plan", "untariff", "home", "--since", "2026-09")[0] == REFUSED
    small.ctl("plan", "untariff", "home", "--since", "2026-10")
    small.ctl("plan", "remove", "home")
