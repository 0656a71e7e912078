# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A poprad of its own for a test: installed programs, private database, free ports, a temporary directory.

Everything is started through popradctl and poprad as an operator would, and stopped again.
"""
import atexit
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROOT = pathlib.Path(os.environ.get("POPRAD_ROOT") or SOURCE / "var" / "root")

WORKERS = 2

# Longer than anything here takes on a slow, busy machine: reached only when something hangs.
PATIENCE_S = 120


def service_user():
    """Who runs database and server: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in ("poprad", "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


def free_port():
    """A port that is free for UDP and TCP at this moment, below the range of ephemeral ports."""
    for port in range(20000 + os.getpid() % 9000, 32000):
        with contextlib.suppress(OSError):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
                udp.bind(("0.0.0.0", port))
                tcp.bind(("0.0.0.0", port))
                if port not in free_port.given:
                    free_port.given.add(port)
                    return port
    raise RuntimeError("no free port")


free_port.given = set()


def wait_for(condition, what):
    """Polls until condition() is true and returns its value; what says what was waited for."""
    end = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S} s in vain for: {what}")
        time.sleep(0.05)


class Refused(Exception):
    """popradctl ended with an exit code other than 0."""

    def __init__(self, words, status, output, errors):
        super().__init__(f'popradctl {" ".join(words)}: exit code {status}\n{output}{errors}')
        self.status, self.output, self.errors = status, output, errors


