#!/usr/bin/python3
"""
Phones without a sound card, registered at sealined over TLS: bench/endpoint.py [--rounds N] [--seconds N] [--only WORD] [--write].

sealphone (as installed, and as make endpoint builds it), Debian's baresip and linphonec take turns in a network namespace of their own. Each
is a child, ended by its process id. What is measured is the phone itself: its memory when it is registered and idle, and in a call; its CPU
time for a second of a call (Opus, SRTP); and whether it takes its TLS session up again when the connection was lost. Figures are medians
over the rounds. With --write they go into docs/performance.md.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/lib"), str(ROOT / "tests/interop")]

import netns as network  # noqa: E402
import peers  # noqa: E402
import programs  # noqa: E402
from compare import PAGE, machine, run_script  # noqa: E402
from pki import make_pki  # noqa: E402

SMALL = ROOT / "build-endpoint/sealphone"
BEGIN, END = "<!-- bench/endpoint.py begins -->", "<!-- bench/endpoint.py ends -->"
DOMAIN = peers.DOMAIN
SETTLES = 5    # seconds after the registration: certificates, subscriptions, first pings
BEHIND = 5062  # sealined; phones come to 5061, which is the relay's
AGAIN = 70     # seconds until a phone has to be back: a registration lasts 60
TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1 << 20


# ---- a phone as a process --------------------------------------------------------------------------------------------

def memory(pid):
    """Kilobytes: all that it has touched; private (of its own, libraries' pages that nobody else uses included); of that what is no file's."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Anonymous"]


def cpu(pid):
    """Seconds of all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def mapped(pid):
    """Bytes of program and libraries, as files, without what is for debugging only."""
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    names = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6 and " r-xp " in line}
    return sum(stripped(name) for name in names if name.startswith("/"))


def stripped(path):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["strip", "-o", file.name, path], check=True, stderr=subprocess.DEVNULL)
        return os.stat(file.name).st_size


# ---- the stage -------------------------------------------------------------------------------------------------------

def relay():
    """bench/endpoint.py --relay: what is between the phones and sealined; SIGUSR1 ends all connections."""
    ends = []

    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(*_):
        for sock in ends:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        ends.clear()

    signal.signal(signal.SIGUSR1, cut)
    with socket.create_server((network.ADDRESS, 5061)) as server:
        print("ready", flush=True)
        while True:
            near, _ = server.accept()
            far = socket.create_connection((network.ADDRESS, BEHIND))
            ends.extend((near, far))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=copy, args=pair, daemon=True).start()


def make_noise(path, channels):
    """A minute of it, so that every codec has work."""
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, 48000, 0, "NONE", ""))
        file.writeframes(os.urandom(48000 * 60 * 2 * channels))
    return path


class Stage:
    """The namespace with sealined and the relay, while the with statement runs."""

    def __init__(self, directory):
        self.directory, self.netns, self.server, self.relay = directory, None, None, None

    def __enter__(self):
        try:
            self.open()
        except BaseException:    # an interrupt, too: nobody else takes it down
            self.__exit__()
            raise
        return self

    def open(self):
        directory = self.directory
        self.netns = network.Namespace(names=[DOMAIN])
        self.certificate = make_pki(directory / "pki", DOMAIN)
        config = directory / "sealined.yaml"
        config.write_text(f"domains:\n  - name: {DOMAIN}\n    md5: only\nlisten: ['tls:{network.ADDRESS}:{BEHIND}']\n"
                          f"certificate: {self.certificate}/server.pem\nkey: {self.certificate}/server.key\n")
        self.server = programs.Server(directory / "state", listen=(), options=("-c", config, "--log-level", "info"), netns=self.netns)
        for user in ("alice", "bob"):
            self.server.add_account(f"{user}@{DOMAIN}", f"secret-of-{user}", "--md5")
        self.relay = programs.Program([sys.executable, __file__, "--relay"], netns=self.netns)
        self.relay.wait_for("ready")
        self.sound = make_noise(directory / "mono.wav", 1)
        self.stereo = make_noise(directory / "stereo.wav", 2)

    def answering(self, name):
        """A sealphone that answers. It is started for the call: what it has mapped as well is not the other's own."""
        phone = self.sealphone(name, "bob", "answer")
        phone.wait_event("registered", 15)
        return phone

    def sealphone(self, name, user, *command, program=None):
        options = ("--device", "null", "--play", self.sound, "--srtp", "require", "--smime", "off")
        return programs.Phone(self.directory / name, f"sip:{user}@{DOMAIN}", f"secret-of-{user}", command, f"{network.ADDRESS}:5061",
                              self.certificate / "ca.pem", options, self.netns, subprocess.PIPE if not command else subprocess.DEVNULL, program)

    def __exit__(self, *_):
        for program in filter(None, (self.relay, self.server)):
            program.kill()
        if self.netns:
            self.netns.close()


