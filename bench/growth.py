#!/usr/bin/python3
"""
How cost grows: bench/growth.py [--only SECTION]... [--write]. Sections: users, connections, workers, storm, durability.

Each starts sealined with a state of its own and loads it with sealine load, on loopback. Figures are those of one machine and
one moment; what matters is how they change from line to line. With --write they go into docs/performance.md.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from compare import BUILD, PAGE, Unmeasured, end, machine, tool, wait_for

USERS = (1_000, 10_000, 100_000)
MANY_USERS = 1_000_000
CONNECTIONS = (100, 1_000, 5_000, 15_000)
STORM = 5_000
ACTIVE = 100


class Sealined:
    """A server with this state, running until the with statement ends; listens for TLS, and for TCP without it."""

    def __init__(self, state, workers=1):
        self.state, self.workers = state, workers
        self.log = state.parent / "server.log"

    def __enter__(self):
        argv = [BUILD / "sealined", "--state", self.state, "--listen", "127.0.0.1:0", "--listen", "tcp:127.0.0.1:0",
                "--workers", str(self.workers)]
        began = time.monotonic()
        self.process = subprocess.Popen([*map(str, argv)], stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        ready = wait_for(lambda: re.search(r"ready .*listen=(\S+)", self.log.read_text()), self.process, self.log, 120)
        self.seconds = time.monotonic() - began
        self.ports = {transport: int(port) for transport, port in re.findall(r"(tls|tcp):127\.0\.0\.1:(\d+)", ready[1])}
        return self

    def __exit__(self, *_):
        end(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def status(self):
        return json.loads(tool("status", "--state", self.state, "--json").stdout)

    def pss(self):
        return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(), re.M)[1])

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, mode, *words, transport="tls", wait=True):
        argv = [BUILD / "sealine", "load", mode, f"127.0.0.1:{self.ports[transport]}", "--transport", transport, "--users", "user%d@localhost",
                "--password-file", self.state.parent / "password", "--server-pid", self.process.pid, "--json", *words]
        if transport == "tls":
            argv += ["--ca", self.state / "ca.pem"]
        process = subprocess.Popen([*map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return report_of(process) if wait else process


def report_of(process):
    out, errors = process.communicate(timeout=600)
    if not out:
        raise Unmeasured(errors.strip())
    return json.loads(out)


def interrupted(process):
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    return report_of(process)


def clean(report):
    if report["failures"] or report["violations"]:
        raise Unmeasured(f"{report['failures']} {report['violations']}")
    return report


def make_state(directory, users):
    state = directory / "state"
    state.mkdir(mode=0o700)
    accounts = directory / "accounts"
    accounts.write_text("".join(f"user{i}@localhost\tsecret\n" for i in range(users)))
    tool("user", "import", accounts, "--state", state)
    (directory / "password").write_text("secret\n")
    return state


def bind_everybody(state):
    """One binding for each account, as a phone's REGISTER leaves it; returns the bytes of its texts."""
    texts = (b"sip:user@192.0.2.101:40123;transport=tls", b"", b"", b"3848276298220188511@192.0.2.101", b"", b"Phone/4.2", b"192.0.2.101:40123")
    contact, params, instance, call_id, path, agent, received = texts
    database = sqlite3.connect(state / "sealine.db")
    with database:
        database.execute(
            "INSERT INTO binding (account, n, contact, params, instance, reg_id, call_id, cseq, q, expires, flow, secure, path, user_agent, received) "
            "SELECT id, 0, ?, ?, ?, 0, ?, 1, 1000, ?, 1, 1, ?, ?, ? FROM account",
            (contact, params, instance, call_id, int(time.time()) + 7200, path, agent, received))
    database.close()
    return sum(map(len, texts))


def users_section(directory, options):
    """Memory a binding, and the CPU of a REGISTER among so many."""
    lines = ["| users, each with a binding | ready after | memory a binding beyond its texts | CPU a REGISTER |", "|---|---|---|---|"]
    for n in (*USERS, MANY_USERS) if options.many else USERS:
        place = directory / str(n)
        place.mkdir()
        state = make_state(place, n)
        with Sealined(state) as server:
            base = server.pss()
        texts = bind_everybody(state)
        with Sealined(state) as server:
            each = (server.pss() - base) * 1024 / n - texts
            report = clean(server.load("register", "--number", str(ACTIVE), "--duration", "4"))
            lines.append(f"| {n:,} | {server.seconds:.1f} s | {each:.0f} B | {report['server']['cpu_us']:.1f} µs |")
            print(lines[-1], flush=True)
    return lines


