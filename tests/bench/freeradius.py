# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""FreeRADIUS 3.2 of Debian's packages, tuned as well as we can, on the benchmark's cluster.

Its schema, its accounting statements and its procedure for address leases are read from the package; the rest of its
configuration is written here and holds what the work needs and nothing else: no log or detail file per packet, no
row per login, no groups, no simultaneous-use check. A record is one statement; a login is one for the password, and a
second one

    plain      for the reply items, as its sql module does it, or
    password   none: unlang's %{sql:...} asks for the password alone, and the reply items stand in the configuration, or
    lease      for the address, by the package's procedure; the rest like password, or
    session    likewise; and its sqlippool module keeps the lease up: another statement for each record.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import settings
from contender import DATABASE, Contender
from support import poprad

PROGRAM = pathlib.Path("/usr/sbin/freeradius")
DRIVER = pathlib.Path("/usr/lib/freeradius/rlm_sql_postgresql.so")
PACKAGES = ("freeradius", "freeradius-postgresql")
SQL_FOLDER = pathlib.Path("/etc/freeradius/3.0/mods-config/sql")
CONNECTIONS = 32
LEASE_SECONDS = 3600
CLEANUP_SECONDS = 5  # an answer is remembered so long

RADIUSD = """
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = {folder}
confdir = {folder}
modconfdir = {folder}
logdir = {folder}
run_dir = {folder}
pidfile = {folder}/freeradius.pid
max_request_time = 30
cleanup_delay = {cleanup_delay}
max_requests = 262144
hostname_lookups = no
log {{
	destination = files
	file = {folder}/log
	auth = no
}}
security {{
	max_attributes = 200
	reject_delay = 1
	status_server = yes
}}
proxy_requests = no
client bench {{
	ipaddr = 127.0.0.0/8
	secret = {secret}
	require_message_authenticator = no
}}
thread pool {{
	start_servers = {connections}
	max_servers = {connections}
	min_spare_servers = {connections}
	max_spare_servers = {connections}
	max_queue_size = 65536
	max_requests_per_server = 0
	auto_limit_acct = no
}}
modules {{
	expr {{
	}}
	always reject {{
		rcode = reject
	}}
	pap {{
	}}
	chap {{
	}}
	mschap {{
	}}
	sql {{
		driver = "rlm_sql_postgresql"
		dialect = "postgresql"
		server = "{socket_folder}"
		port = {port}
		login = "postgres"
		radius_db = "{database}"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		read_groups = no
		read_profiles = no
		read_clients = no
		delete_stale_sessions = no
		pool {{
			start = {connections}
			min = {connections}
			max = {connections}
			spare = 0
			uses = 0
			lifetime = 0
			idle_timeout = 0
			retry_delay = 1
		}}
		$INCLUDE {queries}
	}}
	sqlippool {{
		sql_module_instance = "sql"
		dialect = "postgresql"
		pool_name = "Pool-Name"
		ippool_table = "radippool"
		lease_duration = {lease_seconds}
		attribute_name = Framed-IP-Address
		req_attribute_name = Framed-IP-Address
		pool_key = "%{{NAS-Port}}"
		allocate_begin = ""
		allocate_commit = ""
		allocate_update = ""
		allocate_find = "{allocate}"
		start_update = "{renew}"
		alive_update = "{extend}"
		stop_clear = "{clear}"
		on_clear = ""
		off_clear = ""
		messages {{
		}}
	}}
}}
server bench {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {auth_port}
		recv_buff = 4194304
	}}
	listen {{
		type = acct
		ipaddr = 127.0.0.1
		port = {acct_port}
		recv_buff = 4194304
	}}
	authorize {{
		{authorize}
		chap
		mschap
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
		Auth-Type MS-CHAP {{
			mschap
		}}
	}}
	post-auth {{
		{post_auth}
	}}
	preacct {{
		update request {{
			&Acct-Unique-Session-Id := "%{{md5:%{{User-Name}},%{{Acct-Session-Id}},%{{NAS-IP-Address}},%{{NAS-Port}}}}"
		}}
	}}
	accounting {{
		{accounting}
	}}
}}
"""

ASK_PASSWORD = """update control {
			&Cleartext-Password := "%{sql:SELECT value FROM radcheck \
WHERE username = '%{User-Name}' AND attribute = 'Cleartext-Password'}"
		}
		if (&control:Cleartext-Password == "") {
			reject
		}"""

REPLY = """update reply {
			&Framed-Protocol := PPP
			&Acct-Interim-Interval := 600
		}"""

LEASE = """update control {
			&Pool-Name := "bench"
		}
		sqlippool"""

# The package's procedure: the subscriber's lease if he still has one, else the address that was free longest.
ALLOCATE = """SELECT fr_allocate_previous_or_new_framedipaddress('%{control:Pool-Name}', '%{User-Name}', \
'%{Calling-Station-Id}', '%{NAS-IP-Address}', '${pool_key}', '${lease_duration}')"""

