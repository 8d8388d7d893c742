#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The supervision library beside Erlang/OTP: the same work on both, in turn, on the same two cores, in one run.

Each figure is the median over the rounds, with the least and the most; the ratio is the median of the ratios within rounds,
turned so that below 1 is ahead of OTP. otp/ours.cpp and otp/bench.erl say what is done, step by step. Reports are written on
neither side: OTP's logger is off; ours keeps each report in its ring in memory (it cannot be told not to), without file or log line.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

from school import BUILD, Checks, machine, note, scratch

HERE = pathlib.Path(__file__).resolve().parent / "otp"

# Our row, theirs, how many, the figure, its unit, whether more is better, what it says.
ROWS = [
    ("restart", "restart", 2000, "p50_us", "us", False, "crash of a worker to its replacement's answer, p50"),
    ("restart", "restart", 2000, "p99_us", "us", False, "the same, p99"),
    ("restart_detached", "restart", 2000, "p50_us", "us", False, "the same below a supervisor with a thread of its own (the site's root alone), p50"),
    ("restart_detached", "restart", 2000, "p99_us", "us", False, "the same, p99"),
    ("children", "children", 200_000, "per_second", "/s", True, "dynamic children started with a request, answered, ended"),
    ("children", "children", 200_000, "cpu_us", "us", False, "processor time of each"),
    ("messages", "messages", 1_000_000, "per_second", "/s", True, "messages to one actor (OTP: a bare receive loop)"),
    ("messages", "messages_gen_server", 1_000_000, "per_second", "/s", True, "messages to one actor (OTP: a gen_server)"),
    ("messages_by_name", "messages_by_name", 1_000_000, "per_second", "/s", True, "messages to a name (OTP: a bare receive loop)"),
    ("idle", "idle", 100_000, "bytes", "bytes", False, "resident memory of a child that waits"),
    ("stop", "stop", 10_000, "ms", "ms", False, "stopping 10,000 children"),
]


def ran(command, cores):
    done = subprocess.run(["taskset", "-c", cores, *map(str, command)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or not done.stdout.strip():
        sys.exit(f"{command[0]}: {(done.stderr or done.stdout).strip()[-600:] or 'failed'}")
    return json.loads(done.stdout.splitlines()[-1])


def compiled():
    place = scratch()
    done = subprocess.run(["erlc", "-o", str(place), *map(str, sorted(HERE.glob("*.erl")))], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"erlc: {done.stdout}{done.stderr}")
    return place


def release():
    told = 'io:format("~s, ~s", [erlang:system_info(otp_release), erlang:system_info(emu_flavor)]), halt().'
    return subprocess.run(["erl", "-noshell", "-eval", told], capture_output=True, text=True, timeout=30).stdout.strip()


def spread(values, unit):
    shown = (lambda v: f"{v:,.0f}") if max(values) >= 1000 else (lambda v: f"{v:.1f}")
    return f"{shown(statistics.median(values))} {unit} ({shown(min(values))}, {shown(max(values))})"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=9)
    words.add_argument("--only", choices=sorted({row[0] for row in ROWS}))
    words.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    how = words.parse_args()
    rows = [row for row in ROWS if how.only in (None, row[0])]
    cores = ",".join(str(one) for one in sorted(os.sched_getaffinity(0))[:2])
    erlang = ["erl", "-noshell", "-noinput", "+S", str(cores.count(",") + 1), "+P", "1000000", "-kernel", "logger_level", "none", "-pa", compiled(),
              "-run", "bench", "main"]
    before = os.getloadavg()[0]
    seen = {}  # (side, row) -> one answer a round
    for turn in range(how.rounds):
        sides = [("ours", [BUILD / "tests/bench/lyceum_otp"], 0), ("otp", erlang, 1)]
        for row in dict.fromkeys((row[0], row[1], row[2]) for row in rows):
            for side, program, column in sides if turn % 2 == 0 else sides[::-1]:
                if len(seen.setdefault((side, row[column]), [])) <= turn:
                    seen[side, row[column]].append(ran([*program, row[column], row[2]], cores))
    table = []
    for ours, theirs, _, figure, unit, more, text in rows:
        mine, other = ([one[figure] for one in seen[key]] for key in (("ours", ours), ("otp", theirs)))
        ratios = [b / a if more else a / b for a, b in zip(mine, other)]
        table.append({"what": text, "unit": unit, "ours": mine, "otp": other, "ratio": statistics.median(ratios), "ratios": ratios})
    if how.json:
        print(json.dumps({"machine": machine(), "load_before": before, "otp": release(), "rounds": how.rounds, "rows": table}))
        return 0 if all(row["ratio"] < 1 for row in table) else 1
    print(f"{machine()} ({before:.1f} before); OTP {release()}; {how.rounds} rounds, cores {cores}")
    checks = Checks()
    for row in table:
        note(f"{row['what']}: ours {spread(row['ours'], row['unit'])}, OTP {spread(row['otp'], row['unit'])}")
        checks.that(row["ratio"] < 1, f"{row['ratio']:.2f} x OTP ({min(row['ratios']):.2f}, {max(row['ratios']):.2f}): {row['what']}")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