def connections_section(directory, options):
    """Memory a connection, and the CPU of a REGISTER while so many others are idle."""
    lines = ["| connections | memory (Pss) a connection | CPU a REGISTER of 100 more |", "|---|---|---|"]
    for n in CONNECTIONS:
        place = directory / str(n)
        place.mkdir()
        with Sealined(make_state(place, n + ACTIVE)) as server:
            before = server.pss()
            idle = server.load("idle", "--number", str(n), "--duration", "120", wait=False)
            held = wait_until(lambda: connections_of(server) >= n, 100)
            each = (server.pss() - before) / n
            report = clean(server.load("register", "--number", str(ACTIVE), "--duration", "4")) if held else None
            idle.send_signal(signal.SIGINT)
            idle.communicate()
        if not report:
            raise Unmeasured(f"{n} connections did not come about in 100 s")
        lines.append(f"| {n:,} | {each:.1f} kB | {report['server']['cpu_us']:.1f} µs |")
        print(lines[-1], flush=True)
    return lines


def connections_of(server):
    return server.status()["flows"]["account"]


def wait_until(what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.5)
    return False


def workers_section(directory, options):
    """CPU of an operation with one worker and with two: what they would get done on processors of their own."""
    lines = ["| workers | CPU a REGISTER | CPU a call |", "|---|---|---|"]
    for n in (1, 2):
        place = directory / str(n)
        place.mkdir()
        with Sealined(make_state(place, ACTIVE), n) as server:
            register = clean(server.load("register", "--number", str(ACTIVE), "--duration", "5"))
            call = clean(server.load("call", "--number", str(ACTIVE), "--duration", "5"))
        lines.append(f"| {n} | {register['server']['cpu_us']:.1f} µs | {call['server']['cpu_us']:.1f} µs |")
        print(lines[-1], flush=True)
    return lines


def storm_section(directory, options):
    """Everybody connects and registers at once, while a few others call each other."""
    with Sealined(make_state(directory, STORM + 20)) as server:
        quiet = clean(server.load("call", "--number", "20", "--rate", "20", "--duration", "5"))
        cpu = server.cpu()
        calls = server.load("call", "--number", "20", "--rate", "20", "--duration", "20", wait=False)
        time.sleep(1)
        storm = clean(server.load("storm", "--number", str(STORM), "--duration", "120"))
        calls = report_of(calls)
        cpu = server.cpu() - cpu
    with Sealined(directory / "state") as server:
        alone = clean(server.load("handshake", "--number", "100", "--duration", "4"))
    return [
        f"{storm['done']:,} of {STORM:,} phones were back after {storm['seconds']:.1f} s, with {storm['retries']} further attempts; half of them within "
        f"{storm['latency_ms']['p50'] / 1000:.1f} s. The server spent {cpu:.2f} s of CPU (calls included); {STORM:,} times connection, full handshake, "
        f"OPTIONS and end would be {STORM * alone['server']['cpu_us'] / 1e6:.2f} s. Calls at 20/s meanwhile: p50 {calls['latency_ms']['p50']:.0f} ms, "
        f"p99 {calls['latency_ms']['p99']:.0f} ms (mark: below 200), {sum(calls['failures'].values())} failed; before the storm p50 "
        f"{quiet['latency_ms']['p50']:.0f} ms, p99 {quiet['latency_ms']['p99']:.0f} ms."
    ]


def durability_section(directory, options):
    """kill -9 in the middle of first registrations: each that was answered is on the disk."""
    state = make_state(directory, STORM)
    with Sealined(state) as server:
        storm = server.load("storm", "--number", str(STORM), "--duration", "60", transport="tcp", wait=False)
        wait_until(lambda: server.status()["bindings"] > STORM / 5, 30)
        server.kill()
        report = interrupted(storm)
    with Sealined(state) as server:
        stored = server.status()["bindings"]
    if report["done"] > stored:
        raise SystemExit(f"growth: {report['done']} registrations were answered, {stored} are stored")
    return [f"Killed in the middle of {STORM:,} first registrations over TCP: {report['done']:,} were answered, {stored:,} are stored."]


SECTIONS = {
    "users": users_section,
    "connections": connections_section,
    "workers": workers_section,
    "storm": storm_section,
    "durability": durability_section,
}


def write(name, lines):
    begin, end = f"<!-- bench/growth.py {name} begins -->", f"<!-- bench/growth.py {name} ends -->"
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(before + begin + "\n" + "\n".join(lines) + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; may be repeated")
    parser.add_argument("--many", action="store_true", help="also a million users (minutes, and some 2 GB)")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(40_000, hard), hard))
    for name in options.only or SECTIONS:
        with tempfile.TemporaryDirectory(prefix="sealine-growth-") as place:
            try:
                lines = SECTIONS[name](pathlib.Path(place), options)
            except Unmeasured as why:
                print(f"{name} was not measured: {why}")
                continue
        lines = [f"{machine()}; load average {os.getloadavg()[0]:.1f}.", "", *lines]
        print("\n".join(lines), flush=True)
        if options.write:
            write(name, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
