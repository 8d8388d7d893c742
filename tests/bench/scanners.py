#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wapiti and sqlmap against every form, after they have shown that they bite.

First both scan a page with two holes on purpose (a reflected text, a spliced SQL), on 127.0.0.1: what they do not find there they would not
find here. Then, as a guest, as a member who has just proved who he is and as an operator in the console, every form of every page is looked
for and sent once as it stands, which must get past the checks of tokens and cookies; wapiti crawls from those pages, and sqlmap tries each
field of each form. Nothing may be found. Needs the packages wapiti and sqlmap.
"""
import argparse
import base64
import hmac
import html.parser
import http.client
import http.server
import json
import re
import socketserver
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

from school import Checks, School, machine, scratch, until
from signed_in import put_sessions, write_school

MODULES = "xss,sql,file,redirect,exec,crlf"
PAGES = {
    "guest": ["/sign-in", "/sign-in/password"],
    "member": ["/account", "/account/sessions", "/account/security", "/account/security/password", "/account/security/second-factor",
               "/account/address", "/account/delete", "/account/confirm"],
    "half signed in": ["/sign-in/second-factor"],
    "operator": ["/ops/accounts", "/ops/accounts?id=1", "/ops/mail"],
}
WORDS = {"address": "a1@school.example", "password": "a password of some length", "plan": "pro", "until": "2099-01-01", "name": "Ann",
         "code": "123456", "totp": "123456", "note": "a gift", "language": "de"}


class Forms(html.parser.HTMLParser):
    """The forms of a page: [action, {field: value}]."""

    def __init__(self, page):
        super().__init__()
        self.all = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and given.get("method", "").lower() == "post":
            self.all.append([given.get("action"), {}])
            self.inside = True
        elif self.inside and tag in ("input", "select", "button") and given.get("name"):
            self.all[-1][1][given["name"]] = given.get("value") or WORDS.get(given["name"], "x")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "form"


class Visitor:
    """Keeps cookies, as a browser does."""

    def __init__(self, port, cookie=None):
        self.port = port
        self.cookies = dict([cookie.split("=", 1)] if cookie else [])

    def line(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, path, data=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": self.line()} if self.cookies else {}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if data is None else "POST", path, None if data is None else urllib.parse.urlencode(data), headers)
        answer = connection.getresponse()
        page = answer.read().decode(errors="replace")
        for one in answer.headers.get_all("Set-Cookie") or []:
            name, value = one.split(";")[0].split("=", 1)
            self.cookies[name] = value
        if answer.status == 303:
            return self.ask(answer.headers["Location"].replace(f"http://127.0.0.1:{self.port}", ""))
        return answer.status, page


def forms_of(visitor, pages):
    """Every form there, as it stands now: {(action, names, op): fields}. Console pages ask before they act, so what a question leads to is
    looked at, too. A form's token dies with the cookie, which some acts change: look again before each use."""
    found = {}
    for at in pages:
        status, page = visitor.ask(at)
        if status != 200:  # such as a link that a scanner has used
            continue
        for action, fields in Forms(page).all:
            found.setdefault((action, frozenset(fields) - {"csrf"}, fields.get("op")), fields)
            if action.startswith("/ops/") and action.endswith("/ask"):
                for then, more in Forms(visitor.ask(action, fields)[1]).all:
                    found.setdefault((then, frozenset(more) - {"csrf"}, more.get("op")), more)
    return {which: fields for which, fields in found.items() if which[1]}


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


