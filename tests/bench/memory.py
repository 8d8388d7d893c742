#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resident memory while 100,000 requests are served over every address of a school, with a roomy cache and a tiny one.

With the tiny one pages are thrown out and made again all the time; it stands for a school that is larger than its cache.
Rss counts the store's file as mapped, which the kernel takes back when it needs the memory; RssAnon is what is ours alone.
"""
import argparse
import sys

from school import Checks, School, load, machine, note, rss_kib, scratch


def measure(checks, name, cache_bytes, requests):
    school = School(environment={"LYCEUM_PAGE_CACHE_BYTES_MAX": str(cache_bytes)}).ready().settled()
    paths = school.addresses()
    listed = scratch() / "paths"
    listed.write_text("".join(path + "\n" for path in paths))
    note(f"{name}: {len(paths):,} addresses, cache limit {cache_bytes / 2**20:.0f} MiB; before the first request {rss_kib(school.pid()) / 1024:.1f} MiB")
    done, seen, failed = 0, {}, 0
    # Browsers' encodings, and none, in turn: all of a page's bytes are used.
    for step in [requests // 10] * 10:
        got = load(school.port, paths=listed, header=[f"Accept-Encoding: {'br' if done // step % 2 == 0 else 'identity'}"],
                   requests=step, connections=16, seconds=600, warmup=0, timeout=30)
        failed += got["failed"]
        done += step
        seen[done] = rss_kib(school.pid()) / 1024
        if done in (requests // 10, requests // 2, requests):
            anon, files = rss_kib(school.pid(), "RssAnon") / 1024, rss_kib(school.pid(), "RssFile") / 1024
            shared = rss_kib(school.pid(), "RssShmem") / 1024
            kept = school.metric("lyceum_cache_bytes") / 2**20
            note(f"{name}: after {done:>7,} requests {seen[done]:6.1f} MiB (own {anon:.1f}, pages as memory files {shared:.1f}, "
                 f"program and store {files:.1f}); {school.metric('lyceum_cache_pages'):,.0f} pages kept, {kept:.1f} MiB; {got['per_second']:,.0f} requests/s")
    middle, last = seen[requests // 2], seen[requests]
    checks.that(failed == 0, f"{name}: {failed} of {done:,} requests failed")
    checks.that(last <= middle * 1.05 + 2, f"{name}: {last - middle:+.1f} MiB between request {requests // 2:,} and {requests:,} (flat: 5 % and 2 MiB)")
    checks.that(school.metric("lyceum_cache_bytes") <= cache_bytes * 1.05, f"{name}: the cache keeps to its limit")
    limit = 96 + 2 * cache_bytes / 2**20
    checks.that(last <= limit, f"{name}: {last:.0f} MiB at the end (bound: 96 MiB and twice the cache limit, {limit:.0f} MiB)")
    school.stop()


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--requests", type=int, default=100_000)
    words.add_argument("--only", choices=["roomy", "tiny"])
    how = words.parse_args()
    checks = Checks()
    print(machine())
    if how.only != "tiny":
        measure(checks, "roomy cache", 256 * 2**20, how.requests)
    if how.only != "roomy":
        measure(checks, "tiny cache", 4 * 2**20, how.requests)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
