#!/usr/bin/python3
"""
sealined beside Debian's kamailio and beside bench/floor, under the same load: bench/compare.py [--pairs N] [--seconds N]
[--only WORD] [--minutes N] [--write].

They take turns run by run, a fresh process each time, pinned to one core; the load (sealine load) is pinned to the other. What is
measured is the server's own CPU time (utime + stime of all its processes), so that other programs on the machine disturb
little, and its Pss; at a low rate also how long an operation takes. Figures are medians over the rounds; ratios are the
medians of those within a round. With --write they go into docs/performance.md.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("SEALINE_BUILD", ROOT / "build")).resolve()
PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- bench/compare.py begins -->", "<!-- bench/compare.py ends -->"
HELD = 5000    # connections, idle
ACTIVE = 200    # users, in all other runs; sealined keeps at most 1,000 transactions of one connection for 32 s
TABLES = pathlib.Path("/usr/share/kamailio/db_sqlite")
SERVER_CORE, LOAD_CORE = "0", "1"
SETTLED = 0.4    # seconds without a tick of the clock: the start is over

class Run:
    """What is measured: words of sealine load, figures of its report, and what the first, or its ratios, are to be at most."""

    def __init__(self, title, words, figures=(("", "server.cpu_us"),), unit="µs", mark="", floor_mark="", durable=False, resumed=False):
        self.title, self.words, self.figures, self.unit, self.mark, self.floor_mark = title, words, figures, unit, mark, floor_mark
        self.resumed = resumed  # nearly every handshake takes a session up, or the figure is void
        self.durable = durable  # kamailio writes each change of a binding to its disk; sealined does what it always does


ACTIVE_USERS = ["--number", str(ACTIVE)]
FEW_USERS = ["--number", "20"]    # the first handshake of each is a full one
REGISTERS, CALLS = ["register", *ACTIVE_USERS], ["call", *ACTIVE_USERS]
LATENCIES = ((", p50", "latency_ms.p50"), (", p99", "latency_ms.p99"))
RUNS = [
    Run("REGISTER, nonce reused, kamailio only in memory", REGISTERS, mark="0.75", floor_mark="1.25"),
    Run("REGISTER, nonce reused, kamailio durable", REGISTERS, mark="0.50", durable=True),
    Run("REGISTER that has to be stored, both durable", [*REGISTERS, "--new-call-id"], mark="0.50", durable=True),
    Run("REGISTER, challenged each time, kamailio only in memory", [*REGISTERS, "--challenged"], mark="0.75"),
    Run("call through the proxy", CALLS, mark="0.50", floor_mark="1.25"),
    Run("full handshake, OPTIONS, close", ["handshake", *ACTIVE_USERS], mark="0.75", floor_mark="1.15"),
    Run("resumed handshake, OPTIONS, close", ["handshake", "--resumed", *FEW_USERS], mark="0.70", resumed=True),
    Run("idle registered connection, 5,000 held, Pss", ["idle", "--number", str(HELD), "--duration", "2"], [("", "server.pss_kb_per_connection")], "kB", "17 kB", "1.2"),
    Run("1,000 REGISTER/s, latency", [*REGISTERS, "--rate", "1000"], LATENCIES, "ms"),
    Run("200 calls/s, latency", [*CALLS, "--rate", "200"], LATENCIES, "ms"),
]
NOT_FOR_THE_FLOOR = {"REGISTER, nonce reused, kamailio durable", "REGISTER that has to be stored, both durable"}


class Unmeasured(Exception):
    """Why there is no figure; none is made up for it."""


def run_script(main):
    """Runs a benchmark to its end, or until what it measures is not there. SIGTERM unwinds it as Ctrl-C does, so that what it has started and its directories go."""

    def unwind(number, _):
        signal.signal(number, signal.SIG_IGN)    # once is enough: it cleans up
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, unwind)
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        if BUILD not in pathlib.Path(error.filename or "").parents:
            raise
        sys.exit(f"{sys.argv[0]}: there is no {error.filename}; make build makes it, or say in SEALINE_BUILD where it is")
    except Unmeasured as why:
        sys.exit(f"{sys.argv[0]}: nothing was measured: {str(why).strip()}")


def tool(*words, **more):
    return subprocess.run([BUILD / "sealine", *words], check=True, capture_output=True, text=True, **more)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(what, process, log, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if found := what():
            return found
        time.sleep(0.05)
    raise Unmeasured(f"{process.args[3]} did not start:\n{log.read_text()[-2000:]}")


def end(process):
    """Asks a process to end, and makes it end if it does not; one that has ended already is left alone."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ticks_of(pid):
    """CPU time of a process and of those that it has started, in ticks of the clock."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [child for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12]) + sum(ticks_of(child) for child in children)


class Server:
    """One of the two, running while the with statement does. What it is started with, and how its port is found, is said by the classes below."""

    def __init__(self, argv, directory):
        self.log, self.process, self.port = directory / "server.log", None, 0
        self.argv = ["taskset", "-c", SERVER_CORE, *map(str, argv)]

    def __enter__(self):
        """Nobody else ends it if it does not start, or if we are interrupted meanwhile."""
        try:
            self.process = subprocess.Popen(self.argv, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
            self.port = wait_for(self.find_port, self.process, self.log)
            self.settle()
        except BaseException:
            if self.process:
                end(self.process)
            raise
        return self

    def settle(self):
        """It may listen before it has read what it stores: its start is not to be counted as the load's."""
        before, since = ticks_of(self.process.pid), time.monotonic()
        deadline = since + 20
        while time.monotonic() < min(since + SETTLED, deadline):
            time.sleep(0.05)
            if (now := ticks_of(self.process.pid)) != before:
                before, since = now, time.monotonic()

    def __exit__(self, *_):
        end(self.process)


