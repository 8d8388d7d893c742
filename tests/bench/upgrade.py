#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Twenty upgrades in a minute while people read: over connections that are kept, and with a new connection for every request.

Each upgrade is to the other of two builds (the program and a copy of it), so that no kept page is simply believed. While they
go on, `lyceum ctl count` asks as fast as it can whether anybody answers. In the end the server is stopped under load.
"""
import argparse
import os
import shutil
import subprocess
import sys
import threading
import time

from school import PROGRAM, Checks, School, finish, load, machine, note, scratch, until


def operators(school, stop, seen):
    """Asks the control socket again and again; how often it answered, and what it said otherwise."""
    while not stop.is_set():
        done = subprocess.run([str(PROGRAM), "ctl", "--control", str(school.data / "control.sock"), "count"],
                              capture_output=True, text=True, timeout=30)
        key = "answered" if done.returncode == 0 else f"status {done.returncode}: {done.stderr.strip()}"
        seen[key] = seen.get(key, 0) + 1


def said(name, seen):
    note(f"{name}: {seen['good']:,} good, {seen['failed']} failed (refused {seen['refused']}, lost {seen['lost']}, timeouts "
         f"{seen['timeouts']}, wrong {seen['wrong_status'] + seen['wrong_length']}), {seen['reopened']} connections closed between two "
         f"requests; p50 {seen['p50_us'] / 1000:.1f} ms, p99 {seen['p99_us'] / 1000:.1f} ms, longest {seen['max_us'] / 1000:.0f} ms, "
         f"longest gap {seen['gap_ms']:.0f} ms; the generator itself was held up for {seen['stall_ms']:.0f} ms at most")


def processes_on(data):
    """How many processes serve from this data folder."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        count += b"serve" in words and str(data).encode() in words
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrades", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=300, help="requests a second, for each of the two kinds")
    asked = parser.parse_args()
    checks = Checks()
    note(machine())

    school = School().ready().settled()
    paths = school.addresses()[:40]
    for path in paths:
        if not until(lambda: school.get(path)[0] == 200, 20):
            sys.exit(f"{path} is not served")
    until(lambda: " 0 to encode" in school.ctl("inspect", "cache/page_cache"), 60, 0.1)
    copy = scratch() / "lyceum"
    shutil.copyfile(PROGRAM, copy)
    copy.chmod(0o755)

    quiet = load(school.port, path=paths, rate=asked.rate, seconds=3, connections=16)
    said("undisturbed", quiet)
    whole = asked.seconds + 3
    kept = load(school.port, path=paths, rate=asked.rate, seconds=whole, connections=16, background=True)
    fresh = load(school.port, "--new-connections", path=paths, rate=asked.rate, seconds=whole, connections=16, background=True)
    stop, answers = threading.Event(), {}
    asking = threading.Thread(target=operators, args=(school, stop, answers))
    asking.start()

    begun = time.monotonic()
    took, pids, faults, most = [], set(), [], 0
    for turn in range(asked.upgrades):
        time.sleep(max(0.0, begun + turn * asked.seconds / asked.upgrades - time.monotonic()))
        since = time.monotonic()
        try:
            school.ctl("upgrade", str(copy if turn % 2 == 0 else PROGRAM))
            took.append(time.monotonic() - since)
        except (RuntimeError, subprocess.TimeoutExpired) as fault:
            faults.append(str(fault))
        pids.add(school.pid())
        most = max(most, processes_on(school.data) - 1)
    within = time.monotonic() - begun
    stop.set()
    asking.join()
    seen = {"kept connections": finish(kept), "new connections": finish(fresh)}

    for name, one in seen.items():
        said(name, one)
    for fault in faults:
        note(fault)
    took.sort()
    if took:
        note(f"an upgrade takes {took[len(took) // 2] * 1000:.0f} ms (median), {took[-1] * 1000:.0f} ms at most, from the question to the "
             f"answer; at most {most} servers at once")
    checks.that(len(took) == asked.upgrades and len(pids) == asked.upgrades,
                f"{len(took)} of {asked.upgrades} upgrades were done, {len(pids)} processes served, within {within:.0f} s")
    for name, one in seen.items():
        checks.that(one["failed"] == 0 and one["good"] >= 0.98 * asked.rate * whole,
                    f"{name}: {one['failed']} of {one['answers']:,} requests failed (promised: 0)")
    others = {what: count for what, count in answers.items() if what != "answered"}
    checks.that(not others, f"ctl: {answers.get('answered', 0)} answers, and else {others or 'nothing'}")
    checks.that(until(lambda: processes_on(school.data) == 2, 20, 0.1),
                f"in the end {processes_on(school.data)} processes are left: the heart and one server")

    # A stop under load: who was let in is answered.
    kept = load(school.port, path=paths, rate=asked.rate, seconds=3, connections=16, background=True)
    time.sleep(1.5)
    since = time.monotonic()
    school.process.terminate()
    status = school.process.wait(30)
    ended = time.monotonic() - since
    one = finish(kept)
    note(f"stopped under load: status {status} after {ended:.1f} s; {one['good']} answers before")
    checks.that(status == 0 and ended <= 10.5, "a stop under load ends with 0 within 10 s")
    checks.that(one["wrong_status"] + one["wrong_length"] + one["timeouts"] == 0, "and nobody got half an answer")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
