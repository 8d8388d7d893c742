#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a million accounts cost: signing in, `/me` and a session's look-up, beside the same with a thousand.

Two servers, each with a database of its own in one PostgreSQL: --few accounts and --many. Each account has a session; each tenth has a grant.
They take turns within each round, and what counts is the ratio of the medians. That every query on the way uses an index is a test
(tests/storage/indexes_test.cpp).
"""
import argparse
import contextlib
import html
import http.client
import re
import statistics
import subprocess
import sys
import time
import urllib.parse

from chaos import Postgres
from school import PROGRAM, Checks, School, machine, note, scratch

BAR = 2.0


def fill(url, count):
    """Accounts, a session each (its token is 'a' forty-two times and a number, at the end), a grant for each tenth."""
    now, day = int(time.time() * 1e6), 86_400_000_000
    text = f"""
      INSERT INTO accounts (id, address, address_key, name, role, language, totp_step, sign_in_epoch, created_at)
        SELECT n, 'a' || n || '@school.example', 'a' || n || '@school.example', 'Name ' || n, 'learner', '', 0, 0, {now} FROM generate_series(1, {count}) n;
      INSERT INTO sessions (token_hash, id, account_id, half_open, created_at, seen_at, idle_until, absolute_until, device, masked_peer)
        SELECT encode(sha256(convert_to(lpad(n::text, 43, 'a'), 'UTF8')), 'hex'), n, n, false, {now}, {now}, {now + 14 * day}, {now + 184 * day}, '', ''
        FROM generate_series(1, {count}) n;
      INSERT INTO grants (id, account_id, plan, source, note, granted_by, created_at, starts_at)
        SELECT n, n, 'gold', 'gift', '', 'bench', {now}, {now} FROM generate_series(10, {count}, 10) n;
      ANALYZE;"""
    done = subprocess.run(["psql", url, "-qv", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(done.stderr)


class Browser:
    def __init__(self, port):
        self.visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.origin = f"http://127.0.0.1:{port}"
        self.cookies = {}

    def ask(self, method, path, form=None):
        """Status, body, and seconds that it took."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Origin": self.origin}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self.visitor.request(method, path, urllib.parse.urlencode(form) if form is not None else None, headers)
        answer = self.visitor.getresponse()
        body = answer.read().decode()
        took = time.perf_counter() - begun
        for one in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = one.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, body, took


def hidden(body):
    return {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', body)}


def ask_for_mail(school, number, database):
    visitor = Browser(school.port)
    _, page, _ = visitor.ask("GET", "/sign-in")
    status, _, took = visitor.ask("POST", "/sign-in", {**hidden(page), "address": f"a{number}@school.example"})
    return status == 303, took


def use_link(school, number, database):
    done = subprocess.run([PROGRAM, "user", "sign-in-link", f"a{number}@school.example", "--database", database, "--data", school.data,
                           "--base-url", f"http://127.0.0.1:{school.port}"], capture_output=True, text=True, timeout=30)
    link = re.search(r"http://127\.0\.0\.1:\d+(/\S+)", done.stdout)
    if not link:
        sys.exit(f"no link: {done.stdout} {done.stderr}")
    visitor = Browser(school.port)
    _, page, _ = visitor.ask("GET", link.group(1))
    status, _, took = visitor.ask("POST", link.group(1), hidden(page))
    return status == 303, took


def look_up(path, wanted):
    def run(school, number, database):
        visitor = Browser(school.port)
        visitor.cookies["session"] = str(number).rjust(43, "a")
        visitor.ask("GET", "/livez")  # the connection
        status, body, took = visitor.ask("GET", path)
        return status == 200 and wanted in body, took
    return run


CASES = {"asking for a mail": ask_for_mail, "signing in by its link": use_link, "/me, a session not in memory": look_up("/me", '"signed_in":true'),
         "/account": look_up("/account", "@school.example")}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--few", type=int, default=1_000)
    words.add_argument("--many", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=100)
    how = words.parse_args()
    checks = Checks()
    print(machine())
    content = scratch() / "school"
    content.mkdir()
    (content / "site.toml").write_text('title = "A school"\nlanguage = "en"\n')
    environment = {"LYCEUM_SIGN_IN_TRIES": "1000000", "LYCEUM_SIGN_IN_PEER_TRIES": "1000000", "LYCEUM_SIGN_IN_MAILS_HOUR": "1000000"}
    with contextlib.ExitStack() as things:
        postgres = things.enter_context(Postgres())
        schools, urls = {}, {}
        for name, count in (("few", how.few), ("many", how.many)):
            subprocess.run(["psql", postgres.url, "-qc", f"CREATE DATABASE {name}"], check=True, timeout=60)
            urls[name] = re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", postgres.url)
            schools[name] = School(content=content, database=urls[name], environment=environment).ready()
            begun = time.time()
            fill(urls[name], count)
            note(f"{count:,} accounts in {time.time() - begun:.0f} s")
        for case, run in CASES.items():
            seen = {name: [] for name in schools}
            for turn in range(how.rounds):
                for name in list(schools) if turn % 2 == 0 else list(schools)[::-1]:
                    most = {"few": how.few, "many": how.many}[name]
                    number = 1 + turn * 7919 % most if turn else 1
                    good, took = run(schools[name], number, urls[name])
                    if not good:
                        sys.exit(f"{case}, {name}: a wrong answer")
                    seen[name].append(took)
            few, many = (statistics.median(seen[name]) * 1e3 for name in ("few", "many"))
            checks.that(many <= BAR * few, f"{case}: {many / few:.2f} x ({many:.2f} and {few:.2f} ms at the median of {how.rounds})")
        for school in schools.values():
            school.stop()
    print(machine())
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
