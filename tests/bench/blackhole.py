#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mail host is a black hole: it takes connections and says nothing. Who notices?

Members read cached pages at 500 requests a second for --seconds; the outbox is full of mails that nobody takes, and for the second half the
database's subsystem is killed each second. Meanwhile somebody goes on asking for sign-in mails; at last the subsystem is stopped for some seconds. Promised: no page
fails, the 99th percentile is that of a quiet run, and whoever signs in is served or told when to come again, and served afterwards.
"""
import argparse
import collections
import socket
import subprocess
import sys
import threading
import time

from school import Checks, School, finish, load, machine, note, said, scratch, until
from signed_in import put_sessions, write_school
from signups import BASE_URL, ask_for_mail, try_to_ask

PAGE = "/courses/school/closed"


class BlackHole:
    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.held = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            self.held.append(self.listening.accept()[0])


def try_to_sign_in(school, over, seen):
    """Somebody who fills in the form to sign in again and again."""
    for n in range(1_000_000):
        if over.wait(0.05):
            return
        seen[try_to_ask(school.port, f"c{n}@school.example")] += 1


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--mails", type=int, default=200)
    how = words.parse_args()
    checks = Checks()
    print(machine())
    hole = BlackHole()
    place = scratch()
    school = School(content=write_school(place / "school", 12_000),
                    environment={"SMTP_URL": f"smtp://127.0.0.1:{hole.port}", "LYCEUM_MAIL_FROM": "School <school@school.example>", "LYCEUM_BASE_URL": BASE_URL,
                                 "LYCEUM_SIGN_IN_TRIES": "1000000", "LYCEUM_SIGN_IN_PEER_TRIES": "1000000",
                                 "LYCEUM_SIGN_IN_MAILS_HOUR": "1000000"}).ready().settled()
    cookies = put_sessions(school.data / "lyceum.db", 100)
    (place / "cookies").write_text("\n".join(cookies) + "\n")
    reading = {"path": PAGE, "cookies": place / "cookies", "rate": 500, "connections": 16}
    load(school.port, seconds=2, **reading)
    quiet = load(school.port, seconds=max(5, how.seconds / 6), **reading)
    said("quiet", quiet)
    for n in range(how.mails):
        if not ask_for_mail(school.port, f"b{n}@school.example"):
            sys.exit("a mail could not be asked for")
    until(lambda: hole.held, 10)
    seen, over = collections.Counter(), threading.Event()
    asking = threading.Thread(target=try_to_sign_in, args=(school, over, seen))
    asking.start()
    readers = load(school.port, seconds=how.seconds, background=True, **reading)
    began, kills = time.time(), 0
    time.sleep(how.seconds / 2)
    while time.time() - began < how.seconds - 1:
        kills += subprocess.run([school.program, "ctl", "--control", school.data / "control.sock", "--yes", "kill", "storage"],
                                capture_output=True, timeout=20).returncode == 0
        time.sleep(1)
    read = finish(readers)
    over.set()
    asking.join()
    said("black hole", read)
    checks.that(read["failed"] == 0, f"{read['failed']} of {read['good']:,} pages failed while {how.mails} mails waited and storage was killed {kills} times")
    checks.that(read["p99_us"] <= max(3 * quiet["p99_us"], 1000), f"p99 {read['p99_us'] / 1000:.2f} ms; quiet {quiet['p99_us'] / 1000:.2f} ms")
    checks.that(set(seen) <= {(303, False), (503, True)} and seen[(303, False)] > 0, f"asked for mails meanwhile: {dict(seen)} (status, Retry-After)")
    school.ctl("--yes", "stop", "storage")
    away = [try_to_ask(school.port, "away@school.example") for _ in range(20)]
    page = load(school.port, seconds=2, **reading)
    school.ctl("start", "storage")
    checks.that(set(away) == {(503, True)}, f"while it is stopped: {dict(collections.Counter(away))}")
    checks.that(page["failed"] == 0, f"{page['failed']} of {page['good']:,} pages failed meanwhile")
    checks.that(until(lambda: ask_for_mail(school.port, "after@school.example"), 10, 0.5), "afterwards signing in works")
    note(f"{len(hole.held)} connections to the mail host")
    school.stop()
    print(machine())
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
