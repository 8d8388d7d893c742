#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of a cached lesson beside nginx serving the same bytes from disk.

Both servers are pinned to one core with one worker, the generator to another one. They take turns within each round
(A B, B A, ...), and what counts is the median of the ratios within the rounds: what else the machine does moves both.
The server runs as it is shipped (access log on); nginx has sendfile, open_file_cache, gzip_static, brotli_static and
no access log.
"""
import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys

from school import Checks, School, load, machine, note, scratch, until, rss_kib

BR, GZ = "gzip, deflate, br", "gzip, deflate"
# name: Accept-Encoding, conditional, flags of the generator, the bar of the ratio (None: only told)
CASES = {
    "brotli": (BR, False, {}, 1.0),
    "identity": ("", False, {}, 1.0),
    "gzip": (GZ, False, {}, 1.0),
    "304": (BR, True, {}, 1.0),
    "new connection": (BR, False, {"new_connections": True, "connections": 32}, 1.05),
    "pipelining 16": (BR, False, {"pipeline": 16, "connections": 16}, None),
    "2,000 a second": (BR, False, {"rate": 2000}, None),
}


class Nginx:
    def __init__(self, place, port, core):
        module = pathlib.Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
        if not module.exists():
            sys.exit("nginx or its module for brotli_static is not installed (ops/bench does that)")
        (place / "temp").mkdir(mode=0o777)
        os.chmod(place / "temp", 0o777)
        temporary = " ".join(f"{name}_temp_path {place}/temp/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (place / "nginx.conf").write_text(f"""load_module {module};
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log crit; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; server_tokens off;
  keepalive_requests 1000000000; keepalive_timeout 600s; {temporary}
  types {{ text/html html; }} default_type text/html; charset utf-8;
  open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
  gzip_static on; gzip_vary on; brotli_static on;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {place}/root; add_header Cache-Control "public, no-cache"; }}
}}
""")
        self.process = subprocess.Popen(["taskset", "-c", str(core), "nginx", "-c", str(place / "nginx.conf"), "-p", str(place)],
                                        stdin=subprocess.DEVNULL)


def page_of_about(school, size):
    """The lesson whose HTML is nearest to `size`."""
    lessons = [one for one in school.addresses() if one.startswith("/courses/") and one.count("/") == 3]
    return min(lessons[:120], key=lambda one: abs(len(school.get(one)[2]) - size))


def variants(school, path):
    """What the server sends for each encoding, once the encodings are made."""
    def one(accept):
        return school.get(path, {"Accept-Encoding": accept} if accept else {})

    if not until(lambda: one(BR)[1].get("content-encoding") == "br" and one(GZ)[1].get("content-encoding") == "gzip", 60, 0.1):
        sys.exit("the page was not compressed within a minute")
    return {"": one("")[2], ".gz": one(GZ)[2], ".br": one(BR)[2]}


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--seconds", type=float, default=1.0, help="of each window")
    words.add_argument("--case", action="append", choices=CASES, help="only these")
    words.add_argument("--size", type=int, default=20480, help="of the page to look for")
    words.add_argument("--server-core", type=int, default=0)
    words.add_argument("--load-core", type=int, default=1)
    words.add_argument("--no-log", action="store_true", help="the server's access log off, to see what it costs")
    how = words.parse_args()
    checks = Checks()
    place = scratch()

    school = School("--threads", "1", *(["--access-log", "off"] if how.no_log else []), core=how.server_core).ready().settled()
    path = page_of_about(school, how.size)
    bytes_of = variants(school, path)
    (place / "root").mkdir()
    for suffix, body in bytes_of.items():
        (place / f"root/page.html{suffix}").write_bytes(body)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nginx_port = probe.getsockname()[1]
    nginx = Nginx(place, nginx_port, how.server_core)
    try:
        peer = School(start=False)
        peer.port = nginx_port
        if not until(lambda: peer.get("/page.html")[0] == 200, 10):
            sys.exit("nginx does not answer: " + (place / "error.log").read_text())
        for suffix, accept in (("", ""), (".gz", GZ), (".br", BR)):
            if peer.get("/page.html", {"Accept-Encoding": accept} if accept else {})[2] != bytes_of[suffix]:
                sys.exit(f"nginx sends other bytes for page.html{suffix}")
        print(f"{machine()}")
        print(f"{path}: {len(bytes_of[''])} bytes of HTML, gzip {len(bytes_of['.gz'])}, brotli {len(bytes_of['.br'])}")
        until(lambda: os.getloadavg()[0] < 2.0, 15, 1)

        both = {"lyceum": (school, path, school.process.pid), "nginx": (peer, "/page.html", nginx.process.pid)}
        for case in how.case or CASES:
            accept, conditional, flags, bar = CASES[case]
            seen = {name: [] for name in both}
            for turn in range(how.rounds):
                names = list(both) if turn % 2 == 0 else list(both)[::-1]
                for name in names:
                    server, at, pid = both[name]
                    headers = [f"Accept-Encoding: {accept}"] if accept else []
                    given = {"status": 200, "length": len(bytes_of["" if not accept else ".br" if accept == BR else ".gz"])}
                    if conditional:
                        headers.append("If-None-Match: " + server.get(at, {"Accept-Encoding": accept})[1]["etag"])
                        given = {"status": 304}
                    got = load(server.port, core=how.load_core, path=at, header=headers, pid=pid, seconds=how.seconds,
                               warmup=0.2, **{"connections": 64, **flags}, **given)
                    if not got["answers"]:
                        sys.exit(f"{name}, {case}: no answer in a window; core {how.server_core} belongs to others")
                    if got["failed"]:
                        sys.exit(f"{name}, {case}: {got['failed']} of {got['answers']} answers were wrong: {got}")
                    seen[name].append(got)
            ratios = sorted(a["cpu_us"] / b["cpu_us"] for a, b in zip(seen["lyceum"], seen["nginx"]))
            ratio = statistics.median(ratios)
            middle = {name: statistics.median(one["cpu_us"] for one in rounds) for name, rounds in seen.items()}
            rate = {name: statistics.median(one["per_second"] for one in rounds) for name, rounds in seen.items()}
            text = (f"{case:15} {ratio:.2f} x nginx ({ratios[0]:.2f} to {ratios[-1]:.2f}): {middle['lyceum']:.2f} and "
                    f"{middle['nginx']:.2f} us of CPU a request; {rate['lyceum']:,.0f} and {rate['nginx']:,.0f} requests/s")
            if bar is None:
                note(text)
            else:
                checks.that(ratio <= bar, text)
        dropped = school.metric("lyceum_access_log_dropped_total")
        checks.that(dropped == 0 or how.no_log, f"access log: {dropped:.0f} lines dropped of {school.metric('lyceum_http_requests_total'):,.0f}")
        note(f"resident memory: {rss_kib(school.pid()) / 1024:.0f} MiB")
    finally:
        nginx.process.terminate()
        nginx.process.wait(10)
        school.stop()
    print(machine())
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