class Sealined(Server):
    def __init__(self, state, directory, run=None):
        del run  # it is always the same
        shutil.copytree(state, directory / "state", ignore=shutil.ignore_patterns("control.sock", "lock"))
        super().__init__([BUILD / "sealined", "--state", directory / "state", "--listen", "127.0.0.1:0", "--workers", "1", "--log-level", "warning"], directory)

    def find_port(self):
        """The log says nothing at this level, so the kernel is asked."""
        listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
        found = re.search(rf"127\.0\.0\.1:(\d+) .*pid={self.process.pid},", listening)
        return int(found[1]) if found else 0


class Kamailio(Server):
    def __init__(self, state, directory, run):
        self.free = free_port()
        defines = {
            "LISTEN": f"tls:127.0.0.1:{self.free}",
            "STATE_CERTIFICATE": f'"{state}/server.pem"',
            "STATE_KEY": f'"{state}/server.key"',
            "USERS": str(HELD),
        }
        if run.resumed:
            defines["RESUMED"] = "1"
        if run.durable:
            database = sqlite3.connect(directory / "location.db")
            for name in ("standard", "usrloc"):
                database.executescript((TABLES / f"{name}-create.sql").read_text())
            database.close()
            defines |= {"DURABLE": "1", "STATE_DATABASE": f'"sqlite:///{directory}/location.db"', "STATE_JOURNAL": f'"{directory}/location.db=WAL"'}
        argv = ["kamailio", "-f", ROOT / "bench/kamailio/kamailio.cfg", "-DD", "-E", "-x", "fm", "-m", "1024", "-M", "32", "-Y", directory]
        for name, value in defines.items():
            argv += ["-A", f"{name}={value}"]
        super().__init__(argv, directory)

    def find_port(self):
        try:
            socket.create_connection(("127.0.0.1", self.free), 1).close()
            return self.free
        except OSError:
            return 0


class Floor(Server):
    """OpenSSL and epoll, and the least that can be done for the same bytes."""

    def __init__(self, state, directory, run):
        del run
        self.free = free_port()
        super().__init__([BUILD / "bench/floor", self.free, state / "server.pem", state / "server.key"], directory)

    find_port = Kamailio.find_port


def figure_of(report, path):
    for name in path.split("."):
        report = report.get(name, {})
    if not isinstance(report, (int, float)):
        raise Unmeasured(f"no {path}")
    return report


def measure(server, state, run, seconds):
    words = run.words
    argv = ["taskset", "-c", LOAD_CORE, BUILD / "sealine", "load", words[0], f"127.0.0.1:{server.port}", *words[1:]]
    argv += ["--users", "user%d@localhost", "--password-file", state / "password", "--ca", state / "ca.pem"]
    argv += ["--server-pid", server.process.pid, "--keep-bindings", "--json"]
    if "--duration" not in words:
        argv += ["--duration", seconds]
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1) or not done.stdout:
        raise Unmeasured(done.stderr.strip())
    report = json.loads(done.stdout)
    if report["failures"] or report["violations"]:
        raise Unmeasured(f"{report['failures']} {report['violations']} {report.get('first_failure', '')} {report.get('first_violation', '')}")
    if run.resumed and report["resumed"] < 0.9 * report["done"]:
        raise Unmeasured(f"only {report['resumed']} of {report['done']} sessions were taken up")
    return {run.title + name: figure_of(report, path) for name, path in run.figures}, report["rate"]


def prepare(directory):
    """State with the accounts, a certificate and its key, made by sealined itself."""
    state = directory / "template"
    state.mkdir(mode=0o700)
    accounts = "".join(f"user{i}@localhost\tsecret\n" for i in range(HELD))
    tool("user", "import", "-", "--state", state, input=accounts)
    (state / "password").write_text("secret\n")
    (directory / "first").mkdir()
    with Sealined(state, directory / "first"):
        pass
    for name in ("ca.pem", "ca.key", "server.pem", "server.key", "master.key"):
        shutil.copy(directory / "first/state" / name, state / name)
    return state