def wapiti(url, place, name, starts=(), cookie=None, seconds=240):
    """What it found, by kind."""
    report = place / f"{name}.json"
    command = ["wapiti", "-u", url, "-m", MODULES, "--flush-session", "--store-session", str(place), "-f", "json", "-o", str(report), "-d", "3",
               "--max-scan-time", str(seconds), "--max-attack-time", str(seconds // 3), "--no-bugreport", "-v", "0", "--scope", "domain"]
    for one in starts:
        command += ["-s", url.rstrip("/") + one]
    if cookie:
        command += ["-H", f"Cookie: {cookie}"]
    subprocess.run(command, capture_output=True, timeout=seconds + 300)
    told = json.loads(report.read_text())
    return {kind: found for kind, found in told["vulnerabilities"].items() if found and kind not in ("Secure Flag cookie", "HttpOnly Flag cookie")}


def sqlmap(url, place, data=None, fields=None, cookie=None, seconds=300):
    """The fields that it calls injectable, and how many kinds of try it made."""
    command = ["sqlmap", "-u", url, "--batch", "--level", "3", "--risk", "2", "--output-dir", str(place), "--flush-session", "--timeout", "10",
               "--retries", "1", "--technique", "BEUS", "--threads", "1", "--disable-coloring", "--ignore-code", "400,403,404,409,422,429",
               "--ignore-redirects"]
    if data:
        command += ["--data", data]
    if fields:
        command += ["-p", ",".join(fields)]
    if cookie:
        command += ["--cookie", cookie]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        text = done.stdout
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace") + "\n(cut)"
    return re.findall(r"^Parameter: (.*)$", text, re.M), len(re.findall(r"testing '", text)), text.endswith("(cut)")


def totp(secret):
    """RFC 6238, six figures, now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    sum = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = sum[-1] & 15
    return f"{(struct.unpack('>I', sum[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}"


def enter_half(school, whole):
    """Somebody who has opened his link and is asked for his second factor, which `whole`, signed in as the same, has set up."""
    page = whole.ask("/account/security/second-factor")[1]
    secret = re.sub(r"\s", "", re.search(r'class="secret"[^>]*>([A-Z2-7\s]+)<', page).group(1))
    fields = next(fields for action, fields in Forms(page).all if action.endswith("/second-factor"))
    if whole.ask("/account/security/second-factor", dict(fields, code=totp(secret)))[0] != 200:
        sys.exit("the second factor cannot be set up")
    told = subprocess.run([school.program, "user", "sign-in-link", "a2@school.example", "--data", school.data], check=True, capture_output=True, text=True)
    half = Visitor(school.port)
    link = "/" + told.stdout.strip().split("/", 3)[3]
    half.ask(link, Forms(half.ask(link)[1]).all[0][1])
    return half


def enter_console(school):
    link = json.loads(school.ctl("--json", "console"))["link"]
    visitor = Visitor(school.port)
    visitor.ask("/ops/enter", {"token": link.split("#")[1]})
    return visitor


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
    cookies = put_sessions(school.data / "lyceum.db", 3)
    cookie = cookies[0]
    subprocess.run([school.program, "user", "grant", "a1@school.example", "pro", "--data", school.data], check=True, capture_output=True)
    with sqlite3.connect(school.data / "lyceum.db", timeout=30) as rows:
        rows.execute("UPDATE sessions SET sudo_until = 9000000000000000")  # he has just proved who he is
        rows.execute("INSERT INTO sessions SELECT '" + 64 * "a" + "', id + 100, account_id, half_open, created_at, seen_at, idle_until, "
                     "absolute_until, NULL, 'another browser', masked_peer FROM sessions WHERE id = 1")
    half = enter_half(school, Visitor(school.port, cookies[1]))
    with sqlite3.connect(school.data / "lyceum.db", timeout=30) as rows:
        # A scanner presses "Sign out", "Delete" and "Change the password", too, and shall go on nevertheless.
        for table in ("sessions", "accounts"):
            rows.execute(f"CREATE TRIGGER keep_{table} BEFORE DELETE ON {table} BEGIN SELECT RAISE(IGNORE); END")
    here = f"http://127.0.0.1:{school.port}/"
    people = {"guest": Visitor(school.port), "member": Visitor(school.port, cookie), "half signed in": half, "operator": enter_console(school)}
    pages = {name: list(all) for name, all in PAGES.items()}
    fields = dict(Forms(people["guest"].ask("/sign-in")[1]).all[0][1], address="guest@school.example")
    asked = people["guest"].ask("/sign-in", fields)[1]  # the page with the code
    links = []

    def mailed():
        for at in set(re.findall(r"/dev/mailbox/\d+", people["guest"].ask("/dev/mailbox")[1])):
            links.extend(re.findall(r"/sign-in/link/[A-Za-z0-9_-]+", people["guest"].ask(at)[1]))
        return links

    until(mailed, 10)
    pages["guest"] += [links[0], "/sign-in/code?ask=" + re.search(r'name="ask" value="([^"]*)"', asked).group(1)]
    newest = re.search(r'href="(/ops/mail\?id=\d+)"', people["operator"].ask("/ops/mail")[1]).group(1)
    pages["operator"].append(newest)
    forms = {name: forms_of(visitor, pages[name]) for name, visitor in people.items()}
    for name, all in forms.items():
        shut = {}
        for which in all:
            fields = forms_of(people[name], pages[name]).get(which)
            if fields is None:  # another one has changed what is offered: a password asked for in the place of a mail
                continue
            status = people[name].ask(which[0], fields)[0]
            # Where the triggers above keep what is to go, an act finds nothing to do.
            if status in (403, 405, 500) or status == 404 and not which[0].endswith("/act"):
                shut[which[0]] = status
        checks.that(bool(all) and not shut, f"{len(all)} forms ({name}), sent as they stand, get past the door{': but ' + str(shut) if shut else ''}")
    people["operator"] = enter_console(school)
    for name, visitor in people.items():
        found = wapiti(here, place, name, pages[name], visitor.line(), how.seconds)
        checks.that(not found, f"wapiti, {name}: {json.dumps(found)[:600] if found else 'nothing'}")
    people["operator"] = enter_console(school)  # wapiti has pressed "Sign out"
    token = Forms(people["operator"].ask("/ops/accounts")[1]).all[-1][1]["csrf"]
    for name, visitor in people.items():
        for which in forms[name]:
            fields = forms_of(visitor, pages[name]).get(which, forms[name][which])
            if name == "operator":
                fields = dict(fields, csrf=token)
            tried = [one for one in fields if one != "csrf"]
            injectable, tested, cut = sqlmap(here.rstrip("/") + which[0], place / "sqlmap", urllib.parse.urlencode(fields), tried, visitor.line(), how.seconds)
            checks.that(not injectable and tested > 0, f"sqlmap, {name}, {which[0]} ({', '.join(tried)}): {injectable or 'nothing'} in {tested} kinds of try"
                        f"{', cut' if cut else ''}")
    checks.that(school.well(20), "the school is well afterwards")
    crashes = school.ctl("crashes")
    checks.that("request" not in crashes, f"no request crashed: {crashes[:200]}")
    school.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
