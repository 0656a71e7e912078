# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A private PostgreSQL cluster for tests, in a temporary directory.

Cluster is the server: it may be stopped, killed without warning and started again on the same data, socket and
port. Started by root it runs as an unprivileged user, because PostgreSQL refuses root. Database is one database in
it with the schema of this source tree; databases are cheap (copies of one template), so that each test may have its
own. Whoever makes a Cluster removes it (with-statement); nothing outlives the test run.
"""

import atexit
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2

SQL_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql"
ADMINISTRATOR = "postgres"
START_SECONDS = 60

FAST_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "60",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] %u '",
}


def programs_folder():
    """Where initdb and postgres are: PG_BINDIR, the PATH, or the newest version of Debian's packages."""
    named = os.environ.get("PG_BINDIR")
    if named:
        return pathlib.Path(named)
    found = shutil.which("initdb")
    if found:
        return pathlib.Path(found).resolve().parent
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not versions:
        raise RuntimeError("no PostgreSQL server found: install postgresql or set PG_BINDIR")
    return versions[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sql_files(*folders):
    """The files that `popradctl db migrate` applies, folder by folder, each in name order."""
    for folder in folders:
        yield from sorted((SQL_FOLDER / folder).glob("*.sql"))


def apply_schema(connection, newest=None):
    """Applies roles, the migrations that are not there yet, functions, views and grants, as `popradctl db migrate`
    does: one transaction per migration and one for everything behind them, as poprad_owner except for the roles.
    newest: the tables as of that migration, and no more."""
    with connection, connection.cursor() as cursor:
        cursor.execute((SQL_FOLDER / "roles.sql").read_text())
    with connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('poprad.schema_migration') is not null")
        applied = set()
        if cursor.fetchone()[0]:
            cursor.execute("select version from poprad.schema_migration")
            applied = {version for version, in cursor.fetchall()}
    for path in sql_files("migrations"):
        version = int(path.name.split("-")[0])
        if version in applied or (newest is not None and version > newest):
            continue
        with connection, connection.cursor() as cursor:
            cursor.execute("set local role poprad_owner")
            cursor.execute(path.read_text())
            cursor.execute("insert into poprad.schema_migration (version, name) values (%s, %s)",
                           (version, path.stem))
    if newest is not None:
        return
    with connection, connection.cursor() as cursor:
        cursor.execute("set local role poprad_owner")
        cursor.execute("set local client_min_messages = warning")  # drop ... if exists
        for path in sql_files("functions", "views", "grants"):
            cursor.execute(path.read_text())


def load_sample(connection):
    """The sample provider of sql/sample, as `./quickstart` loads it."""
    with connection, connection.cursor() as cursor:
        for path in sql_files("sample"):
            cursor.execute(path.read_text())


class Database:
    """One database of a cluster. Every connection that it opened is closed with it."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.connections = []

    def conninfo(self, user=ADMINISTRATOR):
        return self.cluster.conninfo(self.name, user)

    def connect(self, user=ADMINISTRATOR, autocommit=True):
        connection = psycopg2.connect(self.conninfo(user))
        connection.autocommit = autocommit
        self.connections.append(connection)
        return connection

    def close(self):
        for connection in self.connections:
            with contextlib.suppress(psycopg2.Error):
                connection.close()
        self.connections.clear()

    def drop(self):
        self.close()
        self.cluster.execute(f'drop database if exists "{self.name}" with (force)')


class Cluster:
    """settings: postgresql.conf settings beside or instead of FAST_SETTINGS.
    durable: fsync and synchronous_commit stay on, as in production; otherwise a kill may lose commits.
    tcp: listens on 127.0.0.1 too, on a free port; otherwise on its Unix socket alone."""

    def __init__(self, durable=False, tcp=False, settings=None):
        self.programs = programs_folder()
        self.user = self._unprivileged_user()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="poprad-pg-"))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.socket_folder = self.folder
        self.port = free_port() if tcp else 5432
        self.tcp = tcp
        self.process = None
        self.template_is_ready = False
        self.databases_made = 0
        self.settings = dict(FAST_SETTINGS)
        if not durable:
            self.settings.update({"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
        self.settings.update(settings or {})
        atexit.register(self.remove)
        self._initialise()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def _unprivileged_user():
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        raise RuntimeError("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")

    def _as_user(self):
        """Arguments of subprocess that make the program run unprivileged."""
        if self.user is None:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _initialise(self):
        os.chmod(self.folder, 0o755)
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        subprocess.run([self.programs / "initdb", "-D", self.data, "-U", ADMINISTRATOR, "--auth=trust", "-N",
                        "--encoding=UTF8", "--locale=C"],
                       check=True, stdout=subprocess.DEVNULL, **self._as_user())
        lines = [f"unix_socket_directories = '{self.socket_folder}'\n", f"port = {self.port}\n",
                 f"listen_addresses = '{'127.0.0.1' if self.tcp else ''}'\n"]
        lines += [f"{name} = {value}\n" for name, value in self.settings.items()]
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(lines)

    # The server ------------------------------------------------------------------------------------------------

    def start(self):
        """Returns when connections are accepted."""
        assert self.process is None, "the cluster runs already"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.programs / "postgres", "-D", self.data], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True, **self._as_user())
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg2.connect(self.conninfo("template1")).close()
                return
            except psycopg2.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL does not start:\n" + self.log_text()) from None
                time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends sessions and shuts down, SIGTERM waits for them, SIGQUIT leaves recovery to the next start."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def kill(self):
        """Every process of the server at once, as a crash of the machine would (what was committed durably stays)."""
        self.process.send_signal(signal.SIGSTOP)
        children = self._children()
        self.process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.wait()
        self.process = None
        while any(self._is_postgres(child) for child in children):
            time.sleep(0.01)

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        """Stops the server's processes in their tracks: connections stay open and nothing is answered."""
        for pid in [self.process.pid, *self._children()]:
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in [*self._children(), self.process.pid]:
            os.kill(pid, signal.SIGCONT)

    def _children(self):
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @staticmethod
    def _is_postgres(pid):
        try:
            status = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return "(postgres)" in status and ") Z" not in status

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    # Databases -------------------------------------------------------------------------------------------------

    def conninfo(self, dbname="poprad", user=ADMINISTRATOR):
        """A libpq connection string over the Unix socket."""
        return f"host={self.socket_folder} port={self.port} dbname={dbname} user={user}"

    def tcp_conninfo(self, dbname="poprad", user=ADMINISTRATOR):
        assert self.tcp, "the cluster was made without tcp"
        return f"host=127.0.0.1 port={self.port} dbname={dbname} user={user}"

    def execute(self, statement):
        """Runs a statement that is about the cluster (create database and its like)."""
        connection = psycopg2.connect(self.conninfo("template1"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def empty_database(self, name):
        """Without any schema: for tests of `popradctl db migrate`."""
        self.execute(f'create database "{name}" template template0')
        return Database(self, name)

    def database(self, name=None):
        """A new database with the schema and no rows."""
        if not self.template_is_ready:
            template = self.empty_database("poprad_template")
            apply_schema(template.connect(autocommit=False))
            template.close()
            self.template_is_ready = True
        self.databases_made += 1
        name = name or f"poprad_{self.databases_made}"
        self.execute(f'create database "{name}" template poprad_template')
        return Database(self, name)
