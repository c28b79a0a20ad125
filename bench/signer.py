#!/usr/bin/python3
"""
What the signing process costs: CPU for a full handshake of sealined, and of bench/sealined_inside, which is the same with the key in the process
that reads the network (bench/inside.c): bench/signer.py [--pairs N] [--seconds N] [--write].

Both run all the time, with all their processes on one core, and are loaded (sealine load handshake, on the other core) in turns, each pair in the
other order than the one before and in short pieces, so that what else happens on the machine meets both. The figure is the CPU time of all processes of the server (utime + stime), the
signing process included; the price is the median of the ratios within the pairs. With --write it goes into docs/performance.md.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import tempfile

import compare

BEGIN, END = "<!-- bench/signer.py begins -->", "<!-- bench/signer.py ends -->"
MARK = 1.15
# each with so many users at once: few of them, so that the signing process has one request at a time, and many
RUNS = [compare.Run(f"full handshake, OPTIONS, close; {n} at once", ["handshake", "--number", str(n)]) for n in (10, 200)]


class With(compare.Sealined):
    program = "sealined"

    def __init__(self, state, directory):
        shutil.copytree(state, directory / "state", ignore=shutil.ignore_patterns("control.sock", "lock"))
        os.environ["SEALINE_BENCH_KEY"] = str(directory / "state/server.key")
        program = compare.BUILD / self.program
        compare.Server.__init__(self, [program, "--state", directory / "state", "--listen", "127.0.0.1:0", "--workers", "1", "--log-level", "warning"], directory)


class Without(With):
    program = "bench/sealined_inside"


def measure_pairs(run, servers, state, n, seconds):
    """With it, and without; who begins changes from pair to pair."""
    pairs = []
    for pair in range(n):
        values = {}
        for server in servers if pair % 2 == 0 else reversed(servers):
            (values[type(server)],) = compare.measure(server, state, run, seconds)[0].values()
        pairs.append((values[With], values[Without]))
        print(f"  {run.title:44} {values[With]:7.1f} µs with, {values[Without]:7.1f} µs without: {values[With] / values[Without]:.3f}", flush=True)
    return pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1, help="of each run")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    if options.pairs < 2:
        parser.error("what half of the pairs have needs two of them: --pairs 2")
    if not shutil.which("taskset") or os.cpu_count() < 2:
        print("bench/signer.py: it needs taskset and two cores; nothing was measured")
        return 0
    lines = ["| run | with the signing process | without | price | half of the pairs | mark |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="sealine-bench-") as name:
        path = pathlib.Path(name)
        state = compare.prepare(path)
        for make in (With, Without):
            (path / make.__name__).mkdir()
        for run in RUNS:
            with With(state, path / "With") as one, Without(state, path / "Without") as other:
                pairs = measure_pairs(run, [one, other], state, options.pairs, options.seconds)
            for make in (With, Without):
                shutil.rmtree(path / make.__name__ / "state")
            ratios = [a / b for a, b in pairs]
            low, _, high = statistics.quantiles(ratios, n=4)
            cells = [f"{compare.spread([pair[i] for pair in pairs])} µs" for i in (0, 1)]
            price = f"{100 * (statistics.median(ratios) - 1):.1f} %"
            lines.append(f"| {run.title} | {' | '.join(cells)} | {price} | {100 * (low - 1):.1f} to {100 * (high - 1):.1f} % | < {100 * (MARK - 1):.0f} % |")
    text = [f"Median (least to most) of {options.pairs} pairs, {options.seconds} s a run. {compare.machine()}; load average {os.getloadavg()[0]:.1f} at the end.", "", *lines]
    print("\n".join(text))
    if options.write:
        compare.write(text, BEGIN, END)
    return 0


if __name__ == "__main__":
    compare.run_script(main)
