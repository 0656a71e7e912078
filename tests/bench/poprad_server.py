# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad as installed, with its defaults, on the benchmark's cluster."""

import settings
from contender import DATABASE, Contender
from support import poprad
from support.cluster import apply_schema


class PopradServer(Contender):
    name = "poprad"
    templates_of = {"session": "lease"}  # records always keep the lease up

    def __init__(self, subscribers=settings.SUBSCRIBERS, **options):
        super().__init__(subscribers)
        self.options = options
        self.server = None

    def fill(self, connection, kind):
        apply_schema(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"""
                insert into poprad.realm (name) values ('isp.example');
                insert into poprad.nas (name, prefix, secret, kind) values
                    ('bench', '127.0.0.0/8', '{settings.SECRET}', 'cisco');
                select poprad.pool_add('bench', '{settings.POOL}', null, false);
                insert into poprad.plan (name, pool_id, session_limit, interim_s)
                    select 'bench', case when '{kind}' = 'lease' then pool_id end, 1, 600
                    from poprad.pool where name = 'bench';
                insert into poprad.subscriber (login, realm_id, plan_id, password)
                    select {settings.LOGIN_SQL}, realm_id, plan_id, {settings.PASSWORD_SQL}
                    from poprad.realm, poprad.plan, generate_series(1, {self.subscribers}) n order by {settings.SCATTERED};
                insert into poprad.subscriber_state (subscriber_id)
                    select subscriber_id from poprad.subscriber on conflict do nothing""")

    def start_server(self, kind):
        self.server = poprad.Poprad(
            database=self.cluster.conninfo(DATABASE, "poprad_server"),
            operator_database=self.cluster.conninfo(DATABASE, "poprad_operator"),
            dictionary_dir=settings.ROOT / "share" / "poprad" / "dictionaries")
        for name in ("workers", "reject_delay"):
            del self.server.options[name]  # the tests' own; here the defaults hold
        self.server.write_conf(**self.options)
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
        starts, stops = self.query("""
            select count(*) filter (where started_at is not null), count(*) filter (where stopped_at is not null)
            from (select started_at, stopped_at from poprad.session
                union all select started_at, stopped_at from poprad.session_history) s""")[0]
        return {"starts": starts, "stops": stops}
