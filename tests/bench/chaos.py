#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Readers while things die: every part of the tree, the process, the database; and code that throws, loops and floods.

parts      500 requests a second on kept pages; `lyceum ctl kill` of one subsystem each second for --seconds; each, then all in turn.
process    300 new connections a second; kill -9 of the server process every other second.
database   400 requests a second on kept pages while PostgreSQL is frozen (SIGSTOP), and while it is stopped.
throws     10,000 handlers that throw, 200 a second, beside 200 requests a second on kept pages.
loop       one worker crashes each time it comes back, until its subsystem is degraded; then it is left alone and heals.
stuck      a handler that never ends, beside 200 requests a second on kept pages; the watchdog names it.
flood      100,000 requests to one subsystem as fast as they are taken, more than it can do.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time

from drills import flood, loop, stuck, throws
from school import ROOT, Checks, School, finish, load, machine, note, said, until, warm

PARTS = ["telemetry", "storage", "cache", "rendering", "content", "sessions", "web", "control"]
FLOOR_US = 1000  # quiet answers take a fifth of a millisecond: three times that is within the kernel's timer


def misses(school):
    return school.metric('lyceum_cache_lookups_total{outcome="miss"}')


def part_dies(checks, school, paths, name, victims, seconds):
    quiet = load(school.port, path=paths, rate=500, seconds=max(3, seconds / 6), connections=16)
    missed = misses(school)
    readers = load(school.port, path=paths, rate=500, seconds=seconds + 1, connections=16, background=True)
    time.sleep(1)
    kills, refused = 0, []
    begun = time.monotonic()
    for second in range(seconds):
        part = victims[second % len(victims)]
        try:
            school.ctl("kill", part)
            kills += 1
        except (RuntimeError, subprocess.TimeoutExpired) as fault:
            refused.append(f"{part}: {fault}")
        time.sleep(max(0, begun + second + 1 - time.monotonic()))
    seen = finish(readers)
    said(f"{name}, undisturbed", quiet)
    said(f"{name}, killed {kills} times", seen)
    for one in refused:
        note(one)
    checks.that(kills == seconds, f"{name}: {kills} of {seconds} kills were done")
    checks.that(seen["failed"] == 0 and seen["good"] >= 495 * seconds, f"{name}: {seen['failed']} of {seen['answers']:,} requests failed (promised: 0)")
    checks.that(seen["reopened"] == 0, f"{name}: {seen['reopened']} connections were closed (promised: 0)")
    checks.that(misses(school) == missed, f"{name}: {misses(school) - missed:.0f} kept pages had to be made again (promised: 0)")
    allowed = max(3 * quiet["p99_us"], FLOOR_US)
    checks.that(seen["p99_us"] <= allowed, f"{name}: p99 {seen['p99_us'] / 1000:.2f} ms (promised: 3 x {quiet['p99_us'] / 1000:.2f} ms undisturbed, "
                f"at least {FLOOR_US / 1000:.0f} ms: {allowed / 1000:.2f} ms)")
    checks.that(school.well(), f"{name}: all is well afterwards")


def parts_die(checks, seconds, only):
    school = School().ready().settled()
    paths = warm(school, 40)
    for part in PARTS if only is None else [one for one in PARTS if one == only]:
        part_dies(checks, school, paths, part, [part], seconds)
    if only in (None, "all"):
        part_dies(checks, school, paths, "all in turn", PARTS, seconds)
    school.stop()


def process_dies(checks, seconds):
    school = School().ready().settled()
    paths = warm(school, 40)
    time.sleep(1)
    readers = load(school.port, path=paths, rate=300, seconds=seconds + 1, connections=64, new_connections=True, background=True)
    time.sleep(1)
    kills, warmth = 0, []
    end = time.monotonic() + seconds
    while time.monotonic() < end - 1.5:
        school.kill_server()
        kills += 1
        time.sleep(1)
        found = {one: school.metric(f'lyceum_cache_lookups_total{{outcome="{one}"}}') for one in ("hit", "miss", "stale")}
        warmth.append(found["hit"] / max(1, sum(found.values())))
        time.sleep(1)
    seen = finish(readers)
    said(f"{kills} x kill -9", seen)
    checks.that(seen["refused"] == 0, f"process: {seen['refused']} connections refused (promised: 0)")
    checks.that(seen["lost"] + seen["timeouts"] + seen["wrong_status"] <= kills, f"process: {seen['failed']} requests failed (promised: those "
                f"in flight, at most one a kill on average: {kills})")
    checks.that(seen["gap_ms"] <= 300, f"process: longest time without an answer {seen['gap_ms']:.0f} ms (promised: 300 ms)")
    checks.that(min(warmth) >= 0.95, f"process: {min(warmth) * 100:.1f} % hits in the first second, at worst (promised: 95 %)")
    school.stop()