class Sealphone:
    def __init__(self, stage, path, program=None):
        self.program = stage.sealphone(path.name, "alice", program=program)

    def call(self):
        self.program.send_line(f"call sip:bob@{DOMAIN}")
        self.program.wait_event("established", 20)

    def hang_up(self):
        self.program.send_line("hangup")


class SmallSealphone(Sealphone):
    def __init__(self, stage, path):
        super().__init__(stage, path, SMALL)


class Baresip:
    def __init__(self, stage, path):
        self.program = peers.Baresip(stage.netns, stage.certificate, path, "alice", stage.stereo, opus=True)

    def call(self):
        self.program.dial(f"sip:bob@{DOMAIN}")
        self.program.wait_for("Call established", 20)

    def hang_up(self):
        self.program.hang_up()


class Linphone:
    def __init__(self, stage, path):
        self.program = peers.Linphone(stage.netns, stage.certificate, path, "alice")
        self.sound = stage.sound

    def call(self):
        for line in ("soundcard use files", f"play {self.sound}", f"call sip:bob@{DOMAIN}"):
            self.program.send_line(line)
            time.sleep(1)  # it takes lines one at a time
        self.program.wait_for(r"Call \d+ with .* connected", 20)

    def hang_up(self):
        self.program.send_line("terminate")


PHONES = {"sealphone, small": SmallSealphone, "sealphone": Sealphone, "baresip": Baresip, "linphonec": Linphone}


# ---- measuring -------------------------------------------------------------------------------------------------------

def comes_back(stage, seconds):
    """How the phone shakes hands after its connection was lost: "resumed", "full", or why there is no answer."""
    before = len(stage.server.lines)
    stage.relay.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        flows = {}
        for line in list(stage.server.lines)[before:]:
            if opened := re.search(r"flow\.opened flow=(\S+)", line):
                flows[opened[1]] = "resumed" if "resumed=yes" in line else "full"
            elif ok := re.search(rf"register\.ok flow=(\S+).*alice@{DOMAIN}", line):
                if ok[1] in flows:
                    return flows[ok[1]]
        time.sleep(0.2)
    return f"not back in {seconds} s"


def measure(stage, make, path, seconds, loses_connection):
    before = len(stage.server.lines)
    phone = make(stage, path)
    pid = phone.program.pid
    figures, answers = {}, None
    try:
        stage.server.wait_for(rf"register\.ok.*alice@{DOMAIN}", 30, since=before)
        time.sleep(SETTLES)
        began = cpu(pid)
        time.sleep(seconds)
        figures["cpu_idle"] = (cpu(pid) - began) / seconds * 1000
        figures["rss"], figures["private"], figures["anonymous"] = memory(pid)
        if loses_connection:
            figures["again"] = comes_back(stage, AGAIN)
        answers = stage.answering(f"{path.name}-answers")
        phone.call()
        time.sleep(2)
        began = cpu(pid)
        time.sleep(seconds)
        figures["cpu_call"] = (cpu(pid) - began) / seconds * 1000
        figures["call_rss"], figures["call_private"], figures["call_anonymous"] = memory(pid)
        phone.hang_up()
        answers.wait_event("ended", 20)
        figures["mapped"] = mapped(pid)
        figures["program"] = stripped(os.readlink(f"/proc/{pid}/exe"))
    finally:
        phone.program.kill()
        if answers:
            answers.kill()
    return figures