def run_once(run, make, state, directory, seconds, figures, notes):
    """On a server of its own, so that it finds no bindings and closed connections of a run before."""
    directory.mkdir()
    try:
        with make(state, directory, run) as server:
            values, rate = measure(server, state, run, seconds)
        for title, value in values.items():
            figures.setdefault(title, []).append(value)
            print(f"  {make.__name__:10} {title:56} {value:8.2f} {run.unit}   {rate:8.0f}/s", flush=True)
    except Unmeasured as why:
        notes.append(f"{make.__name__}: {run.title}: {why}")
        print(f"  {make.__name__:10} {run.title:56} not measured: {why}", flush=True)
    shutil.rmtree(directory, ignore_errors=True)


def run_round(runs, sides, state, directory, seconds, notes):
    """Each run on all of them before the next one: a machine that changes its speed for a while then does so for all of them."""
    for run in runs:
        for make, figures in sides:
            if not (make is Floor and run.title in NOT_FOR_THE_FLOOR):
                run_once(run, make, state, directory / "server", seconds, figures, notes)


def spread(values):
    digits = 1 if statistics.median(values) >= 10 else 2
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def ratio(a, b):
    return statistics.median(x / y for x, y in zip(a, b))


def verdict(mark, value):
    """The mark, and whether it is met: that of an idle connection is a size and no ratio."""
    return f"≤ {mark}{', met' if value <= float(mark.split()[0]) else ', missed'}" if mark else ""


def row(run, title, ours, theirs, floors):
    size = statistics.median(ours)
    cells = [title, f"{spread(ours)} {run.unit}", f"{spread(theirs)} {run.unit}", f"{ratio(ours, theirs):.2f}"]
    cells.append(verdict(run.mark, size if "kB" in run.mark else ratio(ours, theirs)))
    if floors:
        cells += [f"{spread(floors)} {run.unit}", f"{ratio(ours, floors):.2f}", verdict(run.floor_mark, ratio(ours, floors))]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells) + " |"


def table(runs, ours, theirs, floors, n_rounds):
    """What was not measured in every round is left out."""
    lines = ["| run | sealined | kamailio | to kamailio | mark | floor | to the floor | mark |", "|---|---|---|---|---|---|---|---|"]
    for run in runs:
        for name, _ in run.figures:
            title = run.title + name
            a, b, c = (figures.get(title, []) for figures in (ours, theirs, floors))
            if n_rounds > 0 and len(a) == n_rounds and len(b) == n_rounds:
                lines.append(row(run, title, a, b, c if len(c) == n_rounds else []))
    return lines


def said(*argv):
    """What a program prints; nothing if there is none of that name."""
    try:
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def machine():
    """Asked before anything is measured: the sources may go on changing."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    kamailio = said("kamailio", "-v").split("\n")[0].removeprefix("version: ").split(" (")[0]
    openssl = said("openssl", "version").split(" (")[0].strip()
    git = ("git", "-c", "safe.directory=*")
    commit = said(*git, "rev-parse", "--short", "HEAD").strip()
    changed = said(*git, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/performance.md")
    commit += "-dirty" if changed else ""  # the page itself changes while one benchmark after the other writes its part
    parts = [model[1] if model else platform.machine(), f"{os.cpu_count()} cores", f"Linux {platform.release()}", openssl, kamailio, f"sealine {commit}", str(datetime.date.today())]
    return ", ".join(part for part in parts if part)


def write(lines, begin=BEGIN, end=END):
    text = PAGE.read_text()
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(before + begin + "\n" + "\n".join(lines) + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--minutes", type=float, default=14, help="no round is begun that would not end within these")
    parser.add_argument("--only", default="", help="runs with this in their title")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    if not shutil.which("kamailio") or not shutil.which("taskset") or os.cpu_count() < 2:
        print("bench/compare.py: it needs kamailio (scripts/setup --bench), taskset and two cores; nothing was measured")
        return 0
    wanted = 2 * HELD + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    ours, theirs, floors, notes, where = {}, {}, {}, [], machine()
    runs = [run for run in RUNS if options.only in run.title]
    with tempfile.TemporaryDirectory(prefix="sealine-bench-") as name:
        directory = pathlib.Path(name)
        state = prepare(directory)
        began, n_rounds = time.monotonic(), 0
        for pair in range(options.pairs):
            if n_rounds and (time.monotonic() - began) * (n_rounds + 1) / n_rounds > options.minutes * 60:
                break
            sides = [(Sealined, ours), (Kamailio, theirs), (Floor, floors)]
            print(f"round {pair + 1}", flush=True)
            run_round(runs, sides if pair % 2 == 0 else sides[::-1], state, directory, options.seconds, notes)
            n_rounds += 1
    lines = table(runs, ours, theirs, floors, n_rounds)
    text = [f"Median (least to most) of {n_rounds} rounds, {options.seconds} s a run. {where}; load average {os.getloadavg()[0]:.1f} at the end.", "", *lines]
    print("\n".join(text))
    for note in notes:
        print(f"not measured: {note}")
    if options.write and len(lines) > 2:
        write(text)
    return 0


if __name__ == "__main__":
    run_script(main)
