# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The master: privileges, restarts, a clean end, busy ports, the control socket. Most of it needs no database."""
import contextlib
import json
import os
import pwd
import signal
import socket
import subprocess

import pytest

from support import poprad
from support.poprad import ROOT, is_running, wait_for
from support.radius import ACCESS_REJECT

PROGRAM = ROOT / "sbin" / "poprad"


@pytest.fixture
def make_idle():
    """Servers whose database does not exist: they run, but do not get ready."""
    made = []

    def make(**options):
        instance = poprad.Poprad(**options)
        made.append(instance)
        return instance

    yield make
    for instance in made:
        instance.close()


@pytest.fixture
def idle(make_idle):
    instance = make_idle()
    instance.start()
    wait_for(lambda: running_workers(instance), "both workers")
    return instance


def control(instance):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(str(instance.directory / "run" / "control"))
    stream.settimeout(poprad.PATIENCE_S)
    return stream


def status(instance):
    with control(instance) as stream, stream.makefile() as lines:
        stream.sendall(b'{"command": "status"}\n')
        return json.loads(lines.readline())


def running_workers(instance):
    """Their pids in order, as soon as each has read its configuration; None before."""
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
        pids = [worker["pid"] for worker in status(instance)["workers"]]
        if all(pids) and instance.log().count("database_away") > 0:
            return pids
    return None


def run(*words):
    return subprocess.run([PROGRAM, *words], text=True, capture_output=True, timeout=poprad.PATIENCE_S, cwd="/")


