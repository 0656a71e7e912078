# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""FreeRADIUS of Debian's packages over its own schema, for tests that compare answers."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from support import poprad

PROGRAM = pathlib.Path("/usr/sbin/freeradius")
DRIVER = pathlib.Path("/usr/lib/freeradius/rlm_sql_postgresql.so")
FOLDER = pathlib.Path("/etc/freeradius/3.0/mods-config/sql/main/postgresql")

RADIUSD = """
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = {folder}
confdir = {folder}
modconfdir = {folder}
logdir = {folder}
run_dir = {folder}
pidfile = {folder}/freeradius.pid
proxy_requests = no
log {{
	destination = files
	file = {folder}/log
}}
security {{
	reject_delay = 0
	status_server = yes
}}
client test {{
	ipaddr = 127.0.0.0/8
	secret = testing123
}}
modules {{
	expr {{
	}}
	pap {{
	}}
	chap {{
	}}
	mschap {{
	}}
	expiration {{
	}}
	sql {{
		driver = "rlm_sql_postgresql"
		dialect = "postgresql"
		server = "{socket_folder}"
		login = "postgres"
		radius_db = "radius"
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
		read_groups = yes
		read_clients = no
		pool {{
			start = 4
			min = 4
			max = 4
			spare = 0
			uses = 0
			lifetime = 0
			idle_timeout = 0
		}}
		$INCLUDE {queries}
	}}
}}
server test {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		chap
		mschap
		sql
		expiration
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
}}
"""


def problem():
    """Why it cannot be used here, or None."""
    if not (PROGRAM.exists() and DRIVER.exists()):
        return "FreeRADIUS is not installed: apt-get install --no-install-recommends freeradius freeradius-postgresql"
    if not os.access(FOLDER / "schema.sql", os.R_OK):
        return f"FreeRADIUS's schema in {FOLDER} cannot be read"
    return None


def schema():
    return (FOLDER / "schema.sql").read_text(encoding="utf-8")


class FreeRadius:
    """Serves logins from the database "radius" of the cluster behind that socket."""

    def __init__(self, socket_folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="freeradius-", dir="/tmp"))
        self.port = poprad.free_port()
        text = RADIUSD.format(folder=self.folder, socket_folder=socket_folder, queries=FOLDER / "queries.conf", port=self.port)
        (self.folder / "radiusd.conf").write_text(text, encoding="utf-8")
        self.process = subprocess.Popen([PROGRAM, "-f", "-d", self.folder], stdin=subprocess.DEVNULL)
        poprad.wait_for(self._serves, "FreeRADIUS to be ready")

    def _serves(self):
        log = self.folder / "log"
        text = log.read_text(errors="replace") if log.exists() else ""
        assert self.process.poll() is None, text[-3000:]
        return "Ready to process requests" in text

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def ask(port, requests):
    """The answers of the server at that port: radclient sends one request after the other, each a list of lines.
    An answer is its code and a list of attributes as radclient prints them."""
    text = "\n\n".join("\n".join(lines) for lines in requests) + "\n"
    done = subprocess.run(["radclient", "-x", "-p", "1", "-t", "10", "-r", "3", "-f", "-", f"127.0.0.1:{port}", "auth", "testing123"],
                          input=text, text=True, capture_output=True, timeout=poprad.PATIENCE_S)
    answers = []
    for line in done.stdout.splitlines():
        if (found := re.match(r"Received (\S+) Id", line)):
            answers.append((found.group(1), []))
            is_answer = True
        elif line.startswith("Sent "):
            is_answer = False
        elif line.startswith("\t") and answers and is_answer:
            answers[-1][1].append(line.strip())
    assert len(answers) == len(requests), done.stdout[-2000:] + done.stderr[-2000:]
    return answers
