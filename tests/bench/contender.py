# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What both servers have in common: a private cluster, filled templates, and a fresh copy for each measurement.

A template is filled once, vacuumed and analysed. fresh() copies it, checkpoints, and starts the server on the copy,
so that each measurement begins in the same state, and no earlier one's vacuum or checkpoint falls into it.
"""

import contextlib

import psycopg2

import processes
import settings
from support import radius
from support.cluster import Cluster

DATABASE = "bench"
START_SECONDS = 20


class Contender:
    """A server with its cluster; with-statement. The cluster runs only while its server is measured."""

    name = None
    address = "127.0.0.1"
    templates_of = {}  # kind -> the kind whose template serves it too

    def __init__(self, subscribers=settings.SUBSCRIBERS):
        self.subscribers = subscribers
        self.auth_port = self.acct_port = None
        self.templates = set()
        self.cluster = Cluster(durable=True, settings=settings.CLUSTER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop_server()
        finally:
            self.cluster.remove()

    # What a server must bring -----------------------------------------------------------------------------------

    def fill(self, connection, kind):
        """The schema and all rows of a template. kind: "plain" for logins without an address, "lease" with one, and
        what the server's own templates_of names."""
        raise NotImplementedError

    def start_server(self, kind):
        raise NotImplementedError

    def stop_server(self):
        raise NotImplementedError

    def server_pid(self):
        """Of the process from which all others of the server descend."""
        raise NotImplementedError

    def log(self):
        raise NotImplementedError

    def stored(self):
        """What the database holds of accounting: a dictionary with starts, stops."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------------

    def fresh(self, kind):
        """Runs the server on a fresh copy of that template."""
        self.stop_server()
        if self.cluster.process is None:
            self.cluster.start()
        self.prepare(kind)
        self.cluster.execute("checkpoint")
        self.start_server(kind)
        self._wait_until_serving()

    def prepare(self, kind):
        """The database, as no measurement has touched it."""
        filled = self.templates_of.get(kind, kind)
        template = f"bench_{filled}"
        if template not in self.templates:
            self.make(template, filled)
            self.templates.add(template)
        self.cluster.execute(f"drop database if exists {DATABASE} with (force)")
        self.cluster.execute(f"create database {DATABASE} template {template}")

    def _wait_until_serving(self):
        client = radius.Client(self)
        try:
            for port in (self.auth_port, self.acct_port):
                self._wait_for_port(client, port)
        finally:
            client.close()

    def _wait_for_port(self, client, port):
        """Until it answers a Status-Server; what the answer looks like is no concern here."""
        for _ in range(START_SECONDS):
            client.send(client.status_request(), port)
            if client.receive(1):
                return
            if not processes.is_running(self.server_pid()):
                break
        raise RuntimeError(f"{self.name} does not answer\n{self.log()[-3000:]}")

    def make(self, name, kind):
        database = self.cluster.empty_database(name)
        with contextlib.closing(database):
            connection = database.connect(autocommit=False)
            self.fill(connection, kind)
            connection.commit()
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("vacuum analyze")

    def rest(self):
        """Stops the server and its cluster, so that the other one has the machine to itself. The database goes first:
        stopping would write all of it to disk."""
        self.stop_server()
        if self.cluster.process is not None:
            self.cluster.execute(f"drop database if exists {DATABASE} with (force)")
            self.cluster.stop()

    def cpu(self):
        """Seconds used so far by the server and by its database."""
        return {"server": processes.cpu_seconds(self.server_pid()),
                "database": processes.cpu_seconds(self.cluster.process.pid)}

    def memory_kib(self):
        return processes.proportional_kib(self.server_pid())

    def query(self, statement, values=None):
        """Rows, as the cluster's administrator."""
        connection = psycopg2.connect(self.cluster.conninfo(DATABASE))
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall()
        finally:
            connection.close()