def process_status(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def test_usage():
    assert run("--no-such-option").returncode == 2
    assert run("too", "many").returncode == 2
    assert run("-c").returncode == 2
    help_text = run("-h")
    assert help_text.returncode == 0 and "-C FILE" in help_text.stdout
    assert run("--version").stdout.startswith("poprad ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_privileges_are_dropped(idle):
    uid = pwd.getpwnam(idle.user).pw_uid
    pids = [idle.process.pid, *running_workers(idle)]
    assert len(pids) == 3
    for pid in pids:
        facts = process_status(pid)
        assert facts["Uid"].split() == [str(uid)] * 4
        assert "0" not in facts["Gid"].split() + facts["Groups"].split()
        assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0
        assert facts["NoNewPrivs"] == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("user", ["root", "no-such-user"])
def test_a_user_that_cannot_serve_is_refused(make_idle, user):
    done = run("-f", "-c", make_idle(user=user).conf_path)
    assert done.returncode == 1
    assert "user_unusable" in done.stderr and user in done.stderr


def test_a_killed_worker_is_restarted_and_the_others_stay(idle):
    first, second = running_workers(idle)
    os.kill(first, signal.SIGKILL)
    after = wait_for(lambda: (now := status(idle))["workers"][0]["restarts"] == 1 and now["workers"][0]["pid"] and now,
                     "a restart")
    assert after["workers"][0]["pid"] != first
    assert after["workers"][1]["pid"] == second and after["workers"][1]["restarts"] == 0
    assert f"worker_died worker=0 pid={first} signal=9" in idle.log()


def test_a_restarted_worker_sees_what_the_master_checked(idle):
    idle.conf_path.write_text("auth_port = nonsense\n")
    first, _ = running_workers(idle)
    os.kill(first, signal.SIGTERM)  # of itself: it ends cleanly, and is missed all the same
    wait_for(lambda: status(idle)["workers"][0]["pid"] not in (0, first), "a restart")
    idle.stop()
    assert "nonsense" not in idle.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(idle, number):
    pids = running_workers(idle)
    process, idle.process = idle.process, None
    process.send_signal(number)
    assert process.wait(poprad.PATIENCE_S) == 0
    assert not any(is_running(pid) for pid in pids)
    assert list((idle.directory / "run").iterdir()) == []
    assert "stop_forced" not in idle.log()
    idle.check_log()


def test_workers_end_when_the_master_is_killed(idle):
    pids = running_workers(idle)
    process, idle.process = idle.process, None
    process.kill()
    process.wait(poprad.PATIENCE_S)
    wait_for(lambda: not any(is_running(pid) for pid in pids), "the workers to end")
    idle.start()  # what it left behind is in nobody's way
    assert wait_for(lambda: running_workers(idle), "both workers")


def test_a_busy_port_is_named_with_who_holds_it(make_idle):
    instance = make_idle()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", instance.acct_port))
        done = run("-f", "-c", instance.conf_path)
    assert done.returncode == 1
    line = next(line for line in done.stderr.splitlines() if "port_busy" in line)
    assert f"address=127.0.0.1 port={instance.acct_port}" in line
    assert f"pid={os.getpid()}" in line and "acct_port" in line


def test_a_second_server_does_not_share_the_ports(idle):
    for words in (["-f"], []):
        done = run(*words, "-c", idle.conf_path)
        assert done.returncode == 1
        assert f"port={idle.auth_port}" in done.stderr and f"pid={idle.process.pid}" in done.stderr
    assert running_workers(idle)


def test_a_second_server_in_the_same_folder_is_refused(idle, make_idle):
    other = make_idle(run_dir=f"{idle.directory}/run")
    done = run("-f", "-c", other.conf_path)
    assert done.returncode == 1 and "already_running" in done.stderr
    assert status(idle)["pid"] == idle.process.pid


def test_a_missing_dictionary_ends_the_start(make_idle):
    done = run("-f", "-c", make_idle(dictionary_dir="/nonexistent").conf_path)
    assert done.returncode == 1
    assert "dictionary_failed" in done.stderr and "/nonexistent" in done.stderr


def test_background(make_idle):
    instance = make_idle(log_target="stderr")
    with instance.log_path.open("ab") as log:
        done = subprocess.run([PROGRAM, "-c", instance.conf_path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=log, timeout=poprad.PATIENCE_S)
    assert done.returncode == 0
    pid = int((instance.directory / "run" / "poprad.pid").read_text())
    try:
        assert status(instance)["pid"] == pid
        assert os.getsid(pid) not in (os.getsid(0), pid)
        assert os.readlink(f"/proc/{pid}/cwd") == "/" and os.readlink(f"/proc/{pid}/fd/1") == "/dev/null"
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not is_running(pid), "the server to stop")
    assert "stopped exit=0" in instance.log()


def test_control_survives_its_clients(idle):
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stack.enter_context(control(idle)).sendall(b"{" * 10000)
        for _ in range(5):
            stack.enter_context(control(idle))  # says nothing
        assert status(idle)["pid"] == idle.process.pid
    with control(idle) as client, client.makefile() as lines:
        client.sendall(b'{"command": "halt"}\nnonsense\n')
        assert "error" in json.loads(lines.readline()) and "error" in json.loads(lines.readline())


def test_ready_when_every_worker_can_answer(server):
    now = status(server)
    assert now["state"] == "ready"
    assert [worker["state"] for worker in now["workers"]] == ["ready", "ready"]
    assert now["counters"]["login_lane_up"] == 2
    for name, total in now["counters"].items():
        assert total >= max(worker["counters"][name] for worker in now["workers"])
    assert "info: ready workers=2" in server.log()


def test_not_ready_without_a_database(idle):
    now = status(idle)
    assert now["state"] == "starting" and now["counters"]["login_lane_up"] == 0


def test_a_stop_finishes_what_is_open(make_server, make_client):
    """A reject that waits for its delay still leaves, also when the signal comes twice, from terminal and script."""
    instance = make_server(reject_delay="2s")
    client = make_client(instance)
    client.send(client.pap("demo@isp.example", "not-the-password"), instance.auth_port)
    wait_for(lambda: instance.counter("reject_wrong_password") == 1, "the request to be decided")
    instance.process.send_signal(signal.SIGINT)
    instance.stop()
    answer = client.receive(0)
    assert answer is not None and answer[0] == ACCESS_REJECT