def run_rounds(stage, names, options):
    found = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            try:
                figures = measure(stage, PHONES[name], stage.directory / f"{name.replace(', ', '-')}-{number}", options.seconds, number == 0)
            except (programs.Timeout, OSError) as why:
                print(f"{name}: not measured: {why}", flush=True)
                continue
            found[name].append(figures)
            print(f"round {number + 1}, {name}: {figures}", flush=True)
    return found


def median(rounds, key):
    return statistics.median(figures[key] for figures in rounds)


def library_size():
    """Code and data of libsealine as make endpoint builds it."""
    lines = subprocess.run(["size", "-t", SMALL.with_name("libsealine.a")], capture_output=True, text=True, check=True).stdout.splitlines()
    return int(lines[-1].split()[3])


COLUMNS = (
    ("idle, private", lambda r: f"{median(r, 'private') / 1024:.1f} MB"), ("of that no file's", lambda r: f"{median(r, 'anonymous') / 1024:.1f} MB"),
    ("idle, all that it touches", lambda r: f"{median(r, 'rss') / 1024:.1f} MB"),
    ("in a call, no file's", lambda r: f"{median(r, 'call_anonymous') / 1024:.1f} MB"), ("in a call, all", lambda r: f"{median(r, 'call_rss') / 1024:.1f} MB"),
    ("CPU a second of call", lambda r: f"{median(r, 'cpu_call'):.1f} ms"), ("CPU a second, idle", lambda r: f"{median(r, 'cpu_idle'):.1f} ms"),
    ("program, stripped", lambda r: f"{median(r, 'program') / 1000:.0f} kB"), ("with all libraries", lambda r: f"{median(r, 'mapped') / MEGABYTE:.1f} MB"),
    ("back after a lost connection", lambda r: next((figures["again"] for figures in r if "again" in figures), "")),
)


def table(found):
    lines = ["| phone | " + " | ".join(title for title, _ in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, rounds in found.items():
        if rounds:
            lines.append(f"| {name} | " + " | ".join(show(rounds) for _, show in COLUMNS) + " |")
    if small := found.get("sealphone, small"):
        program, library, private = median(small, "program"), library_size(), median(small, "private")
        lines += ["", f"Marks: the idle small phone has {private / 1024:.1f} MB of its own (at most 4); its stripped program, with the library in it, and "
                  f"libsealine once more are {program / 1000:.0f} + {library / 1000:.0f} kB (at most {MEGABYTE // 1000})."]
    return lines


def write(lines):
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement of CPU")
    parser.add_argument("--only", default="", help="phones with this in their name")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("--relay", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.relay:
        return relay()
    missing = [name for name in ("baresip", "linphonec", "strip", "size", "openssl") if not shutil.which(name)]
    missing += [] if SMALL.exists() else ["build-endpoint/sealphone (make endpoint)"]
    if why := network.can_be_made() or (missing and "it needs " + ", ".join(missing)):
        print(f"bench/endpoint.py: {why}; nothing was measured (scripts/setup --tests)")
        return 0
    where = machine()
    with tempfile.TemporaryDirectory(prefix="sealine-bench-") as name:
        with Stage(pathlib.Path(name)) as stage:
            found = run_rounds(stage, [name for name in PHONES if options.only in name], options)
    lines = [f"Median of {options.rounds} rounds. {where}; load average {os.getloadavg()[0]:.1f} at the end.", "", *table(found)]
    print("\n".join(lines))
    if options.write:
        write(lines)
    return 0


if __name__ == "__main__":
    run_script(main)
