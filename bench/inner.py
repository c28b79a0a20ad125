#!/usr/bin/python3
"""
The inner loops, in turns: bench/base, bench/sip, bench/match and bench/server some times, and bench/parse beside other parsers: bench/inner.py [--rounds N] [--write].

A figure is the median of the rounds, by the CPU time of the process. With --write the two tables go into docs/performance.md; that of the parsers only if
osip and sofia-sip are there (scripts/setup --bench).
"""

import argparse
import json
import re
import statistics
import subprocess

import compare

LOOPS = ["sip", "match", "server", "base"]
NANOSECONDS = {"ns": 1, "us": 1000}


def run(name, *words):
    return subprocess.run([compare.BUILD / "bench" / name, *words], check=True, capture_output=True, text=True).stdout


def figures_of(name):
    """What the lines say, in nanoseconds: "map: find one of 100,000, any   84.7 ns"."""
    found = {}
    for line in run(name).splitlines():
        what, value, unit = re.fullmatch(r"(.*\S) +([\d.]+) (ns|us)", line).groups()
        found[what] = float(value) * NANOSECONDS[unit]
    return found


def measure_loops(rounds):
    """In turns, so that what happens besides meets all of them. The lines of the table."""
    values = {}
    for _ in range(rounds):
        for name in LOOPS:
            for what, value in figures_of(name).items():
                values.setdefault(what, []).append(value)
    lines = ["| loop | ns |", "|---|---:|"]
    return lines + [f"| {what} | {compare.spread(all_of_it)} |" for what, all_of_it in values.items()]


def measure_parsers():
    lines = ["| message | parser | ns | MB/s | times sealine |", "|---|---|---:|---:|---:|"]
    last = None
    for line in run("parse", "--json").splitlines():
        row = json.loads(line)
        message = "" if row["message"] == last else f"{row['message']}, {row['bytes']:,} bytes"
        last = row["message"]
        lines.append(f"| {message} | {row['parser']} | {row['ns']:.0f} | {row['bytes_per_second'] / 1e6:.0f} | {row['ratio']:.2f} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    where = compare.machine()
    for name, lines in (("inner", measure_loops(options.rounds)), ("parse", measure_parsers())):
        print("\n".join(lines), flush=True)
        if options.write and (name == "inner" or any("sofia" in line for line in lines)):
            compare.write([f"{where}.", "", *lines], f"<!-- bench/inner.py {name} begins -->", f"<!-- bench/inner.py {name} ends -->")
    return 0


if __name__ == "__main__":
    compare.run_script(main)
