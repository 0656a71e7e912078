# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad as installed, with its defaults, on the benchmark's cluster."""

import datetime

import settings
from contender import DATABASE, Contender
from support import poprad
from support.cluster import apply_schema


# The subscribers from the first to the last are online, as they are hours after they logged in.
ONLINE = """
    create temporary table line as
        select n, s.subscriber_id, s.plan_id, s.login, host(network(%(pool)s::cidr))::inet + n as address,
            ('019' || lpad(to_hex(n), 9, '0') || '7' || lpad(to_hex(n), 3, '0') || '8'
                || md5(n::text)::char(15))::uuid as session_key
        from generate_series(%(first)s, %(last)s) n
        join poprad.subscriber s on s.login = 'line-' || n || '@isp.example';
    insert into poprad.session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address,
            nas_port, nas_port_type, calling_station_id, user_name, acct_session_id, class, address, framed_address, service_type,
            framed_protocol, authentic, authorised_at, started_at, updated_at, last_heard, interim_s, session_time,
            in_octets, out_octets)
        select session_key, 'active', subscriber_id, plan_id, 1, '127.0.2.1', '127.0.2.1', n, 'Virtual', 'line-' || n,
            login, to_hex(n), 'poprad:' || replace(session_key::text, '-', '') || ':00000000', address, address,
            'Framed-User', 'PPP', 'RADIUS', now(), now(), now(), now(), 600, 600, 1000000, 8000000
        from line order by n;
    insert into poprad.session_alias (session_key, nas_id, acct_session_id, login)
        select session_key, 1, to_hex(n), login from line order by n;
    update poprad.address a set session_key = l.session_key, subscriber_id = l.subscriber_id, changed_at = now()
        from line l where a.address = l.address;
    update poprad.subscriber_state s set last_address = l.address from line l where s.subscriber_id = l.subscriber_id;
    drop table line"""


# What a plan may say, at once: three filters, limits of a session, one session at a time, quotas, rates, name servers, login
# hours.
POLICY = """
    insert into poprad.filter (name, direction) values ('no-smtp', 'in'), ('no-netbios', 'in'), ('no-servers', 'out');
    insert into poprad.filter_rule (filter_id, position, action, protocol, source, destination, destination_comparison,
            destination_ports)
        select filter_id, rule.position, rule.action, rule.protocol, 'any', 'any', rule.comparison, rule.ports
        from poprad.filter, (values (1, 'deny', 'tcp', 'eq', '{25}'::int[]), (2, 'permit', 'ip', '', '{}'))
            as rule (position, action, protocol, comparison, ports);
    insert into poprad.plan_filter (plan_id, position, filter_id)
        select plan_id, row_number() over (order by filter_id), filter_id from poprad.plan, poprad.filter;
    update poprad.plan set session_limit = 1, session_timeout_s = 86400, idle_timeout_s = 1200, quota_day_s = 80000,
        quota_month_octets = 1000000000000, rate_in_kbit = 1024,
        rate_out_kbit = 6144, dns_servers = '{10.0.1.1,10.0.1.2}', login_hours = %(hours)s"""


def hours_around_now():
    """Login hours that leave out one hour, half a day away."""
    out = (datetime.datetime.now(datetime.timezone.utc).hour + 12) % 24
    spans = [span for span in (f"00:00-{out:02}:00", f"{out + 1:02}:00-24:00") if span[:5] != span[-5:]]
    return ", ".join(f"Mo-Su {span}" for span in spans)


class PopradServer(Contender):
    name = "poprad"
    templates_of = {"session": "lease"}  # records always keep the lease up

    def __init__(self, subscribers=settings.SUBSCRIBERS, pool=settings.POOL, online=0):
        """online: further subscribers, who are."""
        super().__init__(subscribers)
        self.pool = pool
        self.online = online
        self.server = None

    def fill(self, connection, kind):
        apply_schema(connection)
        self.fill_rows(connection, kind)

    def fill_rows(self, connection, kind):
        with connection, connection.cursor() as cursor:
            cursor.execute(f"""
                insert into poprad.realm (name) values ('isp.example');
                insert into poprad.nas (name, prefix, secret, kind) values
                    ('bench', '127.0.0.0/8', '{settings.SECRET}', 'cisco');
                select poprad.pool_add('bench', '{self.pool}', null, false);
                insert into poprad.plan (name, pool_id, session_limit, interim_s)
                    select 'bench', case when '{kind}' <> 'plain' then pool_id end, 0, 600
                    from poprad.pool where name = 'bench';
                insert into poprad.subscriber (login, realm_id, plan_id, password)
                    select {settings.LOGIN_SQL}, realm_id, plan_id, {settings.PASSWORD_SQL}
                    from poprad.realm, poprad.plan, generate_series(1, {self.subscribers + self.online}) n
                    order by {settings.SCATTERED};
                insert into poprad.subscriber_state (subscriber_id)
                    select subscriber_id from poprad.subscriber on conflict do nothing""")
            if kind == "policy":
                cursor.execute(POLICY, {"hours": hours_around_now()})
            if kind == "online":
                cursor.execute(ONLINE, {"first": self.subscribers + 1, "last": self.subscribers + self.online,
                                        "pool": self.pool})

    def start_server(self, kind):
        self.server = poprad.Poprad(
            database=self.cluster.conninfo(DATABASE, "poprad_server"),
            operator_database=self.cluster.conninfo(DATABASE, "poprad_operator"),
            dictionary_dir=settings.ROOT / "share" / "poprad" / "dictionaries")
        for name in ("workers", "reject_delay", "spool_after"):
            del self.server.options[name]  # the tests' own; here the defaults hold
        self.server.write_conf()
        self.auth_port, self.acct_port = self.server.auth_port, self.server.acct_port
        self.server.start()

    def stop_server(self):
        if self.server is not None:
            self.server.close()
            self.server = None

    def server_pid(self):
        return self.server.process.pid

    def workers(self):
        return len(self.server.worker_pids())

    def mean_batch(self):
        counters = self.server.counters()
        return counters["batch_items"] / max(counters["batches"], 1)

    def log(self):
        return self.server.log()

    def stored(self):
        self.server.wait_for_spool()
        starts, stops = self.query("""
            select count(*) filter (where started_at is not null), count(*) filter (where stopped_at is not null)
            from (select started_at, stopped_at from poprad.session
                union all select started_at, stopped_at from poprad.session_history) s""")[0]
        return {"starts": starts, "stops": stops}