class Poprad:
    address = "127.0.0.1"

    def __init__(self, **options):
        if not (ROOT / "sbin" / "poprad").exists():
            raise RuntimeError(f"{ROOT} holds no sbin/poprad: run ./quickstart, or set POPRAD_ROOT")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="poprad-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.user = service_user()
        self.auth_port, self.acct_port = free_port(), free_port()
        self.process = None
        self.log_path = self.directory / "poprad.log"
        self.conf_path = self.directory / "poprad.conf"
        location = f"host={self.directory}/postgresql/socket dbname=poprad"
        self.options = {
            "listen": ["127.0.0.1"],
            "auth_port": self.auth_port,
            "acct_port": self.acct_port,
            "workers": WORKERS,
            "user": self.user,
            "run_dir": f"{self.directory}/run",
            "state_dir": f"{self.directory}/state",
            "spool_directory": f"{self.directory}/spool",
            "spool_after": "5s",  # most tests look into the database as soon as a record is answered
            "database": f"{location} user=poprad_server",
            "operator_database": f"{location} user=poprad_operator",
            "cluster_dir": f"{self.directory}/postgresql",
            "cluster_bin": postgres_programs(),
            "cluster_user": self.user,
            "reject_delay": "0",
        }
        self.write_conf(**options)

    def conf_text(self):
        return "".join(f"{name} = {conf_value(value)}\n" for name, value in self.options.items())

    def write_conf(self, **changes):
        """write_conf(reject_delay="1s") changes that option in the file; the server is not told."""
        self.options.update(changes)
        self.conf_path.write_text(self.conf_text())
        self.conf_path.chmod(0o644)

    # --- programs -----------------------------------------------------------------------------------------------------

    def environment(self):
        return {**os.environ, "POPRAD_CONF": str(self.conf_path)}

    def run(self, *words, stdin=""):
        """popradctl with these words; its exit code, output and errors."""
        done = subprocess.run([ROOT / "bin" / "popradctl", *words], input=stdin, text=True, capture_output=True,
                              timeout=PATIENCE_S, env=self.environment(), cwd="/")
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def ctl(self, *words, stdin=""):
        """popradctl with these words, or Refused; its output."""
        status, output, errors = self.run(*words, stdin=stdin)
        if status != 0:
            raise Refused(words, status, output, errors)
        return output

    def ctl_json(self, *words):
        return json.loads(self.ctl(*words, "--json"))

    # --- database -----------------------------------------------------------------------------------------------------

    template = None  # a stopped cluster with the sample provider; copying it is quicker than making one

    def create_database(self):
        data = self.directory / "postgresql" / "data"
        if Poprad.template is None:
            self.ctl("db", "init")
            self.ctl("db", "start")
            self.ctl("db", "migrate")
            self.ctl("db", "sample")
            self.stop_database()
            Poprad.template = pathlib.Path(tempfile.mkdtemp(prefix="poprad-template-", dir="/tmp"))
            atexit.register(shutil.rmtree, Poprad.template, ignore_errors=True)
            copy_tree(data, Poprad.template / "data")
        else:
            data.parent.mkdir()
            data.parent.chmod(0o755)
            copy_tree(Poprad.template / "data", data)
        self.start_database()

    def start_database(self):
        self.ctl("db", "start")

    def stop_database(self):
        self.ctl("db", "stop")

    def kill_database(self):
        """As power failure does: every process of the cluster dies at once."""
        pid = self.ctl_json("db", "status")["pid"]
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], text=True, capture_output=True, check=True)
        victims = [pid, *(int(word) for word in children.stdout.split())]
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        wait_for(lambda: not any(is_running(victim) for victim in victims), "the killed database to be gone")

    @contextlib.contextmanager
    def frozen_database(self):
        """Every process of the cluster stands still."""
        pid = self.ctl_json("db", "status")["pid"]
        os.kill(pid, signal.SIGSTOP)
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], text=True, capture_output=True, check=True)
        processes = [*(int(word) for word in children.stdout.split()), pid]
        try:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def sql(self, query):
        """Rows of text columns, as the cluster's own superuser."""
        words = ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h",
                 f"{self.directory}/postgresql/socket", "-d", "poprad", "-U", "postgres", "-c", query]
        done = subprocess.run(words, text=True, capture_output=True, timeout=PATIENCE_S, cwd="/")
        assert done.returncode == 0, f"{query}\n{done.stderr}"
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def value(self, query):
        rows = self.sql(query)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return rows[0][0]

    # --- server -------------------------------------------------------------------------------------------------------

    def start(self):
        assert self.process is None
        self.process = subprocess.Popen(
            [ROOT / "sbin" / "poprad", "-f", "-c", self.conf_path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.log_path.open("ab"), env=self.environment(), cwd="/")
        wait_for(self._answers_status, "poprad to answer popradctl status")

    def _answers_status(self):
        assert self.process.poll() is None, f"poprad ended at once\n{self.log()[-3000:]}"
        return self.run("status")[0] == 0

    def stop(self):
        """A clean stop: exit code 0, and nothing for a sanitizer to say."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None
        self.check_log()
        assert status == 0, f"poprad ended with {status}\n{self.log()[-3000:]}"

    def kill(self):
        """The master dies, and its workers with it."""
        workers = self.worker_pids()
        self.process.kill()
        self.process.wait()
        self.process = None
        wait_for(lambda: not any(is_running(worker) for worker in workers), "the workers to end")

    def check_log(self):
        found = re.search(r"Sanitizer|runtime error:|Assertion", self.log())
        assert not found, self.log()[max(0, found.start() - 200):found.start() + 4000]

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def worker_pids(self):
        """Of the workers that run now."""
        return [worker["pid"] for worker in self.ctl_json("status")["workers"] if worker["pid"]]

    def counters(self):
        """Every counter and gauge by name, added up over the workers."""
        return self.ctl_json("status")["counters"]

    def counter(self, name):
        return self.counters()[name]

    def spool_files(self, suffix=".spool"):
        return sorted(pathlib.Path(self.options["spool_directory"]).glob(f"*{suffix}"))

    def wait_for_spool(self):
        """Everything that lies in the spool is in the database."""
        wait_for(lambda: not self.spool_files(), "the spool to be replayed")

    def close(self):
        try:
            self.stop()
        finally:
            self.run("db", "stop")
            if not os.environ.get("POPRAD_KEEP"):
                shutil.rmtree(self.directory, ignore_errors=True)


def conf_value(value):
    if isinstance(value, list):
        return "{" + ", ".join(f'"{item}"' for item in value) + "}"
    return str(value) if isinstance(value, int) else f'"{value}"'


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def copy_tree(source, target):
    """With owners, modes and times."""
    subprocess.run(["cp", "-a", source, target], check=True)


def postgres_programs():
    return subprocess.run(["pg_config", "--bindir"], text=True, capture_output=True, check=True).stdout.strip()