# The lease lives as long as records come, and ends with the Stop.
RENEW = """UPDATE radippool SET expiry_time = 'now'::timestamp(0) + '${lease_duration} second'::interval \
WHERE nasipaddress = '%{NAS-IP-Address}' AND pool_key = '${pool_key}'"""
EXTEND = """UPDATE radippool SET expiry_time = 'now'::timestamp(0) + '${lease_duration} second'::interval \
WHERE nasipaddress = '%{NAS-IP-Address}' AND pool_key = '${pool_key}' AND framedipaddress = '%{Framed-IP-Address}' \
AND username = '%{User-Name}'"""
CLEAR = """UPDATE radippool SET expiry_time = 'now'::timestamp(0) - '1 second'::interval \
WHERE nasipaddress = '%{NAS-IP-Address}' AND pool_key = '${pool_key}' AND framedipaddress = '%{Framed-IP-Address}' \
AND username = '%{User-Name}'"""

# What stands in the sections authorize, post-auth and accounting.
KINDS = {
    "plain": ("sql", "", "sql"),
    "password": (ASK_PASSWORD, REPLY, "sql"),
    "lease": (ASK_PASSWORD, LEASE + "\n\t\t" + REPLY, "sql"),
    "session": (ASK_PASSWORD, LEASE + "\n\t\t" + REPLY, "sql\n\t\tsqlippool"),
}


def problem():
    """Why it cannot be measured here, or None."""
    if not (PROGRAM.exists() and DRIVER.exists()):
        return f"FreeRADIUS is not installed: apt-get install --no-install-recommends {' '.join(PACKAGES)}"
    if not os.access(SQL_FOLDER / "main" / "postgresql" / "schema.sql", os.R_OK):
        return f"FreeRADIUS's schema in {SQL_FOLDER} cannot be read: run this as root, or as a member of group freerad"
    return None


def statements(name):
    """A file of SQL from the package."""
    return (SQL_FOLDER / name).read_text(encoding="utf-8")


def config(kind, connections=CONNECTIONS, cleanup_delay=CLEANUP_SECONDS, **values):
    """radiusd.conf, whole. values: folder, socket_folder, port, auth_port, acct_port."""
    authorize, post_auth, accounting = KINDS[kind]
    return RADIUSD.format(
        secret=settings.SECRET, database=DATABASE, connections=connections, cleanup_delay=cleanup_delay,
        lease_seconds=LEASE_SECONDS, allocate=ALLOCATE, queries=SQL_FOLDER / "main/postgresql/queries.conf",
        authorize=authorize, post_auth=post_auth, accounting=accounting, renew=RENEW, extend=EXTEND, clear=CLEAR,
        **values)


class FreeRadius(Contender):
    name = "FreeRADIUS"
    templates_of = {"password": "plain", "lease": "plain", "session": "plain"}  # they differ by the configuration alone

    def __init__(self, subscribers=settings.SUBSCRIBERS):
        super().__init__(subscribers)
        self.folder = None
        self.process = None

    def fill(self, connection, kind):
        """Half of the pool is leased to others. Otherwise the planner would take leases for rare, and the procedure
        would read all of them to find one."""
        with connection, connection.cursor() as cursor:
            for name in ("main/postgresql/schema.sql", "ippool/postgresql/schema.sql",
                         "ippool/postgresql/procedure.sql"):
                cursor.execute(statements(name))
            cursor.execute(f"""
                insert into radcheck (username, attribute, op, value)
                    select {settings.LOGIN_SQL}, 'Cleartext-Password', ':=', {settings.PASSWORD_SQL}
                    from generate_series(1, {self.subscribers}) n order by {settings.SCATTERED};
                insert into radreply (username, attribute, op, value)
                    select {settings.LOGIN_SQL}, a, ':=', v
                    from generate_series(1, {self.subscribers}) n,
                        (values ('Framed-Protocol', 'PPP'), ('Acct-Interim-Interval', '600')) items (a, v) order by n;
                insert into radippool (pool_name, framedipaddress, expiry_time, username, callingstationid)
                    select 'bench', host(network('{settings.POOL}'))::inet + n,
                        now() + case when n % 2 = 0 then interval '1 day' else interval '-1 day' end,
                        'other-' || n, 'other-' || n
                    from generate_series(1, {2 ** 18 - 2}) n order by n""")

    def start_server(self, kind):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="poprad-bench-"))
        self.auth_port, self.acct_port = poprad.free_port(), poprad.free_port()
        text = config(kind, folder=self.folder, socket_folder=self.cluster.socket_folder, port=self.cluster.port,
                      auth_port=self.auth_port, acct_port=self.acct_port)
        (self.folder / "radiusd.conf").write_text(text, encoding="utf-8")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen([PROGRAM, "-f", "-d", self.folder], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    def stop_server(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None
        if self.folder is not None:
            if not os.environ.get("POPRAD_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def server_pid(self):
        return self.process.pid

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stored(self):
        starts, stops = self.query("select count(acctstarttime), count(acctstoptime) from radacct")[0]
        return {"starts": starts, "stops": stops}
