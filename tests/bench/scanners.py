#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wapiti and sqlmap against every form, after they have shown that they bite.

First both scan a page with two holes on purpose (a reflected text, a spliced SQL), on 127.0.0.1: what they do not find there they would not
find here. Then wapiti crawls the school as a guest and as a member who has just proved who he is, and sqlmap tries each field of each form.
Nothing may be found. Needs the packages wapiti and sqlmap.
"""
import argparse
import html
import http.server
import json
import re
import socketserver
import sqlite3
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

from school import Checks, School, machine, note, scratch
from signed_in import put_sessions, write_school

MODULES = "xss,sql,file,redirect,exec,crlf"
FORMS = {"/sign-in": ["address", "to"], "/sign-in/password": ["address", "password", "to"], "/sign-in/code": ["code", "ask"]}
MEMBERS_FORMS = {"/account/address": ["address"], "/account/security/password": ["password"], "/account": ["name", "language"]}


class Holes(http.server.BaseHTTPRequestHandler):
    """What a scanner must find."""
    rows = sqlite3.connect(":memory:", check_same_thread=False)
    rows.execute("CREATE TABLE people (name TEXT)")
    rows.execute("INSERT INTO people VALUES ('ann')")
    guard = threading.Lock()

    def do_GET(self):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        body = '<html><body><form action="/"><input name="name" value="ann"><input name="said"><input type="submit"></form>'
        status = 200
        if "name" in asked:
            try:
                with self.guard:
                    found = self.rows.execute(f"SELECT name FROM people WHERE name = '{asked['name']}'").fetchall()
                body += "<p>here</p>" if found else "<p>nobody</p>"
            except sqlite3.Error as fault:
                status, body = 500, f"sqlite3.OperationalError: {fault}"
        body += f"<p>{asked.get('said', '')}</p></body></html>"
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def wapiti(url, place, name, cookie=None, seconds=240):
    """What it found, by kind."""
    report = place / f"{name}.json"
    command = ["wapiti", "-u", url, "-m", MODULES, "--flush-session", "--store-session", str(place), "-f", "json", "-o", str(report), "-d", "4",
               "--max-scan-time", str(seconds), "--max-attack-time", "60", "--no-bugreport", "-v", "0", "--scope", "domain"]
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    subprocess.run(command, capture_output=True, timeout=seconds + 300)
    told = json.loads(report.read_text())
    return {kind: found for kind, found in told["vulnerabilities"].items() if found and kind not in ("Secure Flag cookie", "HttpOnly Flag cookie")}


def sqlmap(url, place, data=None, fields=None, cookie=None, token=None, seconds=300):
    """The fields that it calls injectable, and how many requests it made."""
    command = ["sqlmap", "-u", url, "--batch", "--level", "3", "--risk", "2", "--output-dir", str(place), "--flush-session", "--timeout", "10",
               "--retries", "1", "--technique", "BEUS", "--threads", "1", "--disable-coloring", "--ignore-code", "400,403,422,429"]
    if data:
        command += ["--data", data]
    if fields:
        command += ["-p", ",".join(fields)]
    if cookie:
        command += ["--cookie", cookie]
    if token:
        command += ["--csrf-token", "csrf", "--csrf-url", token]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        text = done.stdout
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace") + "\n(cut)"
    found = re.findall(r"^Parameter: (.*)$", text, re.M)
    tested = len(re.findall(r"testing '", text))
    return found, tested, text


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=int, default=240, help="for each scan")
    how = words.parse_args()
    checks = Checks()
    print(machine())
    place = scratch()
    holes = Server(("127.0.0.1", 0), Holes)
    threading.Thread(target=holes.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{holes.server_address[1]}/"
    found = wapiti(there, place, "holes", seconds=60)
    checks.that("Cross Site Scripting" in found and "SQL Injection" in found, f"wapiti bites: {', '.join(found)}")
    injectable, tested, _ = sqlmap(there + "?name=ann", place / "holes", fields=["name"], seconds=how.seconds)
    checks.that(bool(injectable), f"sqlmap bites: {injectable}")

    school = School(content=write_school(place / "school", 3000),
                    environment={"LYCEUM_SIGN_IN_TRIES": "1000000", "LYCEUM_SIGN_IN_PEER_TRIES": "1000000",
                                 "LYCEUM_SIGN_IN_MAILS_HOUR": "1000000"}).ready().settled()
    cookie = put_sessions(school.data / "lyceum.db", 3)[0]
    with sqlite3.connect(school.data / "lyceum.db", timeout=30) as rows:
        rows.execute("UPDATE sessions SET sudo_until = 9000000000000000")  # he has just proved who he is
        for table in ("sessions", "accounts"):  # a scanner presses "Sign out" and "Delete", too, and shall go on nevertheless
            rows.execute(f"CREATE TRIGGER keep_{table} BEFORE DELETE ON {table} BEGIN SELECT RAISE(IGNORE); END")
    here = f"http://127.0.0.1:{school.port}/"
    for name, brought in (("guest", None), ("member", cookie)):
        found = wapiti(here, place, name, brought, how.seconds)
        checks.that(not found, f"wapiti, as a {name}: {json.dumps(found)[:600] if found else 'nothing'}")
    for forms, brought in ((FORMS, None), (MEMBERS_FORMS, cookie)):
        for path, fields in forms.items():
            request = urllib.request.Request(here.rstrip("/") + path, headers={"Cookie": brought} if brought else {})
            try:
                answer = urllib.request.urlopen(request, timeout=10)
                page, cookies = answer.read().decode(), [one.split(";")[0] for one in answer.headers.get_all("Set-Cookie") or []]
            except OSError as fault:
                note(f"{path}: {fault}")
                continue
            given = {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)}
            data = urllib.parse.urlencode({**given, **{field: given.get(field) or "a@b.example" for field in fields}})
            injectable, tested, text = sqlmap(here.rstrip("/") + path, place / "sqlmap", data, fields, "; ".join(filter(None, [brought, *cookies])),
                                              here.rstrip("/") + path, how.seconds)
            checks.that(not injectable and tested > 0, f"sqlmap, {path} ({', '.join(fields)}): {injectable or 'nothing'} in {tested} kinds of try")
    checks.that(school.well(20), "the school is well afterwards")
    crashes = school.ctl("crashes")
    checks.that("request" not in crashes, f"no request crashed: {crashes[:200]}")
    school.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
