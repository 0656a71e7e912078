# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A region comes online: 100,000 subscribers are known, 20,000 of them log in at once through 20 NASes."""
import time

import pytest

from support.storm import Storm, check

KNOWN, ONLINE, CONCURRENCY = 100_000, 20_000, 1_000
SOURCES = [f"127.0.5.{host}" for host in range(1, 21)]


@pytest.mark.once
def test_twenty_thousand_subscribers_come_online_each_with_an_address_of_its_own(make_server, capsys):
    server = make_server()
    server.ctl("pool", "add", "storm", "100.64.0.0/16")
    server.ctl("plan", "add", "storm", "--pool", "storm", "--sessions", "1", "--interim", "10m")
    subscribers = [(f"storm-{number}@isp.example", f"password-{number}") for number in range(KNOWN)]
    path = server.directory / "subscribers.csv"
    path.write_text("login,password,plan\n" + "".join(f"{login},{password},storm\n" for login, password in subscribers))
    path.chmod(0o644)
    begun = time.monotonic()
    server.ctl("subscriber", "import", str(path))
    imported = time.monotonic() - begun
    assert server.value("select count(*) from poprad.subscriber where login like 'storm-%'") == str(KNOWN)
    storm = Storm(server, subscribers[:ONLINE], SOURCES, CONCURRENCY)
    storm.run()
    with capsys.disabled():
        print(f"\n    {KNOWN} subscribers imported in {imported:.1f} s; {ONLINE} online and accounted for, {CONCURRENCY} at a "
              f"time, in {storm.seconds:.1f} s ({ONLINE / storm.seconds:.0f} a second)")
    check(server, storm, ONLINE)
