#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything is killed at random for a while, and at the end all is as it was.

The first third: 200 new connections a second on kept pages; parts are killed, some as crashes (which spends budgets, so that
subsystems degrade), and now and then the process, by kill -9. Then the process lives: 200 requests a second over connections that
stay, and parts are killed at random. Memory, descriptors and threads are compared at rest, before and after, and memory's slope is
taken over the second half of that time. --seed repeats a run's choices.
"""
import argparse
import random
import subprocess
import sys
import time

from school import Checks, School, finish, load, machine, note, rss_kib, said, until, warm

RATE = 200
SLOPE_MIB_HOUR = 20  # what a window of minutes can tell from noise; a night's run can be held to 1
REST_MIB = 4
PAUSE = (0.2, 1.2)   # between two kills, in seconds


class Reaper:
    """Kills what it is told to choose from, and counts."""

    def __init__(self, school, seed):
        self.school = school
        self.chance = random.Random(seed)
        self.parts = sorted(path for path in school.tree() if path != "site")
        self.kills = self.crashes = self.deaths = self.refused = 0
        self.samples = []  # (seconds, MiB)

    def part(self, as_crash):
        path = self.chance.choice(self.parts)
        words = ["kill", *(["--as-crash"] if as_crash else []), path]
        try:
            self.school.ctl(*words)
            self.kills += not as_crash
            self.crashes += as_crash
        except (RuntimeError, subprocess.TimeoutExpired):  # it is degraded, or ends with its supervisor just now
            self.refused += 1

    def run(self, seconds, deaths):
        begun = time.monotonic()
        next_death = begun + 8
        while time.monotonic() < begun + seconds:
            if deaths and time.monotonic() > next_death:
                self.school.kill_server()
                self.deaths += 1
                next_death = time.monotonic() + self.chance.uniform(8, 20)
                until(lambda: self.school.get("/livez")[0] == 200, 10)
            else:
                self.part(as_crash=self.chance.random() < 0.15)
            if not deaths and len(self.samples) < (time.monotonic() - begun) / 2:
                self.samples.append((time.monotonic() - begun, rss_kib(self.school.pid()) / 1024))
            time.sleep(self.chance.uniform(*PAUSE))


def slope(samples):
    """MiB an hour, least squares."""
    n = len(samples)
    at, of = sum(t for t, _ in samples) / n, sum(m for _, m in samples) / n
    spread = sum((t - at) ** 2 for t, _ in samples)
    return 3600 * sum((t - at) * (m - of) for t, m in samples) / spread if spread else 0.0


def at_rest(school):
    """Resident MiB, descriptors, threads, once nothing moves any more."""
    school.well(60)
    seen = []
    until(lambda: (seen.append((school.descriptors(), school.threads())), len(seen) > 10 and len(set(seen[-10:])) == 1)[1], 30, 0.2)
    return rss_kib(school.pid()) / 1024, school.descriptors(), school.threads()


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--seed", type=int, default=None)
    how = words.parse_args()
    seed = how.seed if how.seed is not None else random.SystemRandom().randrange(1_000_000)
    seconds = max(60, how.minutes * 60)
    checks = Checks()
    print(f"{machine()}; {seconds:.0f} s, --seed {seed}")
    school = School().ready().settled()
    paths = warm(school, 40)
    reaper = Reaper(school, seed)
    heart = school.process.pid
    heart_before = rss_kib(heart)

    readers = load(school.port, path=paths, rate=RATE, seconds=seconds / 3 + 1, connections=64, new_connections=True, background=True)
    time.sleep(1.5)
    reaper.run(seconds / 3 - 4, deaths=True)
    seen = finish(readers)
    said(f"{reaper.kills} kills, {reaper.crashes} as crashes, {reaper.deaths} kill -9, {reaper.refused} refused", seen)
    checks.that(reaper.deaths > 0 and reaper.kills + reaper.crashes > seconds / 10, f"first third: {reaper.kills + reaper.crashes} parts and {reaper.deaths} processes were killed")
    checks.that(seen["refused"] == 0, f"first third: {seen['refused']} connections refused (promised: 0)")
    checks.that(seen["failed"] <= reaper.deaths, f"first third: {seen['failed']} of {seen['answers']:,} failed (promised: those in flight at a kill -9, "
                f"at most one each on average: {reaper.deaths})")
    checks.that(school.well(60), "first third: all is well afterwards")

    reaper.kills = reaper.crashes = reaper.refused = 0
    pid = school.pid()
    load(school.port, path=paths, rate=RATE, seconds=3, connections=16)  # what serving takes is taken before the first look
    reaper.run(15, deaths=False)  # and what the first of each kill takes
    reaper.samples.clear()
    before = at_rest(school)
    lasts = seconds * 2 / 3 - 20
    readers = load(school.port, path=paths, rate=RATE, seconds=lasts + 2, connections=16, background=True)
    time.sleep(1)
    reaper.run(lasts, deaths=False)
    seen = finish(readers)
    after = at_rest(school)
    said(f"{reaper.kills} kills, {reaper.crashes} as crashes, {reaper.refused} refused", seen)
    checks.that(seen["failed"] == 0 and seen["good"] >= (RATE - 2) * lasts, f"then: {seen['failed']} of {seen['answers']:,} failed (promised: 0)")
    checks.that(seen["reopened"] == 0, f"then: {seen['reopened']} connections were closed (promised: 0)")
    checks.that(school.pid() == pid, "then: one process all the time")
    rise = slope(reaper.samples[len(reaper.samples) // 2:])
    checks.that(rise <= SLOPE_MIB_HOUR, f"memory: {rise:+.1f} MiB an hour over the second half (bar: {SLOPE_MIB_HOUR} in a window of minutes)")
    checks.that(after[0] <= before[0] + REST_MIB, f"memory: {before[0]:.1f} MiB at rest before, {after[0]:.1f} after (bar: {REST_MIB} MiB more)")
    checks.that(after[1] <= before[1] + 2, f"descriptors: {before[1]} before, {after[1]} after (bar: flat, give or take 2)")
    checks.that(after[2] <= before[2] + 2, f"threads: {before[2]} before, {after[2]} after (bar: flat, give or take 2)")
    checks.that(rss_kib(heart) <= heart_before + 1024, f"heart: {heart_before / 1024:.1f} MiB before, {rss_kib(heart) / 1024:.1f} after (bar: 1 MiB more)")
    written = sum(one.stat().st_size for one in (school.data / "log").glob("crashes*")) + (school.data / "stderr.log").stat().st_size
    checks.that(written <= 20 * 2**20, f"logs: crash reports and messages are {written / 2**20:.1f} MiB (bound: 20)")
    checks.that(school.well(30), "all is well at the end")
    school.stop()
    note(f"repeat it with --seed {seed}")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
