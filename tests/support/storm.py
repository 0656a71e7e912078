# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Many subscribers come online at once: Access-Request, then the accounting Start, from several NAS addresses.

Behaves as NASes do: what is not answered is sent again with the same octets. Runs in the caller's thread or, with
begin() and join(), beside it, so that a test can break things meanwhile.
"""
import heapq
import selectors
import threading
import time

from support.radius import *

RESEND_S = 2


class Job:
    def __init__(self, login, password, port):
        self.login, self.password, self.port = login, password, port
        self.address = self.accept = None
        self.data = self.destination = None


class Nas:
    """One source address: a socket for each port, with 256 identifiers each."""

    def __init__(self, server, source):
        self.client = Client(server, source)
        self.client.socket.setblocking(False)
        self.free = list(range(256))
        self.waiting = {}

    def close(self):
        self.client.close()


class Storm:
    def __init__(self, server, subscribers, sources, concurrency, patience_s=300):
        self.server = server
        self.patience_s = patience_s
        self.concurrency = concurrency
        self.sources = sources
        self.jobs = [Job(login, password, port) for port, (login, password) in enumerate(subscribers)]
        self.addresses = {}     # login -> address, of every accepted login
        self.acknowledged = []  # (session id, login, address) of every Start that was answered
        self.rejected = []
        self.unanswered = []
        self.seconds = None
        self.thread = None

    def session_id(self, job):
        return f"storm-{job.port}"

    # --- one packet -------------------------------------------------------------------------------------------------

    def _send(self, nas, job, identifier, resends):
        nas.waiting[identifier] = job
        try:
            nas.client.send(job.data, job.destination)
        except BlockingIOError:
            pass  # a full socket buffer is like a lost packet: it is sent again
        heapq.heappush(resends, (time.monotonic() + RESEND_S, id(job), nas, identifier, job, job.data))

    def _begin_login(self, nas, job, identifier):
        job.data = nas.client.pap(job.login, job.password, [(NAS_PORT, job.port)], identifier=identifier)
        job.destination = self.server.auth_port

    def _begin_start(self, nas, job, identifier):
        job.data = nas.client.accounting_request(
            [(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, self.session_id(job)), (USER_NAME, job.login),
             (NAS_PORT, job.port), (CLASS, job.accept.one(CLASS)),
             (FRAMED_IP_ADDRESS, job.accept.one(FRAMED_IP_ADDRESS))], identifier=identifier)
        job.destination = self.server.acct_port

    def _answered(self, nas, data, resends):
        """True if the job is finished."""
        identifier = data[1]
        job = nas.waiting.get(identifier)
        if job is None or hashlib.md5(data[:4] + job.data[4:20] + data[20:] + SECRET).digest() != data[4:20]:
            return False  # late answer to a request that was sent twice
        reply = Reply(data, job.data)
        if reply.code == ACCESS_ACCEPT:
            job.accept = reply
            self.addresses[job.login] = reply.address()
            self._begin_start(nas, job, identifier)
            self._send(nas, job, identifier, resends)
            return False
        del nas.waiting[identifier]
        nas.free.append(identifier)
        if reply.code == ACCESS_REJECT:
            self.rejected.append((job.login, reply.all(REPLY_MESSAGE)))
        else:
            self.acknowledged.append((self.session_id(job), job.login, self.addresses[job.login]))
        return True

    # --- the loop ---------------------------------------------------------------------------------------------------

    def _fill(self, nases, queue, resends, in_flight):
        while queue and in_flight < self.concurrency:
            nas = nases[len(queue) % len(nases)]
            if not nas.free:
                break
            job, identifier = queue.pop(), nas.free.pop(0)
            self._begin_login(nas, job, identifier)
            self._send(nas, job, identifier, resends)
            in_flight += 1
        return in_flight

    def _resend(self, resends):
        now = time.monotonic()
        while resends and resends[0][0] <= now:
            _, _, nas, identifier, job, data = heapq.heappop(resends)
            if nas.waiting.get(identifier) is job and job.data is data:
                self._send(nas, job, identifier, resends)

    def run(self):
        nases = [Nas(self.server, source) for source in self.sources]
        selector = selectors.DefaultSelector()
        for nas in nases:
            selector.register(nas.client.socket, selectors.EVENT_READ, nas)
        queue, resends, in_flight, begun = list(reversed(self.jobs)), [], 0, time.monotonic()
        try:
            while (queue or in_flight) and time.monotonic() - begun < self.patience_s:
                in_flight = self._fill(nases, queue, resends, in_flight)
                for key, _ in selector.select(0.1):
                    in_flight -= self._receive(key.data, resends)
                self._resend(resends)
            self.unanswered = [job.login for nas in nases for job in nas.waiting.values()] + [job.login for job in queue]
        finally:
            self.seconds = time.monotonic() - begun
            selector.close()
            for nas in nases:
                nas.close()

    def _receive(self, nas, resends):
        finished = 0
        for _ in range(64):
            try:
                data = nas.client.socket.recv(4096)
            except BlockingIOError:
                break
            finished += self._answered(nas, data, resends)
        return finished

    def begin(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def is_running(self):
        return self.thread.is_alive()

    def join(self):
        self.thread.join(self.patience_s + 60)
        assert not self.thread.is_alive()


def check(server, storm, count):
    """What must hold after every storm, whatever was broken meanwhile."""
    assert storm.rejected == [], f"a valid subscriber was rejected\n{server.log()[-6000:]}"
    assert storm.unanswered == []
    assert len(storm.acknowledged) == count
    assert len(set(storm.addresses.values())) == count, "an address was given twice"
    server.wait_for_spool()
    stored = {session: (login, address) for session, login, address in server.sql(
        "select acctsessionid, username, framedipaddress from radius.radacct where acctsessionid like 'storm-%'")}
    assert stored == {session: (login, address) for session, login, address in storm.acknowledged}
    check_leases(server)
    held = {login: address for login, address in server.sql(
        """select user_name, host(a.address) from poprad.session s join poprad.address a using (session_key)
           where state = 'active' and acct_session_id like 'storm-%'""")}
    assert held == storm.addresses


def check_leases(server):
    """No session holds two addresses, and no open session points at an address that another holds."""
    assert server.sql("select session_key from poprad.address where session_key is not null "
                      "group by 1 having count(*) > 1") == []
    assert server.sql("""select s.session_key from poprad.session s join poprad.address a using (address)
        where s.state <> 'closed' and a.session_key is distinct from s.session_key
        and not 'address_conflict' = any(s.flags)""") == []
