# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Compares what the database has with what was acknowledged."""
import time

from support.poprad import PATIENCE_S, wait_for

STORED = """
    select acctsessionid, coalesce(acctsessiontime, 0), coalesce(acctinputoctets, 0), coalesce(acctoutputoctets, 0),
        acctstoptime is not null, coalesce(connectinfo_start, ''), coalesce(connectinfo_stop, ''), username
    from radius.radacct where acctsessionid like '{prefix}%'"""
START, STOP = 1, 2


def settle(load):
    """Every record that was sent has been answered, and nothing new is sent."""
    load.is_settling = True
    wait_for(lambda: load.waiting() == 0, "every record to be answered")


def check_sessions(server, load):
    """Of every session that was touched since the last check. Call it while the load is settled."""
    server.wait_for_spool()
    rows = [row for row in server.sql(STORED.format(prefix=load.prefix))]
    stored = {row[0]: row for row in rows}
    if len(stored) != len(rows):
        load.note(f"{len(rows) - len(stored)} sessions have two rows")
    for name, session in list(load.sessions.items()):
        if session.acknowledged < 0:
            continue
        check_session(load, session, stored.get(name))
        if session.is_over():
            load.totals = [old + new for old, new in zip(load.totals, session.sent[-1][1:])]
            del load.sessions[name]


def check_session(load, session, row):
    if row is None:
        load.note(f"{session.name}: acknowledged and not there")
        return
    counters = tuple(int(word) for word in row[1:4])
    if (row[4] == "t", *counters) not in [(status == STOP, *rest) for status, *rest in session.possible()]:
        load.note(f"{session.name}: stored is {row[4]} {counters}, acknowledged {session.possible()[0]}")
    told = {START: row[5], STOP: row[6]}
    for status, *_ in session.sent[:session.acknowledged + 1]:
        if status in told and told[status] != f"{session.name} {status}":
            load.note(f"{session.name}: what its record of kind {status} said is not there")
    if row[7] != session.login:
        load.note(f"{session.name}: {row[7]}, not {session.login}")


def check_end(server, load):
    """When every session is over: totals, leases, nothing beside."""
    sessions, seconds, octets_in, octets_out = (int(word) for word in server.sql(f"""
        select count(*), sum(acctsessiontime), sum(acctinputoctets), sum(acctoutputoctets)
        from radius.radacct where acctsessionid like '{load.prefix}%'""")[0])
    if [sessions, seconds, octets_in, octets_out] != [load.session_count, *load.totals]:
        load.note(f"the database adds up to {sessions} sessions, {seconds} s, {octets_in} and {octets_out} octets, "
                  f"what was sent to {load.session_count}, {load.totals}")
    used = server.sql("""select sum(u.seconds), sum(u.octets_in), sum(u.octets_out)
        from poprad.usage u join poprad.subscriber s using (subscriber_id) where s.login like 'chaos-%'""")[0]
    if [int(word) for word in used] != load.totals:
        load.note(f"usage adds up to {used}, the sessions to {load.totals}")
    # over_limit: who was let in while the Stop of his session before lay in the spool.
    flagged = server.sql("""select flags, count(*) from (select flags from poprad.session
        union all select flags from poprad.session_history) s
        where array_remove(flags, 'over_limit') <> '{}' group by flags""")
    if flagged:
        load.note(f"sessions are flagged: {flagged}")
    held = server.value("""select count(*) from poprad.address a
        where a.session_key is not null and not exists (select from poprad.session s
            where s.session_key = a.session_key and s.state = 'authorised')""")
    if held != "0":
        load.note(f"{held} addresses are held though nobody is online")
    quarantined = server.value("select count(*) from poprad.accounting_quarantine")
    if quarantined != "0":
        load.note(f"{quarantined} records are in quarantine")


def end(load):
    """Everybody hangs up."""
    load.is_settling = False
    load.is_ending = True
    load.join(PATIENCE_S)
    if load.is_alive():
        load.note(f"{load.living} callers are not done: {time.monotonic()}")
