# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Access servers under load that keep a list of what was acknowledged to them, while the server is treated badly.

Each Caller is a port of an access server: somebody logs in, his session is reported, he hangs up, and the next one
comes. What is not answered is sent again, as access servers do: mostly the same octets, sometimes the same event under
a new authenticator with Acct-Delay-Time. The life of a caller is a generator, which yields what it waits for.
"""
import hashlib
import heapq
import itertools
import selectors
import threading
import time

from support.radius import *

NASES, CALLERS_A_NAS = 4, 30
RESEND_S = 1
LOGIN_PATIENCE_S = 6  # then the caller dials again
STEP_S = 0.25  # the mean between two events of a session
GIGA = 2**32
SERIAL = "chaos-serial-%010d."  # in the Proxy-State of every record, so that it is found in the spool


class Wait:
    """Until a time has passed. A caller at rest sends nothing while the load is settled."""

    def __init__(self, seconds):
        self.seconds = seconds


class Send:
    """Until it is answered; None when patience ends. make(age) builds the packet again, of that age in seconds."""

    def __init__(self, make, port, patience=None, serial=None):
        self.make, self.port, self.patience, self.serial = make, port, patience, serial


class Session:
    def __init__(self, name, login, accept):
        self.name, self.login = name, login
        self.address = accept.address()
        self.key_class = accept.one(CLASS)
        self.sent = []  # (status, seconds, octets in, octets out) of every record that left
        self.acknowledged = -1  # the newest of them that was answered
        self.began = time.monotonic()

    def possible(self):
        """What the database may hold: the newest that was acknowledged, or what was sent after it."""
        return self.sent[max(self.acknowledged, 0):]

    def is_over(self):
        return self.acknowledged >= 0 and self.sent[self.acknowledged][0] == STOP


class Nas:
    """One source address, and one socket: each caller there has an identifier of its own."""

    def __init__(self, server, source, has_gigawords, has_clock):
        self.client = Client(server, source)
        self.client.socket.setblocking(False)
        self.has_gigawords, self.has_clock = has_gigawords, has_clock
        self.callers = {}


class Caller:
    def __init__(self, load, nas, identifier):
        self.load, self.nas, self.identifier = load, nas, identifier
        self.rng = load.rng
        self.waits_for = self.data = None
        self.first_at = 0
        self.version = 0  # of what it waits for: older timers are void
        nas.callers[identifier] = self
        self.life = self.lead_life()

    # --- its life -----------------------------------------------------------------------------------------------------

    def lead_life(self):
        yield Wait(self.rng.random())
        login = None
        while not self.load.is_ending:
            # Another one each time: who logs in anew on a line whose Stop is in the spool replaces his session there.
            login = self.load.take_login(login)
            accept = yield from self.log_in(login)
            if accept is not None:
                session = self.load.begin_session(login, accept)
                yield from self.be_online(session)
            self.load.give_login(login)
            yield Wait(self.rng.expovariate(1 / STEP_S))

    def log_in(self, login):
        authenticator = os.urandom(16)
        pairs = [(NAS_PORT, self.identifier), (NAS_PORT_TYPE, 5), (SERVICE_TYPE, 2), (FRAMED_PROTOCOL, 1)]

        def make(_age):
            return self.nas.client.pap(login, "secret", pairs, authenticator=authenticator, identifier=self.identifier)

        while not self.load.is_ending:
            answer = yield Send(make, self.load.server.auth_port, LOGIN_PATIENCE_S)
            if answer is not None:
                if answer.code == ACCESS_ACCEPT:
                    return answer
                self.load.note(f"{login} was rejected: {answer.all(REPLY_MESSAGE)}")
                return None
            authenticator = os.urandom(16)
        return None

    def be_online(self, session):
        yield from self.report(session, START)
        interims = self.rng.randrange(5)
        while interims > 0 and not self.load.is_ending:
            yield Wait(self.rng.expovariate(1 / STEP_S))
            # Some access servers give up an Interim-Update: the next one says more.
            yield from self.report(session, INTERIM, 3 * RESEND_S if self.rng.random() < 0.3 else None)
            interims -= 1
        is_cut_off = self.rng.random() < 0.03  # it comes back when it has the network again
        yield Wait(self.rng.uniform(5, 30) if is_cut_off else self.rng.expovariate(1 / STEP_S))
        self.load.hang_up(session)
        yield from self.report(session, STOP)

    def report(self, session, status, patience=None):
        serial = next(self.load.serials)
        last = session.sent[-1] if session.sent else (0, 0, 0, 0)
        seconds = max(last[1], int(time.monotonic() - session.began))
        octets = [old + self.rng.randrange(1, 20_000_000) if status != START else 0 for old in last[2:]]
        if not self.nas.has_gigawords:
            octets = [min(value, GIGA - 1) for value in octets]
        record = (status, seconds, *octets)
        made_at = int(time.time())
        session.sent.append(record)
        place = len(session.sent) - 1

        def make(age):
            pairs = [(ACCT_STATUS_TYPE, status), (ACCT_SESSION_ID, session.name), (USER_NAME, session.login),
                     (CLASS, session.key_class), (FRAMED_IP_ADDRESS, ipaddr(session.address)),
                     (NAS_PORT, self.identifier), (NAS_PORT_TYPE, 5), (PROXY_STATE, SERIAL % serial)]
            if status != INTERIM:
                pairs.append((CONNECT_INFO, f"{session.name} {status}"))
            if status != START:
                pairs += [(ACCT_SESSION_TIME, seconds)]
                pairs += zip((ACCT_INPUT_OCTETS, ACCT_OUTPUT_OCTETS), (value % GIGA for value in octets))
                if self.nas.has_gigawords:
                    pairs += zip((ACCT_INPUT_GIGAWORDS, ACCT_OUTPUT_GIGAWORDS), (value // GIGA for value in octets))
            if status == STOP:
                pairs.append((ACCT_TERMINATE_CAUSE, 1))
            if self.nas.has_clock:
                pairs.append((EVENT_TIMESTAMP, made_at))
            elif age:
                pairs.append((ACCT_DELAY_TIME, age))
            return self.nas.client.accounting_request(pairs, identifier=self.identifier)

        answer = yield Send(make, self.load.server.acct_port, patience, serial)
        if answer is not None:
            session.acknowledged = place

    # --- its packets --------------------------------------------------------------------------------------------------

    def go_on(self, answer=None):
        try:
            self.waits_for = self.life.send(answer)
        except StopIteration:
            self.waits_for = None
            self.load.living -= 1
            return
        self.version += 1
        if isinstance(self.waits_for, Wait):
            self.load.wake(self, self.waits_for.seconds)
        else:
            self.first_at = time.monotonic()
            self.data = self.waits_for.make(0)
            self.send()

    def send(self):
        self.load.wake(self, RESEND_S)
        self.load.sent += 1
        try:
            self.nas.client.send(self.data, self.waits_for.port)
        except OSError:  # nobody listens there now
            pass

    def on_timer(self):
        if isinstance(self.waits_for, Wait):
            if self.load.is_settling:
                self.load.wake(self, 0.05)
            else:
                self.go_on()
            return
        age = time.monotonic() - self.first_at
        if self.waits_for.patience is not None and age >= self.waits_for.patience:
            self.go_on()
            return
        if self.waits_for.serial is not None and self.rng.random() < 0.3:
            self.data = self.waits_for.make(int(age))
        self.send()

    def on_datagram(self, data):
        if isinstance(self.waits_for, Send) and is_answer(data, self.data):
            if self.waits_for.serial is not None:
                self.load.acknowledged.add(self.waits_for.serial)
            self.go_on(Reply(data, self.data))


def is_answer(data, request):
    """To this very request, not to one that had its identifier before."""
    return hashlib.md5(data[:4] + request[4:20] + data[20:] + SECRET).digest() == data[4:20]


class Load(threading.Thread):
    """All callers, in a thread of their own."""

    def __init__(self, server, logins, rng):
        super().__init__(daemon=True)
        self.server, self.rng = server, rng
        self.prefix = f"chaos-{rng.randrange(10**6)}-"
        self.logins = list(logins)
        self.sessions = {}  # by Acct-Session-Id, until check_sessions() has seen their end
        self.session_count = self.sent = 0
        self.totals = [0, 0, 0]  # seconds and octets of what is over and checked
        self.holders = {}  # address -> session, from Access-Accept to the first Stop
        self.acknowledged = set()  # serials
        self.serials = itertools.count()
        self.faults = []
        self.is_ending = self.is_settling = self.is_held = False
        self.was_held = threading.Event()
        self.timers, self.timer_count = [], itertools.count()
        self.selector = selectors.DefaultSelector()
        self.nases = [Nas(server, f"127.0.81.{n + 1}", n % 2 == 0, n // 2 % 2 == 0) for n in range(NASES)]
        self.callers = [Caller(self, nas, n) for nas in self.nases for n in range(CALLERS_A_NAS)]
        self.living = len(self.callers)
        for nas in self.nases:
            self.selector.register(nas.client.socket, selectors.EVENT_READ, nas)

    def note(self, fault):
        self.faults.append(fault)

    def take_login(self, former):
        place = self.rng.randrange(len(self.logins))
        if self.logins[place] == former:
            place -= 1
        return self.logins.pop(place)

    def give_login(self, login):
        self.logins.append(login)

    def begin_session(self, login, accept):
        self.session_count += 1
        session = Session(f"{self.prefix}{self.session_count}", login, accept)
        holder = self.holders.get(session.address)
        if holder is not None:
            self.note(f"{session.address} was leased to {session.name} while {holder.name} has it")
        self.holders[session.address] = self.sessions[session.name] = session
        return session

    def hang_up(self, session):
        if self.holders.get(session.address) is session:
            del self.holders[session.address]

    # --- the loop -----------------------------------------------------------------------------------------------------

    def wake(self, caller, seconds):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.timer_count), caller, caller.version))

    def receive(self, seconds):
        for key, _ in self.selector.select(seconds):
            while True:
                try:
                    data = key.data.client.socket.recv(4096)
                except BlockingIOError:
                    break
                except ConnectionRefusedError:
                    continue
                if len(data) >= 20 and data[1] in key.data.callers:
                    key.data.callers[data[1]].on_datagram(data)

    def run(self):
        for caller in self.callers:
            caller.go_on()
        while self.living > 0:
            self.receive(0.01)
            if self.is_held:
                self.was_held.set()
                continue
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                _, _, caller, version = heapq.heappop(self.timers)
                if version == caller.version:
                    caller.on_timer()

    # --- for those who treat the server badly -------------------------------------------------------------------------

    def hold(self):
        """Nothing more is sent, unless an answer is still received that asks for it."""
        self.was_held.clear()
        self.is_held = True
        self.was_held.wait()

    def drain(self):
        """What the server had sent before it died has been received."""
        self.was_held.clear()
        self.was_held.wait()
        self.was_held.clear()
        self.was_held.wait()

    def release(self):
        self.is_held = False

    def waiting(self):
        return sum(isinstance(caller.waits_for, Send) for caller in self.callers)
