#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of a cached page for somebody who is signed in, beside the same page for a guest.

As many sessions as --sessions says are put into the database and visited once; then each request comes from another one of them.
Server and generator have a core each, with one loop. Guests and members take turns within each round, and what counts is the
median of the ratios within the rounds. The database is stopped by command meanwhile: nothing of this may need it.
"""
import argparse
import base64
import hashlib
import os
import secrets
import sqlite3
import statistics
import sys
import time

from school import Checks, School, load, machine, note, rss_kib, scratch, until

BR = "gzip, deflate, br"
BAR = 1.15


def write_school(place, size):
    course = place / "courses/school"
    course.mkdir(parents=True)
    (place / "site.toml").write_text('title = "A school"\nlanguage = "en"\n')
    (course / "course.md").write_text("---\ntitle: School\n---\nAll of it.\n")
    words = [f"Sentence {n} tells of supervisors, and of {n * 7919 % 1000} things besides." for n in range(size // 60)]
    text = "\n\n".join(words)
    (course / "01-open.md").write_text(f"---\ntitle: One\n---\n{text}\n")
    (course / "02-closed.md").write_text(f"---\ntitle: Two\naccess: members\n---\n{text}\n")
    return place


def put_sessions(database, count):
    """Accounts with a session each, as rows. Returns the cookies."""
    now = int(time.time() * 1e6)
    day = 86_400_000_000
    tokens = [base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=") for _ in range(count)]
    with sqlite3.connect(database, timeout=30) as rows:
        rows.executemany("INSERT INTO accounts (id, address, address_key, name, role, language, totp_step, sign_in_epoch, created_at) "
                         "VALUES (?, ?, ?, ?, 'learner', '', 0, 0, ?)",
                         ((n, f"a{n}@school.example", f"a{n}@school.example", f"Name {n}", now) for n in range(1, count + 1)))
        rows.executemany("INSERT INTO sessions (token_hash, id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, "
                         "device, masked_peer) VALUES (?, ?, ?, 0, ?, ?, ?, ?, '', '')",
                         ((hashlib.sha256(token.encode()).hexdigest(), n, n, now, now, now + 14 * day, now + 184 * day)
                          for n, token in enumerate(tokens, 1)))
    return ["session=" + token for token in tokens]


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=25)
    words.add_argument("--seconds", type=float, default=0.5, help="of each window")
    words.add_argument("--sessions", type=int, default=100_000)
    words.add_argument("--size", type=int, default=12_000, help="of the lesson's text")
    words.add_argument("--server-core", type=int, default=0)
    words.add_argument("--load-core", type=int, default=1)
    how = words.parse_args()
    checks = Checks()
    place = scratch()
    opened, closed = "/courses/school/open", "/courses/school/closed"
    school = School("--threads", "1", content=write_school(place / "school", how.size), core=how.server_core).ready().settled()
    try:
        cookies = put_sessions(school.data / "lyceum.db", how.sessions)
        (place / "cookies").write_text("\n".join(cookies) + "\n")
        before = rss_kib(school.pid())
        begun = time.time()
        # Each is asked for, by a page that needs to know who it is: from then on memory knows. The generator's connections begin 7,919 apart.
        got = load(school.port, path=closed, cookies=place / "cookies", connections=13, requests=int(how.sessions * 1.6), seconds=600,
                   warmup=0, core=how.load_core)
        note(f"{how.sessions:,} sessions known after {time.time() - begun:.0f} s, {got['answers'] / got['seconds']:,.0f} a second; "
             f"{(rss_kib(school.pid()) - before) / 1024:.0f} MiB more in memory")
        lengths = {}
        for at, cookie in ((opened, None), (closed, cookies[0])):
            headers = {"Accept-Encoding": BR, **({"Cookie": cookie} if cookie else {})}
            if not until(lambda: school.get(at, headers)[1].get("content-encoding") == "br", 60, 0.1):
                sys.exit("the page was not compressed within a minute")
            lengths[at] = len(school.get(at, headers)[2])
        print(machine())
        note(f"{opened}: {lengths[opened]} octets of brotli; {closed}: {lengths[closed]}")
        school.ctl("--yes", "stop", "storage")
        until(lambda: os.getloadavg()[0] < 2.0, 15, 1)
        cases = {"guest": (opened, False), "member": (opened, True), "member, members' page": (closed, True)}
        seen = {name: [] for name in cases}
        for turn in range(how.rounds):
            for name in list(cases) if turn % 2 == 0 else list(cases)[::-1]:
                at, member = cases[name]
                more = {"cookies": place / "cookies"} if member else {}
                got = load(school.port, core=how.load_core, path=at, header=[f"Accept-Encoding: {BR}"], pid=school.process.pid,
                           seconds=how.seconds, warmup=0.2, connections=64, status=200, length=lengths[at], **more)
                if not got["answers"] or got["failed"]:
                    sys.exit(f"{name}: {got['failed']} of {got['answers']} answers were wrong: {got}")
                seen[name].append(got)
        for name in list(cases)[1:]:
            ratios = sorted(a["cpu_us"] / b["cpu_us"] for a, b in zip(seen[name], seen["guest"]))
            middle = [statistics.median(one["cpu_us"] for one in seen[which]) for which in (name, "guest")]
            checks.that(statistics.median(ratios) <= BAR,
                        f"{name}: {statistics.median(ratios):.2f} x guest ({ratios[0]:.2f} to {ratios[-1]:.2f}): {middle[0]:.2f} and "
                        f"{middle[1]:.2f} us of CPU a request, the database stopped")
    finally:
        school.stop()
    print(machine())
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