class Postgres:
    """A private one, by tests/peers/postgres.sh."""

    def __enter__(self):
        done = subprocess.run([ROOT / "tests/peers/postgres.sh", "start"], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            sys.exit(done.stderr)
        self.folder, self.url = done.stdout.split()[:2]
        self.pid = int(open(f"{self.folder}/data/postmaster.pid").readline())
        self.port = re.search(r":(\d+)/", self.url).group(1)
        return self

    def __exit__(self, *_):
        self.freeze(signal.SIGCONT)
        subprocess.run([ROOT / "tests/peers/postgres.sh", "stop", self.folder], timeout=60)

    def tree(self):
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True).stdout.split()
        return [self.pid] + [int(pid) for pid in found]

    def freeze(self, with_signal):
        for pid in self.tree():
            try:
                os.kill(pid, with_signal)
            except ProcessLookupError:
                pass

    def control(self, *words):
        folder = subprocess.run("ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1", shell=True, capture_output=True, text=True).stdout.strip()
        command = [f"{folder}/pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", *words]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, timeout=60)

    def stop(self):
        self.control("-m", "immediate", "stop")

    def start(self):
        self.control("-o", f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' -c fsync=off -c max_connections=200", "start")
        self.pid = int(open(f"{self.folder}/data/postmaster.pid").readline())


def database_dies(checks, seconds):
    with Postgres() as database:
        school = School(database=database.url).ready().settled()
        paths = warm(school, 40)
        for how, down, up in (("frozen", lambda: database.freeze(signal.SIGSTOP), lambda: database.freeze(signal.SIGCONT)),
                              ("stopped", database.stop, database.start)):
            readers = load(school.port, path=paths, rate=400, seconds=seconds + 1, connections=16, background=True)
            time.sleep(1)
            down()
            began, others = time.monotonic(), []
            turn = 0
            while time.monotonic() - began < seconds - 2:
                turn += 1
                at = time.monotonic()
                status, fields, _ = school.get(f"/courses/not-kept-{how}-{turn}", timeout=15)
                others.append((status, fields.get("retry-after"), time.monotonic() - at))
                time.sleep(0.2)
            up()
            back = time.monotonic()
            # Another cold page each time: what one visitor was told is not what the next one is told from the cache.
            well = until(lambda: school.get(f"/courses/back-{how}-{time.monotonic_ns()}")[0] == 404
                         and school.get("/readyz")[0] == 200, 15, 0.05)
            took = time.monotonic() - back
            seen = finish(readers)
            said(f"database {how}", seen)
            checks.that(seen["failed"] == 0, f"database {how}: {seen['failed']} of {seen['answers']:,} kept pages failed (promised: 0)")
            wrong = [one for one in others if one[0] != 503 or not one[1]]
            slowest = max(one[2] for one in others)
            checks.that(not wrong, f"database {how}: {len(others) - len(wrong)} of {len(others)} others were told 503 with Retry-After"
                        + (f"; not {wrong[0]}" if wrong else ""))
            checks.that(slowest <= 5, f"database {how}: the slowest of them waited {slowest:.1f} s (limit: 5 s)")
            checks.that(well and took <= 5, f"database {how}: all is well {took:.1f} s after its return (promised: 5 s)")
        school.stop()


DRILLS = ["parts", "process", "database", "throws", "loop", "stuck", "flood"]


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=int, default=60, help="for each subsystem, and for the process")
    words.add_argument("--only", choices=DRILLS, action="append", help="more than once for more than one")
    words.add_argument("--part", choices=[*PARTS, "all"], help="of parts: only this one, or only all in turn")
    words.add_argument("--count", type=float, default=1, help="share of the throws and of the flood: 0.1 for a tenth")
    how = words.parse_args()
    drills = how.only or DRILLS
    checks = Checks()
    print(machine())
    if "parts" in drills:
        parts_die(checks, how.seconds, how.part)
    if "process" in drills:
        process_dies(checks, how.seconds)
    if "database" in drills:
        database_dies(checks, min(how.seconds, 10))
    if "throws" in drills:
        throws(checks, int(10_000 * how.count))
    if "loop" in drills:
        loop(checks)
    if "stuck" in drills:
        stuck(checks)
    if "flood" in drills:
        flood(checks, int(100_000 * how.count))
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
