#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What connections cost that do nothing, and what those can do that never finish a header."""
import argparse
import sys

from school import Checks, School, finish, load, machine, rss_kib


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--connections", type=int, default=2000)
    words.add_argument("--slow", type=int, default=1000)
    how = words.parse_args()
    checks = Checks()
    print(machine())
    school = School().ready().settled()
    paths = school.addresses()[:20]
    visit = dict(path=paths, rate=400, connections=16)
    load(school.port, seconds=2, **visit)
    quiet = load(school.port, seconds=5, **visit)
    before = rss_kib(school.pid())
    held = load(school.port, hold="idle", path=paths[0], connections=how.connections, seconds=25, background=True)
    if not held.stdout.readline().startswith("READY"):
        sys.exit("the connections could not be opened")
    each = (rss_kib(school.pid()) - before) / how.connections
    seen = load(school.port, seconds=5, **visit)
    held.stdin.close()
    held.wait(30)
    checks.that(each <= 2.0, f"idle: {each:.2f} KiB of resident memory for each of {how.connections:,} connections (bar: 2 KiB)")
    checks.that(seen["failed"] == 0 and seen["p99_us"] <= max(20_000, 3 * quiet["p99_us"]),
                f"idle: visitors beside them: {seen['failed']} of {seen['answers']:,} failed, p99 {seen['p99_us'] / 1000:.2f} ms "
                f"(alone: {quiet['p99_us'] / 1000:.2f} ms)")

    slow = load(school.port, hold="header", connections=how.slow, seconds=30, background=True)
    seen = load(school.port, seconds=14, **visit)
    got = finish(slow)
    checks.that(seen["failed"] == 0 and seen["p99_us"] <= max(20_000, 3 * quiet["p99_us"]),
                f"slow headers: visitors beside {how.slow:,} of them: {seen['failed']} of {seen['answers']:,} failed, p99 "
                f"{seen['p99_us'] / 1000:.2f} ms (alone: {quiet['p99_us'] / 1000:.2f} ms)")
    checks.that(got["dropped"] == how.slow and got["longest_ms"] <= 15_000,
                f"slow headers: {got['dropped']:,} of {how.slow:,} dropped, the last one {got['longest_ms'] / 1000:.1f} s after it came (promised: 15 s)")
    school.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
