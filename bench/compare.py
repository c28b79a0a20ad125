#!/usr/bin/python3
"""
sealined beside Debian's kamailio, under the same load: bench/compare.py [--pairs N] [--seconds N] [--write].

Both run in turns, a fresh process each time, pinned to one core; the load (sealine load) is pinned to the other. What is
measured is the server's own CPU time (utime + stime of all its processes), so that other programs on the machine disturb
little, and its Pss. Figures are medians over the pairs. With --write they go into docs/performance.md.
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

class Run:
    """What is measured: words of sealine load, a member of its report's "server", and what the ratio is to be at most."""

    def __init__(self, title, words, member="cpu_us", unit="µs", mark="", durable=False):
        self.title, self.words, self.member, self.unit, self.mark = title, words, member, unit, mark
        self.durable = durable  # kamailio, too, writes each change of a binding to its disk; sealined always does


ACTIVE_USERS = ["--number", str(ACTIVE)]
RUNS = [
    Run("REGISTER, nonce reused, both durable", ["register", *ACTIVE_USERS], mark="0.50", durable=True),
    Run("REGISTER, nonce reused, kamailio only in memory", ["register", *ACTIVE_USERS]),
    Run("REGISTER, challenged each time, kamailio only in memory", ["register", "--challenged", *ACTIVE_USERS]),
    Run("call through the proxy", ["call", *ACTIVE_USERS], mark="0.50"),
    Run("full handshake, OPTIONS, close", ["handshake", *ACTIVE_USERS], mark="0.65"),
    Run("idle registered connection, 5,000 held, Pss", ["idle", "--number", str(HELD), "--duration", "2"], "pss_kb_per_connection", "kB", "17 kB"),
]


class Unmeasured(Exception):
    """Why there is no figure; none is made up for it."""


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


class Server:
    """One of the two, running until the with statement ends."""

    def __init__(self, argv, directory):
        self.log = directory / "server.log"
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *map(str, argv)], stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Sealined(Server):
    def __init__(self, state, directory, durable=True):
        del durable  # always
        shutil.copytree(state, directory / "state", ignore=shutil.ignore_patterns("control.sock", "lock"))
        super().__init__([BUILD / "sealined", "--state", directory / "state", "--listen", "127.0.0.1:0", "--workers", "1", "--log-level", "warning"], directory)
        self.port = wait_for(self.find_port, self.process, self.log)

    def find_port(self):
        """The log says nothing at this level, so the kernel is asked."""
        listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
        found = re.search(rf"127\.0\.0\.1:(\d+) .*pid={self.process.pid},", listening)
        return int(found[1]) if found else 0


class Kamailio(Server):
    def __init__(self, state, directory, durable=False):
        self.port = free_port()
        defines = {
            "LISTEN": f"tls:127.0.0.1:{self.port}",
            "STATE_CERTIFICATE": f'"{state}/server.pem"',
            "STATE_KEY": f'"{state}/server.key"',
            "USERS": str(HELD),
        }
        if durable:
            database = sqlite3.connect(directory / "location.db")
            for name in ("standard", "usrloc"):
                database.executescript((TABLES / f"{name}-create.sql").read_text())
            database.close()
            defines |= {"DURABLE": "1", "STATE_DATABASE": f'"sqlite:///{directory}/location.db"', "STATE_JOURNAL": f'"{directory}/location.db=WAL"'}
        argv = ["kamailio", "-f", ROOT / "bench/kamailio/kamailio.cfg", "-DD", "-E", "-x", "fm", "-m", "1024", "-M", "32", "-Y", directory]
        for name, value in defines.items():
            argv += ["-A", f"{name}={value}"]
        super().__init__(argv, directory)
        wait_for(self.answers, self.process, self.log)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


def measure(server, state, run, seconds):
    words = run.words
    argv = ["taskset", "-c", LOAD_CORE, BUILD / "sealine", "load", words[0], f"127.0.0.1:{server.port}", *words[1:]]
    argv += ["--users", "user%d@localhost", "--password-file", state / "password", "--ca", state / "ca.pem"]
    argv += ["--server-pid", server.process.pid, "--json"]
    if "--duration" not in words:
        argv += ["--duration", seconds]
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1) or not done.stdout:
        raise Unmeasured(done.stderr.strip())
    report = json.loads(done.stdout)
    if report["failures"] or report["violations"]:
        raise Unmeasured(f"{report['failures']} {report['violations']} {done.stderr.strip()}")
    if run.member not in report.get("server", {}):
        raise Unmeasured(f"no {run.member}")
    return report["server"][run.member], report


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


def run_once(make, state, directory, seconds, figures, notes):
    """Every run on a server of its own, so that none finds bindings and closed connections of the one before."""
    for run in RUNS:
        directory.mkdir()
        try:
            with make(state, directory, run.durable) as server:
                value, report = measure(server, state, run, seconds)
            figures.setdefault(run.title, []).append(value)
            print(f"  {run.title:56} {value:8.1f} {run.unit}   {report['rate']:8.0f}/s", flush=True)
        except Unmeasured as why:
            notes.append(f"{run.title}: {why}")
            print(f"  {run.title:56} not measured: {why}", flush=True)
        shutil.rmtree(directory, ignore_errors=True)


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def table(ours, theirs, n_pairs):
    lines = ["| run | sealined | kamailio | ratio | mark |", "|---|---|---|---|---|"]
    for run in RUNS:
        a, b = ours.get(run.title, []), theirs.get(run.title, [])
        if len(a) < n_pairs or len(b) < n_pairs:
            continue
        ratio = statistics.median(a) / statistics.median(b)
        mark = f"≤ {run.mark}" if run.mark else ""
        lines.append(f"| {run.title} | {spread(a)} {run.unit} | {spread(b)} {run.unit} | {ratio:.2f} | {mark} |")
    return lines


def machine():
    """Asked before anything is measured: the sources may go on changing."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    version = subprocess.run(["kamailio", "-v"], capture_output=True, text=True).stdout.split("\n")[0].removeprefix("version: ").split(" (")[0]
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    commit = subprocess.run(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty", "--exclude", "*"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, {openssl}, {version}, "
            f"sealine {commit}, {datetime.date.today()}")


def write(lines):
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    if not shutil.which("kamailio") or not shutil.which("taskset") or os.cpu_count() < 2:
        print("bench/compare.py: it needs kamailio (scripts/setup --bench), taskset and two cores; nothing was measured")
        return 0
    wanted = 2 * HELD + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    ours, theirs, notes, where = {}, {}, [], machine()
    with tempfile.TemporaryDirectory(prefix="sealine-bench-") as name:
        directory = pathlib.Path(name)
        state = prepare(directory)
        for pair in range(options.pairs):
            sides = [("sealined", Sealined, ours), ("kamailio", Kamailio, theirs)]
            for title, make, figures in sides if pair % 2 == 0 else reversed(sides):
                print(f"pair {pair + 1}, {title}", flush=True)
                run_once(make, state, directory / f"{title}-{pair}", options.seconds, figures, notes)
    lines = table(ours, theirs, options.pairs)
    text = [f"Median (least to most) of {options.pairs} pairs, {options.seconds} s a run. {where}; load average {os.getloadavg()[0]:.1f} at the end.", "", *lines]
    print("\n".join(text))
    for note in notes:
        print(f"not measured: {note}")
    if options.write and len(lines) > 2:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
