# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Everything that the benchmark measures, in its order."""

import settings
from row import Side, both
from row_limits import MIX, Ceiling, Changed, Memory, Overload, Sweep
from row_restart import Restart
from row_speed import Lone, Rate, Storm
from row_spool import Spool
from row_year import Year

PLAIN = [
    Side("poprad", "poprad", "plain"),
    Side("FreeRADIUS, its sql module (2 statements)", "FreeRADIUS", "plain"),
    Side("FreeRADIUS, the password alone (1 statement)", "FreeRADIUS", "password"),
]
RECONNECT = [
    Side("poprad", "poprad", "lease"),
    Side("FreeRADIUS, its sql and sqlippool modules", "FreeRADIUS", "session"),
    Side("FreeRADIUS, leases not kept up", "FreeRADIUS", "lease"),
]
SIZES = [
    Side("100,000", "poprad", "lease"),
    Side("1,000,000", "poprad, a million", "online"),
]

RESTART = [Side("poprad", "poprad, online", "online")]
SPOOL = [Side("poprad", "poprad", "lease")]
YEARS = [
    Side("none", "poprad, no past", "lease"),
    Side(f"{settings.YEAR:,}", "poprad, a year", "lease"),
]

POLICIES = [
    Side("a pool and an interval", "poprad", "lease"),
    Side("filters, quotas and policy", "poprad", "policy"),
]

ROWS = [
    Rate("auth", "Logins without an address", PLAIN, "auth", 6, operations=100_000),
    Rate("lease", "Logins with an address lease", both("lease"), "auth", 6, operations=100_000),
    Rate("acct", "Records: 10 % Start, 80 % Interim-Update, 10 % Stop", both("lease"), "acct", 6, **MIX),
    Rate("session", "The same records of sessions that hold leases", both("session"), "session", 6, count=40_000,
         **MIX),
    Storm("storm20k", "20,000 subscribers come online at once", RECONNECT, 20_000),
    Storm("storm100k", "100,000 subscribers come online at once", both("session"), 100_000),
    Lone("lone", "A lone request", both("lease")),
    Ceiling("ceiling", "Against the database alone"),
    Overload("overload", "Twice as much as it can do", both("lease")),
    Sweep("sweep", "More and more load", both("lease")),
    Restart("restart", "An access server with 100,000 sessions restarts", RESTART),
    Spool("spool", "Records while the database is away", SPOOL),
    Changed("million", "A million subscribers and sessions", "subscribers", SIZES),
    Changed("policy", "Three filters, quotas and a policy on the plan", "plan", POLICIES),
    Year("year", "Fifty million closed sessions", "closed sessions", YEARS),
    Memory("memory", "Memory", both("lease")),
]
