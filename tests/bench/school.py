# SPDX-License-Identifier: Apache-2.0
"""What the measurements of this folder share: the real server on a port of its own, the load generator, figures and verdicts.

Everything listens on 127.0.0.1 and is ended by the process id it was started with.
"""
import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LYCEUM_BUILD", ROOT / "build/release"))
PROGRAM = BUILD / "ops/lyceum"
WITH_FAULTS = BUILD / "ops/lyceum-with-faults"  # the same, with routes that fail on purpose
LOAD = BUILD / "tests/bench/lyceum_load"


def corpus():
    """The folder to serve: LYCEUM_CORPUS, the corpus beside the sources, or the sample school."""
    given = os.environ.get("LYCEUM_CORPUS")
    for place in ([pathlib.Path(given)] if given else []) + [ROOT / "../shared/corpus/elixirschool"]:
        if (place / "site.toml").exists():
            return place.resolve()
    return ROOT / "ops/sample_school"


class Checks:
    """Prints a line for each figure that has a bar, and the sum at the end."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, text):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'pass' if holds else 'FAIL'}  {text}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def note(text):
    print(f"      {text}", flush=True)


def scratch():
    place = pathlib.Path(tempfile.mkdtemp(prefix="lyceum-bench-"))
    os.chmod(place, 0o755)
    atexit.register(shutil.rmtree, place, True)
    return place


def machine():
    """What a reader must know to compare figures."""
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {model.group(1) if model else 'unknown processor'}, load average {os.getloadavg()[0]:.1f}"


def until(holds, seconds, pause=0.01):
    """True as soon as `holds()` is; False when it was not in time. A server that is not there yet does not hold."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if holds():
                return True
        if time.monotonic() > end:
            return False
        time.sleep(pause)


def rss_kib(pid, key="VmRSS"):
    with contextlib.suppress(OSError):
        found = re.search(key + r":\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
        return int(found.group(1)) if found else 0
    return 0


def load(port, *words, core=None, background=False, **named):
    """Runs the generator; keywords become its flags. Its answer as a dict, or the process where it runs in the background."""
    command = ["taskset", "-c", str(core)] if core is not None else []
    command += [str(LOAD), "--port", str(port), *map(str, words)]
    for name, value in named.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            command += ["--" + name.replace("_", "-")] + ([] if one is True else [str(one)])
    if background:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=named.get("seconds", 3) + 90)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}")
    return json.loads(done.stdout.splitlines()[-1])


def finish(generator):
    """The answer of a generator in the background."""
    out, _ = generator.communicate(timeout=120)
    return json.loads(out.splitlines()[-1])


def said(name, seen):
    """A line of figures about one run of the generator."""
    note(f"{name}: {seen['good']:,} good, {seen['failed']} failed (refused {seen['refused']}, lost {seen['lost']}, timeouts "
         f"{seen['timeouts']}, wrong {seen['wrong_status'] + seen['wrong_length']}); p50 {seen['p50_us'] / 1000:.1f} ms, p99 "
         f"{seen['p99_us'] / 1000:.1f} ms, longest {seen['max_us'] / 1000:.0f} ms, longest gap {seen['gap_ms']:.0f} ms; the generator itself was "
         f"held up for {seen['stall_ms']:.0f} ms at most")


def warm(school, count):
    """The first addresses of a school, each of them kept now."""
    paths = school.addresses()[:count]
    for path in paths:
        if not until(lambda: school.get(path)[0] == 200, 20):
            sys.exit(f"{path} is not served")
    return paths


class School:
    """`lyceum serve`, heart and all, until `stop`."""

    def __init__(self, *words, content=None, data=None, database=None, core=None, environment=None, faults=False, start=True):
        self.program = WITH_FAULTS if faults else PROGRAM
        self.content = content or corpus()
        self.data = data or scratch() / "data"
        self.words = [str(word) for word in words] + (["--database", database] if database else [])
        self.core = core
        self.environment = {**os.environ, **({"LYCEUM_FAULTS": "1"} if faults else {}), **(environment or {})}
        self.process = None
        self.port = 0
        atexit.register(self.stop)
        if start:
            self.start()

    def start(self):
        self.data.mkdir(parents=True, exist_ok=True)
        listen = self.data / "run/listen.json"
        listen.unlink(missing_ok=True)
        command = ["taskset", "-c", str(self.core)] if self.core is not None else []
        command += [str(self.program), "serve", "--content", str(self.content), "--data", str(self.data)]
        command += ["--listen", f"127.0.0.1:{self.port}", *self.words]
        with open(self.data / "stderr.log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

        def listening():
            if self.process.poll() is not None:
                sys.exit("lyceum ended: " + (self.data / "stderr.log").read_text(errors="replace")[-800:])
            found = re.search(r"127\.0\.0\.1:(\d+)", listen.read_text()) if listen.exists() else None
            self.port = int(found.group(1)) if found else 0
            return self.port

        if not until(listening, 20, 0.002):
            sys.exit("lyceum does not listen: " + (self.data / "stderr.log").read_text(errors="replace")[-800:])

    def ready(self, seconds=60):
        if not until(lambda: self.get("/readyz")[0] == 200, seconds):
            sys.exit("lyceum is not ready: " + (self.data / "stderr.log").read_text(errors="replace")[-800:])
        return self

    def settled(self, seconds=300):
        """Once every text is imported, rendered and coloured."""
        if not until(lambda: "rests" in self.ctl("inspect", "content/importer", check=False), seconds, 0.1):
            sys.exit("the import does not end: " + self.ctl("inspect", "content/importer", check=False))
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.process = None

    def pid(self):
        """The server below the heart."""
        return int((self.data / "run/server.pid").read_text())

    def get(self, path, headers=None, timeout=10):
        """Status, headers with small letters, body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as visitor:
            visitor.request("GET", path, headers=headers or {})
            answer = visitor.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def ctl(self, *words, check=True):
        done = subprocess.run([str(PROGRAM), "ctl", "--control", str(self.data / "control.sock"), *words],
                              capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise RuntimeError(f"ctl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def tree(self):
        """Path -> state of every part, as `ctl tree` tells: a list of nodes, or nodes within nodes."""
        def those(found, into):
            for one in found if isinstance(found, list) else [found]:
                into[one["path"]] = one["state"]
                those(one.get("children") if isinstance(one.get("children"), list) else [], into)
            return into
        return those(json.loads(self.ctl("--json", "tree")), {})

    def well(self, seconds=30):
        """Until every part runs and readiness says so. False where it is not so in time."""
        def runs():
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired, ValueError):
                return self.get("/readyz")[0] == 200 and set(self.tree().values()) == {"running"}
            return False
        return until(runs, seconds, 0.1)

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid()}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid()}/fd"))

    def addresses(self):
        """The path of every page in the sitemap."""
        pages, maps = [], ["/sitemap.xml"]
        while maps:
            _, _, body = self.get(maps.pop())
            found = [re.sub(r"^https?://[^/]+", "", one) for one in re.findall(r"<loc>([^<]+)</loc>", body.decode())]
            maps += [one for one in found if one.endswith(".xml")]
            pages += [one for one in found if not one.endswith(".xml")]
        return pages

    def metric(self, name):
        """The value of a metric (with its labels, where it has some)."""
        found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", self.get("/metrics")[2].decode(), re.M)
        return float(found.group(1)) if found else 0.0

    def kill_server(self):
        os.kill(self.pid(), signal.SIGKILL)
