#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A row before a message: people sign up while everything that could lose their mail is killed.

Several clients ask for sign-in mails, each for the next of --people addresses, until the server says that it has taken the request.
Meanwhile the server is killed with -9 --kills times at random moments, and each mail worker by `ctl kill` once a second. A real mail host
(aiosmtpd, in this process) takes what comes. Then all is left in peace until the outbox rests, and rows and mailboxes are compared:
every request has its mail, no mail is without a request, and mails that came again carry their one Message-ID, and are no more than
the kills. With --database postgresql two servers share the outbox, and the kills.
"""
import argparse
import collections
import contextlib
import email
import html
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

from aiosmtpd.controller import Controller

from chaos import Postgres
from school import Checks, School, machine, note, scratch, until


BASE_URL = "http://127.0.0.1:8080"  # of all servers, as links in mails say it; nobody follows them


class Host:
    """A mail host that keeps whose mail with which Message-ID came, in order."""

    def __init__(self):
        self.taken = []
        self.guard = threading.Lock()

    async def handle_DATA(self, server, session, envelope):
        parsed = email.message_from_bytes(envelope.content)
        with self.guard:
            self.taken += [(to, parsed["Message-ID"]) for to in envelope.rcpt_tos]
        return "250 taken"


def ask_for_mail(port, address):
    """One try, as a browser makes it. True where the server said that it took the request."""
    return try_to_ask(port, address)[0] == 303


def try_to_ask(port, address):
    """One try, as a browser makes it: the status, or the name of what broke, and whether Retry-After says when to come again."""
    visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        visitor.request("GET", "/sign-in")
        page = visitor.getresponse()
        body = page.read().decode()
        token = re.search(r'name="csrf" value="([^"]*)"', body)
        cookies = "; ".join(one.split(";")[0] for one in page.headers.get_all("Set-Cookie") or [])
        if page.status != 200 or not token:
            return page.status, page.headers["Retry-After"] is not None
        form = urllib.parse.urlencode({"csrf": html.unescape(token.group(1)), "to": "/", "address": address})
        visitor.request("POST", "/sign-in", form, {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies,
                                                   "Origin": BASE_URL})
        answer = visitor.getresponse()
        answer.read()
        return answer.status, answer.headers["Retry-After"] is not None
    except (OSError, http.client.HTTPException) as fault:
        return type(fault).__name__, False
    finally:
        visitor.close()


def kill_process(school):
    """Kills the server below the heart. False where there is none now: it died a moment ago."""
    try:
        os.kill(school.pid(), signal.SIGKILL)
        return True
    except (OSError, ValueError):
        return False


class Rows:
    """The database, by its own client program."""

    def __init__(self, sqlite=None, postgres=None):
        self.command = ["sqlite3", "-separator", "|", str(sqlite)] if sqlite else ["psql", postgres, "-AtF|", "-c"]

    def ask(self, text):
        done = subprocess.run(self.command + [text], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            sys.exit(f"{text}: {done.stderr.strip()}")
        return [line.split("|") for line in done.stdout.splitlines()]


def main():
    with contextlib.ExitStack() as things:
        return run(things)


def run(things):
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--people", type=int, default=1000)
    words.add_argument("--kills", type=int, default=200)
    words.add_argument("--seconds", type=float, default=400, help="over which the kills are spread")
    words.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    words.add_argument("--seed", type=int, default=int(time.time()))
    how = words.parse_args()
    checks = Checks()
    dice = random.Random(how.seed)
    print(f"{machine()}; seed {how.seed}")
    host = Host()
    mail_host = Controller(host, hostname="127.0.0.1", port=0)
    mail_host.port = dice.randrange(20_000, 30_000)
    mail_host.start()
    things.callback(mail_host.stop)
    postgres = things.enter_context(Postgres()) if how.database == "postgresql" else None
    # Everybody comes from one address here, and nobody uses what was mailed.
    environment = {"SMTP_URL": f"smtp://127.0.0.1:{mail_host.port}", "LYCEUM_MAIL_FROM": "School <school@school.example>", "LYCEUM_BASE_URL": BASE_URL,
                   "LYCEUM_SIGN_IN_TRIES": "1000000", "LYCEUM_SIGN_IN_PEER_TRIES": "1000000", "LYCEUM_SIGN_IN_MAILS_HOUR": "1000000", "LYCEUM_MAIL_RATE": "100"}
    content = scratch() / "school"
    content.mkdir()
    (content / "site.toml").write_text('title = "A school"\nlanguage = "en"\n')
    schools = []
    for _ in range(2 if postgres else 1):
        data = scratch() / "data"
        data.mkdir()
        if schools:  # servers that share a database share their keys
            shutil.copy(schools[0].data / "keys", data / "keys")
        schools.append(School(content=content, data=data, database=postgres.url if postgres else None, environment=environment).ready())
    rows = Rows(postgres=postgres.url) if postgres else Rows(sqlite=schools[0].data / "lyceum.db")
    waiting = collections.deque(f"p{n}@school.example" for n in range(how.people))
    taken, over, killed, workers = [], threading.Event(), 0, [0]
    began = time.time()

    def sign_up(number):
        mine = random.Random(how.seed + number)
        while waiting and not over.is_set():
            try:
                address = waiting.popleft()
            except IndexError:
                return
            while not over.is_set() and not ask_for_mail(mine.choice(schools).port, address):
                time.sleep(0.02)
            taken.append(address)
            # As fast as lets the kills fall among the sign-ups.
            late = began + how.seconds * 0.95 * len(taken) / how.people - time.time()
            if late > 0:
                time.sleep(min(late, 2))

    def kill_workers():
        while not over.wait(1):
            for school in schools:
                for worker in ("mail/smtp-1", "mail/smtp-2", "mail/outbox"):
                    done = subprocess.run([school.program, "ctl", "--control", school.data / "control.sock", "kill", worker],
                                          capture_output=True, timeout=20)
                    workers[0] += done.returncode == 0

    people = [threading.Thread(target=sign_up, args=(n,)) for n in range(8)]
    others = [threading.Thread(target=kill_workers)]
    for one in people + others:
        one.start()
    moments = sorted(dice.uniform(0, how.seconds) for _ in range(how.kills))
    for moment in moments:
        time.sleep(max(0, began + moment - time.time()))
        school = dice.choice(schools)
        if until(lambda: kill_process(school), 20):
            killed += 1
    for one in people:
        one.join(120)
    over.set()
    for one in others:
        one.join(60)
    asked_in = time.time() - began
    checks.that(len(taken) == how.people, f"{len(taken)} of {how.people} sign-ups were taken within {asked_in:.0f} s, amid {killed} kills of "
                "the process")
    for school in schools:
        school.ready(60)
    rests = lambda: int(rows.ask("SELECT count(*) FROM mail_outbox WHERE state NOT IN ('sent', 'failed', 'suppressed')")[0][0]) == 0
    checks.that(until(rests, 400, 1), f"the outbox rests {time.time() - began - asked_in:.0f} s later")

    asked = collections.Counter(address for address, in rows.ask("SELECT address FROM sign_in_requests"))
    outbox = {message: (to, state, int(orphaned), int(tries)) for message, to, state, orphaned, tries in
              rows.ask("SELECT message_id, recipient, state, orphaned, tries FROM mail_outbox WHERE template_name = 'sign_in'")}
    came = collections.Counter(host.taken)
    by_person = collections.Counter(to for to, _, _, _ in outbox.values())
    unacknowledged = set(taken) - set(asked)
    checks.that(not unacknowledged, f"{len(unacknowledged)} of {len(taken)} that were told they were taken have no row")
    checks.that(asked == by_person, f"{sum(asked.values())} requests and {len(outbox)} mails in the outbox: one for each")
    lost = [message for message, (to, state, _, _) in outbox.items() if (to, message) not in came]
    checks.that(not lost, f"{len(lost)} mails never came: {[outbox[one] for one in lost[:3]]}")
    strangers = [one for one in came if one[1] not in outbox or outbox[one[1]][0] != one[0]]
    checks.that(not strangers, f"{len(strangers)} mails came that nobody asked for")
    twice = {one: n for one, n in came.items() if n > 1}
    died = sum(orphaned for _, _, orphaned, _ in outbox.values())
    again = sum(n - 1 for n in twice.values())
    checks.that(again <= killed + workers[0], f"{again} came again, each with its one Message-ID, after {killed} kills of the process and "
                f"{workers[0]} of mail workers ({died} tries died without a word)")
    checks.that(all(n <= outbox[message][3] for (_, message), n in came.items()), "none came more often than it was tried")
    states = collections.Counter(state for _, state, _, _ in outbox.values())
    note(f"states: {dict(states)}; {sum(came.values())} mails were taken by the host")
    for school in schools:
        school.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
