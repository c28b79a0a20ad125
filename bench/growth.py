#!/usr/bin/python3
"""
How cost grows: bench/growth.py [--only SECTION]... [--many] [--write]. Sections: users, connections, workers, storm, durability.

Each starts sealined with a state of its own and loads it with sealine load, on loopback. Figures are those of one machine and
one moment; what matters is how they change from line to line. Memory is what only the server itself has (Pss of its anonymous
pages), CPU is utime and stime of all its threads. With --write they go into docs/performance.md. On a quiet machine with two
cores it takes some six minutes, with --many two more.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time

from compare import BUILD, PAGE, Unmeasured, end, machine, run_script, tool, wait_for

USERS = (1_000, 10_000, 100_000)
MANY_USERS = 1_000_000
LOST_IN_NOISE = 10_000    # fewer users are less than the memory of the rest moves
CONNECTIONS = (100, 1_000, 5_000, 15_000)
STORM = 5_000
FEW_HANDSHAKES = 50       # under way at a time, so that many are turned away
FEW_TRANSACTIONS = 1_000  # kept at a time, of which strangers get half; so many phones are told to come again while …
SLOW_DISK = 0.3           # … each fdatasync() takes that many seconds longer
CALLERS = 20
ACTIVE = 100
REGISTERS_A_SECOND = 5_000


class Sealined:
    """A server with this state, running until the with statement ends; listens for TLS, and for TCP without it."""

    def __init__(self, state, workers=1, until="ready", limits=""):
        self.state, self.workers, self.until = state, workers, until
        self.log, self.config = state.parent / "server.log", state.parent / "sealined.yaml"
        self.config.write_text(f"limits: {{{limits}}}\n" if limits else "")
        self.loads = []

    def __enter__(self):
        argv = [BUILD / "sealined", "-c", self.config, "--state", self.state, "--listen", "127.0.0.1:0", "--listen", "tcp:127.0.0.1:0",
                "--workers", str(self.workers)]
        self.began = time.monotonic()
        self.process = subprocess.Popen([*map(str, argv)], stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        try:
            listen = self.wait(self.until)
        except BaseException:    # it does not start, or we are interrupted meanwhile: nobody else ends it
            end(self.process)
            raise
        self.ports = {transport: int(port) for transport, port in re.findall(r"(tls|tcp):127\.0\.0\.1:(\d+)", listen)}
        return self

    def wait(self, event):
        """Until this event is in the log: what it says of listening."""
        found = wait_for(lambda: re.search(rf" {event} .*listen=(\S+)", self.log.read_text()), self.process, self.log, 180)
        self.seconds = time.monotonic() - self.began
        return found[1]

    def __exit__(self, *_):
        for load in self.loads:    # it runs still if the statement was left by an exception
            load.kill()
            load.wait()
        end(self.process)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def status(self):
        return json.loads(tool("status", "--state", self.state, "--json").stdout)

    def memory(self):
        """kB that are the server's own."""
        return int(re.search(r"^Pss_Anon:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(), re.M)[1])

    def cpu(self, task=None):
        """Seconds, of all threads or of one."""
        place = f"/proc/{self.process.pid}/" + (f"task/{task}/" if task else "")
        fields = pathlib.Path(place + "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def store_thread(self):
        """It is started last (src/sealined/daemon.c)."""
        return max(int(task.name) for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())

    def load(self, mode, *words, transport="tls", wait=True, who=None):
        if who is None:
            who = ("--users", "user%d@localhost", "--password-file", self.state.parent / "password")
        argv = ["nice", "-n", "10" if mode == "storm" else "0", BUILD / "sealine", "load", mode, f"127.0.0.1:{self.ports[transport]}", "--transport", transport, *who,
                "--server-pid", self.process.pid, "--keep-bindings", "--json", *words]
        if transport == "tls":
            argv += ["--ca", self.state / "ca.pem"]
        process = subprocess.Popen([*map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.loads.append(process)
        return report_of(process) if wait else process


def report_of(process):
    out, errors = process.communicate(timeout=300)
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


def look_ups():
    """CPU of finding one of so many addresses-of-record, in ns, as bench/server measures it, without that of writing its name first."""
    text = subprocess.run([BUILD / "bench/server"], check=True, capture_output=True, text=True, timeout=120).stdout
    writing = float(re.search(r"location: write a name +([0-9.]+) ns", text)[1])
    return {int(n.replace(",", "")): float(ns) - writing for n, ns in re.findall(r"find it in ([0-9,]+) +([0-9.]+) ns", text)}


def early_phones(state, users, n):
    """Phones that register while the accounts are still read, those that are read last: what became of them."""
    last = state.parent / "last"
    last.write_text("".join(f"user{i}@localhost\tsecret\n" for i in range(users - n, users)))
    with Sealined(state, until="listening") as server:
        listening = server.seconds
        storm = server.load("storm", "--accounts", last, "--duration", "120", who=(), wait=False)
        server.wait("ready")
        report = clean(report_of(storm))
        refused = len(re.findall(r"code=server\.starting", server.log.read_text()))
    return (f"With {users:,} accounts, {n:,} phones came as soon as it listened, {server.seconds - listening:.1f} s before it was ready: {refused:,} requests were answered 503 with "
            f"Retry-After, and {report['done']:,} were registered after {report['seconds']:.1f} s, with {report['retries']:,} further attempts.")


def users_section(directory, options):
    """Memory an account and a binding, the start, and the CPU of a look-up and of a REGISTER among so many."""
    lines = ["| users, each with a binding | ready after | CPU of the start | memory a binding beyond its texts | memory an account | CPU a look-up | CPU a REGISTER |",
             "|---|---|---|---|---|---|---|"]
    finding, early = look_ups(), []
    (directory / "1").mkdir()
    with Sealined(make_state(directory / "1", 1)) as server:
        empty = server.memory()
    for n in (*USERS, MANY_USERS) if options.many else USERS:
        place = directory / str(n)
        place.mkdir()
        state = make_state(place, n)
        with Sealined(state) as server:
            base = server.memory()
        texts = bind_everybody(state)
        with Sealined(state) as server:
            start = server.cpu()
            each, account = (server.memory() - base) * 1024 / n - texts, (base - empty) * 1024 / n
            report = clean(server.load("register", "--number", str(ACTIVE), "--duration", "4"))
            memory = f"{each:.0f} B | {account:.0f} B" if n >= LOST_IN_NOISE else "| "
            lines.append(f"| {n:,} | {server.seconds:.1f} s | {start:.1f} s | {memory} | {finding.get(n, 0):.0f} ns | {report['server']['cpu_us']:.1f} µs |")
            print(lines[-1], flush=True)
        if n == MANY_USERS:
            early = ["", early_phones(state, MANY_USERS, STORM)]
    return lines + early


def connections_section(directory, options):
    """Memory a connection, and the CPU of a REGISTER while so many others are idle."""
    lines = ["| connections | memory a connection | CPU a REGISTER of 100 more |", "|---|---|---|"]
    state = make_state(directory, CONNECTIONS[-1] + ACTIVE)
    for n in CONNECTIONS:
        with Sealined(state) as server:
            clean(server.load("register", "--number", str(ACTIVE), "--count", str(ACTIVE)))    # what the first ones cost is not theirs
            before = server.memory()
            idle = server.load("idle", "--number", str(n), "--duration", "60", wait=False)
            held = wait_until(lambda: connections_of(server) >= n, 150)
            each = (server.memory() - before) / n
            reports = [clean(server.load("register", "--number", str(ACTIVE), "--duration", "2")) for _ in range(3)] if held else []
            idle.send_signal(signal.SIGINT)
            idle.communicate()
        if not held:
            raise Unmeasured(f"{n} connections did not come about in 150 s")
        cpu = statistics.median(report["server"]["cpu_us"] for report in reports)
        lines.append(f"| {n:,} | {each:.1f} kB | {cpu:.1f} µs |")
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


LOCKS = re.compile(r"futex|lll_lock|pthread_mutex|pthread_cond|mutex_lock|spin_lock_slowpath")


def locks_of(server, place):
    """The lock with the largest share of a server's samples, in percent, and that of all, its own and the kernel's; None without perf."""
    if not shutil.which("perf"):
        return None
    data = place / "perf.data"
    load = server.load("register", "--number", str(2 * ACTIVE), "--new-call-id", "--duration", "5", wait=False)
    time.sleep(1)
    done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-p", str(server.process.pid), "-o", data, "--", "sleep", "3"], capture_output=True)
    clean(report_of(load))
    text = subprocess.run(["perf", "report", "-i", data, "--no-children", "--sort", "symbol", "--stdio"], capture_output=True, text=True).stdout
    shares = [(float(share), name) for share, name in re.findall(r"^ +([0-9.]+)% +\[.\] (\S+)", text, re.M)]
    if done.returncode or not shares:
        return None
    locks = [(share, name.split("@")[0]) for share, name in shares if LOCKS.search(name)]
    return max(locks, default=(0, "none")), sum(share for share, _ in locks)


def workers_section(directory, options):
    """CPU of an operation with one worker and with two: what they would get done on processors of their own."""
    state, rounds, locks = make_state(directory, 2 * ACTIVE), {1: [], 2: []}, None
    for n in (1, 2, 2, 1, 1, 2):
        users = ["--number", str(n * ACTIVE)]    # for each worker as many, since what comes together is cheaper
        with Sealined(state, n) as server:
            register = clean(server.load("register", *users, "--duration", "4"))
            call = clean(server.load("call", *users, "--duration", "4"))
            if n == 2 and locks is None:
                locks = locks_of(server, directory)
        rounds[n].append((register["server"]["cpu_us"], call["server"]["cpu_us"]))
    lines = ["| workers | CPU a REGISTER | CPU a call |", "|---|---|---|"]
    medians = {n: [statistics.median(column) for column in zip(*rows)] for n, rows in rounds.items()}
    for n, (register, call) in medians.items():
        lines.append(f"| {n} | {register:.1f} µs | {call:.1f} µs |")
    gains = [2 * one / two for one, two in zip(*medians.values())]
    lines += ["", f"Medians of three. Two workers on processors of their own so do {gains[0]:.2f} times the REGISTERs of one, and {gains[1]:.2f} times the calls (mark: 1.8)."]
    if locks is not None:
        (share, name), total = locks
        lines[-1] += (f" In a profile of two workers while each REGISTER is stored (`perf record -e cpu-clock`, 3 s), which takes the most locks, the largest share of one of them is "
                      f"{share:.1f} % ({name}), and {total:.1f} % are all together, waiting and not, ours and the kernel's (mark: 1).")
    print("\n".join(lines), flush=True)
    return lines


def storm_of(server, calling, *phones):
    """Storm, calls during it, CPU of the server meanwhile, and what it counted."""
    calls = server.load(*calling, "--duration", "20", who=(), wait=False)
    if not wait_until(lambda: connections_of(server) >= CALLERS, 10):
        raise Unmeasured("the callers were not registered in time")
    cpu = server.cpu()
    storm = clean(server.load("storm", *phones, "--duration", "120"))
    cpu = server.cpu() - cpu
    return storm, report_of(calls), cpu, server.status()["workers"][0]


class SlowDisk:
    """Makes the store's thread wait longer for the disk, by strace; false where that cannot be."""

    def __init__(self, server, place):
        self.thread, self.log = server.store_thread(), place / "strace.log"

    def __enter__(self):
        self.process = None
        if not shutil.which("strace"):
            return self
        argv = ["strace", "-p", self.thread, "-e", "trace=fdatasync", "-e", f"inject=fdatasync:delay_exit={SLOW_DISK * 1e6:.0f}"]
        self.process = subprocess.Popen([*map(str, argv)], stdout=subprocess.DEVNULL, stderr=self.log.open("w"))
        wait_until(lambda: "attached" in self.log.read_text() or self.process.poll() is not None, 10)
        return self

    def __bool__(self):
        return self.process is not None and self.process.poll() is None

    def __exit__(self, *_):
        if self:
            end(self.process)


def full_storm(directory, state, calling):
    """The storm where the disk is slow and few transactions are kept: what its paragraph says."""
    with Sealined(state, limits=f"transactions: {FEW_TRANSACTIONS}") as server, SlowDisk(server, directory) as slow:
        if not slow:
            return "Requests that find no room were not measured: strace cannot make the disk slow here."
        storm, calls, cpu, status = storm_of(server, calling, "--number", str(STORM))
    if not status["refused"]["overload"]:
        raise Unmeasured("all requests found room")
    return (
        f"With at most {FEW_TRANSACTIONS:,} transactions kept (`limits: transactions`), half of them for those who have proven nothing, and a disk that takes {SLOW_DISK * 1000:.0f} ms longer "
        f"for each `fdatasync()`: {storm['done']:,} of {STORM:,} phones were back after {storm['seconds']:.1f} s; {status['refused']['overload']:,} requests were answered 503 with "
        f"Retry-After, {storm['retries']:,} further attempts made, {cpu:.2f} s of CPU spent. {calls_during(calls)}."
    )


def calls_during(calls):
    return (f"Calls at 20/s meanwhile: p50 {calls['latency_ms']['p50']:.0f} ms, p99 {calls['latency_ms']['p99']:.0f} ms (mark: below 200), "
            f"{sum(calls['failures'].values())} failed")


def storm_section(directory, options):
    """Everybody connects and registers at once, while a few others call each other; once more where a limit turns many of them away."""
    state = make_state(directory, STORM + CALLERS)
    (directory / "callers").write_text("".join(f"user{i}@localhost\tsecret\n" for i in range(STORM, STORM + CALLERS)))
    calling = ("call", "--accounts", directory / "callers", "--rate", "20")
    with Sealined(state) as server:
        quiet = clean(server.load(*calling, "--duration", "5", who=()))
    with Sealined(state) as server:
        storm, calls, cpu, status = storm_of(server, calling, "--number", str(STORM))
    with Sealined(state, limits=f"handshakes: {FEW_HANDSHAKES}") as server:
        capped, capped_calls, capped_cpu, capped_status = storm_of(server, calling, "--number", str(STORM))
    with Sealined(state) as server:
        alone = clean(server.load("handshake", "--number", "100", "--duration", "4"))
    full = full_storm(directory, state, calling)
    return [
        f"{storm['done']:,} of {STORM:,} phones were back after {storm['seconds']:.1f} s, with {storm['retries']} further attempts; half of them within "
        f"{storm['latency_ms']['p50'] / 1000:.1f} s of their first word. The server spent {cpu:.2f} s of CPU meanwhile, calls included; {STORM:,} times connection, full handshake, "
        f"OPTIONS and end would be {STORM * alone['server']['cpu_us'] / 1e6:.2f} s. It closed {status['refused_handshakes']} handshakes that took too long and turned "
        f"{status['refused_connections']} connections away. {calls_during(calls)}; without a storm p50 "
        f"{quiet['latency_ms']['p50']:.0f} ms, p99 {quiet['latency_ms']['p99']:.0f} ms.",
        "",
        f"With at most {FEW_HANDSHAKES} handshakes under way at a time (`limits: handshakes`): {capped['done']:,} of {STORM:,} phones were back after {capped['seconds']:.1f} s; "
        f"{capped_status['refused_connections']:,} connections were turned away, {capped['retries']:,} further attempts made, {capped_cpu:.2f} s of CPU spent. {calls_during(capped_calls)}.",
        "",
        full,
    ]


def changes_of(state):
    """How often bindings were stored, all accounts together: each time the version of one grew."""
    database = sqlite3.connect(state / "sealine.db")
    (total,) = database.execute("SELECT sum(version & 0xffffffff) FROM account").fetchone()
    database.close()
    return total


def kill_in_the_midst(state):
    """kill -9 in the middle of so many REGISTERs a second, each to be stored: how many were answered, how many are on the disk."""
    before = changes_of(state)
    with Sealined(state) as server:
        load = server.load("register", "--number", str(4 * ACTIVE), "--new-call-id", "--rate", str(REGISTERS_A_SECOND), "--duration", "20", transport="tcp", wait=False)
        time.sleep(4)
        server.kill()
        report = interrupted(load)
    answered, stored = report["done"], changes_of(state) - before
    if answered > stored:
        raise SystemExit(f"growth: {answered} REGISTERs were answered, {stored} are stored")
    return report["done"], stored


def storing(state, *words):
    """REGISTERs over TCP at a low rate: the report, the CPU of the store's thread for each, and how many changes were stored."""
    before = changes_of(state)
    with Sealined(state) as server:
        thread = server.store_thread()
        cpu = server.cpu(thread)
        report = clean(server.load("register", "--number", str(ACTIVE), "--rate", "1000", "--duration", "4", *words, transport="tcp"))
        cpu = server.cpu(thread) - cpu
    return report, cpu / report["done"] * 1e6, changes_of(state) - before


def durability_section(directory, options):
    """What was answered is on the disk, what that costs, and what need not be there."""
    state = make_state(directory, 4 * ACTIVE)
    kills = [kill_in_the_midst(state) for _ in range(3)]
    report, cpu, _ = storing(state, "--new-call-id")
    refreshes, _, written = storing(state)
    lines = [
        f"Killed three times (`kill -9`) while {REGISTERS_A_SECOND:,} REGISTERs a second were asked for over TCP, each to be stored: "
        + "; ".join(f"{answered:,} were answered, {stored:,} are on the disk" for answered, stored in kills)
        + " (with those by which the users registered before).",
        "",
        f"At 1,000/s one takes p50 {report['latency_ms']['p50']:.1f} ms, p99 {report['latency_ms']['p99']:.1f} ms with its commit, and {report['server']['cpu_us']:.0f} µs of CPU, of "
        f"which the store's thread has {cpu:.0f} µs. Of {refreshes['done']:,} refreshes within the slack none was written: {written} changes were, the first REGISTER of each of "
        f"{ACTIVE} users on its new connection; one takes p50 {refreshes['latency_ms']['p50']:.1f} ms, p99 {refreshes['latency_ms']['p99']:.1f} ms, and {refreshes['server']['cpu_us']:.0f} µs of CPU.",
    ]
    if written > ACTIVE:
        raise SystemExit(f"growth: {written} changes were stored, by {ACTIVE} users that registered once and then refreshed")
    return lines


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
    parser.add_argument("--many", action="store_true", help="also a million users (two minutes more, and some 2 GB)")
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
    run_script(main)
