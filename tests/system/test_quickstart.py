# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""quickstart itself, in a copy of the source below a private directory, as a fresh clone of root's is."""
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from support.poprad import PATIENCE_S, SOURCE, free_port, is_running, wait_for

pytestmark = pytest.mark.once

BUILD_PATIENCE_S = 1200


def heed_control_c():
    """A check that runs in the background ignores it, and so would everything that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Quickstart:
    """One run. Its lines are read by a thread, so that waiting for one has a bound."""

    def __init__(self, folder, ports):
        self.seen = []
        self.lines = queue.Queue()
        environment = {**os.environ, "POPRAD_SKIP_INSTALL": "1", "POPRAD_AUTH_PORT": str(ports[0]),
                       "POPRAD_ACCT_PORT": str(ports[1])}
        environment.pop("POPRAD_VAR", None)
        self.process = subprocess.Popen([folder / "quickstart"], text=True, cwd="/", env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True, preexec_fn=heed_control_c)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for_line(self, start):
        while True:
            line = self.lines.get(timeout=BUILD_PATIENCE_S)
            assert line is not None, f"quickstart ended without a line '{start}'\n" + self.output()
            self.seen.append(line)
            if line.startswith(start):
                return line

    def finish(self):
        """Reads to the end; its exit code."""
        while (line := self.lines.get(timeout=PATIENCE_S)) is not None:
            self.seen.append(line)
        return self.process.wait(PATIENCE_S)

    def output(self):
        return "".join(self.seen)

    def press_control_c(self):
        """The terminal sends it to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.finish()

    def terminate(self):
        self.process.terminate()
        return self.finish()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the source as a clone would be; nothing that was built."""
    made = tmp_path_factory.mktemp("clone") / "poprad"
    ignored = shutil.ignore_patterns("var", "build", "build-*", ".git", "autom4te.cache", "*.o", "*.a", ".deps", ".dirstamp",
                                     "__pycache__", "config.status", "config.h", "Makefile")
    shutil.copytree(SOURCE, made, ignore=ignored, symlinks=True)
    yield made
    data = os.path.realpath(made / "var")
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def ports():
    return free_port(), free_port()


@pytest.fixture
def start(folder, ports):
    runs = []

    def begin():
        runs.append(Quickstart(folder, ports))
        return runs[-1]
    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.terminate()


def popradctl(folder, *words):
    return subprocess.run([folder / "var" / "root" / "bin" / "popradctl", *words], text=True, capture_output=True,
                          timeout=PATIENCE_S, check=True).stdout


def database_pid(folder):
    pid_file = folder / "var" / "postgresql" / "data" / "postmaster.pid"
    return int(pid_file.read_text().split()[0])


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def test_the_first_run_shows_a_login_and_every_printed_line_works(folder, ports, start):
    run = start()
    run.wait_for_line("poprad ready:")
    assert "Received Access-Accept" in run.output()
    lines = {match[1]: match[2] for match in re.finditer(r"^  (PAP|CHAP|MS-CHAP|MS-CHAPv2|accounting|sessions) +(.*)$",
                                                         run.output(), re.M)}
    assert len(lines) == 6, run.output()
    for name, line in lines.items():
        done = subprocess.run(["bash", "-c", line], text=True, capture_output=True, timeout=PATIENCE_S)
        expected = {"accounting": "Received Accounting-Response", "sessions": "demo@isp.example"}.get(
            name, "Received Access-Accept")
        assert done.returncode == 0 and expected in done.stdout, f"{name}: {line}\n{done.stdout}{done.stderr}"
    popradctl(folder, "subscriber", "add", "kept@isp.example", "--password", "kept", "--plan", "dialup")
    database = database_pid(folder)
    assert run.press_control_c() == 0, run.output()
    assert "stop_forced" not in run.output()
    assert not is_running(database)
    assert is_free(ports[0]) and is_free(ports[1])


def test_a_second_run_keeps_the_data_and_sigterm_stops_it(folder, start):
    run = start()
    run.wait_for_line("poprad ready:")
    assert "configuring" not in run.output()
    assert "kept@isp.example" in popradctl(folder, "subscriber", "show", "kept@isp.example")
    database = database_pid(folder)
    assert run.terminate() == 0, run.output()
    assert not is_running(database)


def test_a_busy_port_is_named_with_its_holder_and_the_way_out(folder, ports, start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", ports[0]))
        run = start()
        assert run.finish() != 0
    assert str(ports[0]) in run.output()
    assert f"process {os.getpid()}" in run.output()
    assert "POPRAD_AUTH_PORT=" in run.output()


def test_two_at_a_time_in_one_place_are_refused(folder, start):
    first = start()
    first.wait_for_line("poprad ready:")
    second = start()
    assert second.finish() != 0
    assert "another quickstart" in second.output()
    assert first.press_control_c() == 0


def test_when_poprad_dies_the_database_is_stopped_and_the_exit_code_says_so(folder, start):
    run = start()
    run.wait_for_line("poprad ready:")
    database = database_pid(folder)
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(run.process.pid)], text=True, capture_output=True)
    master = next(int(line.split()[0]) for line in children.stdout.splitlines() if line.split()[1] == "poprad")
    os.kill(master, signal.SIGKILL)
    assert run.finish() != 0
    wait_for(lambda: not is_running(database), "the database to be stopped")


def test_the_configuration_is_rewritten_unless_it_was_made_ones_own(folder, ports, start):
    conf = folder / "var" / "root" / "etc" / "poprad" / "poprad.conf"
    text = conf.read_text()
    conf.write_text(text.replace(str(ports[0]), "1"))
    start().wait_for_line("poprad ready:")
    assert conf.read_text() == text


def test_unknown_words_and_help(folder):
    done = subprocess.run([folder / "quickstart", "chekc"], text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode != 0 and "chekc" in done.stderr
    done = subprocess.run([folder / "quickstart", "--help"], text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0 and "POPRAD_VAR" in done.stdout
