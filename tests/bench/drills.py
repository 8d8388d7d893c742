# SPDX-License-Identifier: Apache-2.0
"""Drills of chaos.py that need code which fails on purpose: `lyceum-with-faults` (http/routes/faults.hpp, ops/part_faults.hpp)."""
import json
import time

from school import School, finish, load, note, rss_kib, said, until, warm


def throws(checks, count):
    """A1: an exception costs the request that it is thrown in, and nothing else."""
    school = School(faults=True).ready().settled()
    paths = warm(school, 20)
    faults = ["/__fault/throw?n=1", "/__fault/throw-here?n=2", "/__fault/throw?n=3"]
    first = load(school.port, path=faults, rate=200, requests=max(200, count // 5), connections=8, seconds=600, status=500)
    before = rss_kib(school.pid())
    rest = count - first["answers"]
    readers = load(school.port, path=paths, rate=200, seconds=max(5, rest / 200), connections=8, background=True)
    then = load(school.port, path=faults, rate=200, requests=rest, connections=8, seconds=600, status=500)
    seen = finish(readers)
    said("beside them", seen)
    thrown = first["good"] + then["good"]
    checks.that(thrown >= count and first["failed"] + then["failed"] == 0, f"throws: {thrown:,} of {count:,} were answered 500, on connections that stayed")
    checks.that(seen["failed"] == 0, f"throws: {seen['failed']} of {seen['answers']:,} other requests failed (promised: 0)")
    grown = (rss_kib(school.pid()) - before) / 1024
    checks.that(grown < 5, f"throws: resident memory {grown:+.1f} MiB over the last four fifths (promised: below 5 MiB)")
    log = (school.data / "stderr.log").stat().st_size
    kept = school.data / "log/crashes.jsonl"
    written = log + (kept.stat().st_size if kept.exists() else 0)
    checks.that(written < 2_000_000, f"throws: logs and crash reports are {written / 1000:,.0f} kB (bound: 2 MB)")
    checks.that(school.well(), "throws: no part was restarted or degraded")
    school.stop()


def loop(checks):
    """A4: a crash loop ends in a state that is seen, and is over once its cause is."""
    school = School(faults=True).ready().settled()
    paths = warm(school, 20)
    readers = load(school.port, path=paths, rate=200, seconds=45, connections=8, background=True)
    time.sleep(1)
    begun = time.monotonic()
    crashes = 0
    degraded = False
    while not degraded and time.monotonic() - begun < 20:
        crashes += school.get("/__fault/part?path=storage/db_pool")[0] == 200
        degraded = until(lambda: school.tree().get("storage") == "degraded", 0.2)
    took = time.monotonic() - begun
    checks.that(degraded and crashes >= 6, f"loop: storage is degraded after {crashes} crashes in {took:.1f} s (budget: 5 in 30 s)")
    status, fields, _ = school.get(f"/courses/nobody-knows-{time.monotonic_ns()}")
    checks.that(status == 503 and fields.get("retry-after"), f"loop: its routes answer {status}, Retry-After {fields.get('retry-after')} (promised: 503)")
    ready = json.loads(school.get("/readyz")[2])
    checks.that(ready["subsystems"]["storage"] == "degraded", f"loop: readiness says that storage is {ready['subsystems']['storage']}")
    told = school.ctl("crashes", "20")
    checks.that("budget" in told or "degraded" in told, "loop: `ctl crashes` tells it")
    # It crashes again with each try, so that the pauses grow; then its cause is gone.
    tries, gaps, last = 0, [], time.monotonic()
    while tries < 3 and time.monotonic() - begun < 30:
        if not until(lambda: school.tree().get("storage") == "running", 10, 0.02):
            break
        gaps.append(time.monotonic() - last)
        for _ in range(12):
            school.get("/__fault/part?path=storage/db_pool")
            if until(lambda: school.tree().get("storage") == "degraded", 0.1):
                break
        last = time.monotonic()
        tries += 1
    note(f"loop: tried again after {', '.join(f'{gap:.1f}' for gap in gaps)} s")
    checks.that(len(gaps) == 3 and gaps[2] > gaps[0], "loop: the pauses between tries grow")
    healed = until(lambda: school.get(f"/courses/nobody-knows-{time.monotonic_ns()}")[0] == 404, 20, 0.1)
    checks.that(healed and school.well(20), f"loop: healed by itself {time.monotonic() - last:.1f} s after the last crash")
    seen = finish(readers)
    said("kept pages meanwhile", seen)
    checks.that(seen["failed"] == 0, f"loop: {seen['failed']} of {seen['answers']:,} kept pages failed (promised: 0)")
    school.stop()


def stuck(checks):
    """A5: who holds its thread is named and replaced, and readers do not notice."""
    school = School(faults=True).ready().settled()
    paths = warm(school, 20)
    for name, fault in (("a request's handler", "/__fault/spin?ms=20000"), ("a pooled worker", "/__fault/part?path=cache/warmer&spin=20000")):
        earlier = school.ctl("--json", "crashes", "200").count('"stuck"')
        readers = load(school.port, path=paths, rate=200, seconds=14, connections=8, background=True)
        time.sleep(1)
        begun = time.monotonic()
        spinning = load(school.port, path=[fault], requests=1, connections=1, seconds=8, warmup=0, background=True, status=504 if "spin?" in fault else 200)
        named = until(lambda: school.ctl("--json", "crashes", "200").count('"stuck"') > earlier, 12, 0.1)
        took = time.monotonic() - begun
        rows = [one for one in json.loads(school.ctl("--json", "crashes", "200")) if one.get("kind") == "stuck"]
        path = rows[0]["path"] if rows else "nobody"
        checks.that(named and took <= 5, f"stuck, {name}: named after {took:.1f} s: {path} (promised: 5 s)")
        finish(spinning)
        replaced = until(lambda: school.get(f"/courses/nobody-knows-{time.monotonic_ns()}")[0] == 404 and
                         school.tree().get(path) == "running", 12, 0.1)
        checks.that(replaced, f"stuck, {name}: {path} has been replaced")
        seen = finish(readers)
        said(f"{name} loops", seen)
        checks.that(seen["failed"] == 0 and seen["p99_us"] <= 50_000, f"stuck, {name}: {seen['failed']} kept pages failed, p99 "
                    f"{seen['p99_us'] / 1000:.1f} ms (promised: 0; 50 ms)")
    school.stop()


def flood(checks, count):
    """A6: what a subsystem cannot do is refused, not kept."""
    school = School(faults=True).ready().settled()
    paths = warm(school, 20)
    load(school.port, path=["/__fault/sleep?ms=20"], requests=2000, connections=256, seconds=60, warmup=0)
    before = rss_kib(school.pid())
    readers = load(school.port, path=paths, rate=100, seconds=10, connections=8, background=True)
    sent = load(school.port, path=["/__fault/sleep?ms=20"], requests=count, connections=1000, seconds=120, warmup=0)
    most = rss_kib(school.pid(), "VmHWM")
    seen = finish(readers)
    told = sent["statuses"]
    note(f"flood: {sent['answers']:,} requests in {sent['seconds']:.1f} s: {told}; longest {sent['max_us'] / 1000:.0f} ms")
    said("kept pages meanwhile", seen)
    checks.that(sent["answers"] >= count and set(told) <= {"200", "503"}, f"flood: {sent['answers']:,} answers, all of them 200 or 503")
    checks.that(told.get("503", 0) > 0, f"flood: {told.get('503', 0):,} were refused")
    checks.that(sent["max_us"] <= 5_000_000, f"flood: nobody waited longer than {sent['max_us'] / 1e6:.1f} s (limit: 5 s)")
    checks.that(most - before <= 64 * 1024, f"flood: resident memory at most {(most - before) / 1024:+.1f} MiB (promised: 64 MiB)")
    checks.that(seen["failed"] == 0, f"flood: {seen['failed']} of {seen['answers']:,} kept pages failed (promised: 0)")
    after = until(lambda: school.get(f"/courses/nobody-knows-{time.monotonic_ns()}")[0] == 404, 10, 0.1)
    checks.that(after and school.well(), "flood: all is well afterwards")
    school.stop()
