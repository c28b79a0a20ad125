"""Starting the programs under test, reading what they print, and ending them by their own process ids."""

import atexit
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import evidence

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SEALINE_BUILD", ROOT / "build")).resolve()

_running = []


def _end_all():
    for program in list(_running):
        program.kill()


atexit.register(_end_all)


def slow(seconds):
    """Programs under a sanitizer take their time: every deadline of a test goes through here."""
    return seconds * float(os.environ.get("SEALINE_PATIENCE", "1"))


class Timeout(AssertionError):
    pass


class Program:
    """A child process whose output lines are kept; both streams, in the order in which they came."""

    def __init__(self, argv, name=None, netns=None, env=None, stdin=subprocess.DEVNULL, cwd=None):
        self.name = name or pathlib.Path(argv[0]).name
        self.argv = [str(word) for word in argv]
        if netns:
            self.argv = ["ip", "netns", "exec", netns.name] + self.argv
        self.lines = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            self.argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        _running.append(self)
        evidence.note_program(self, BUILD)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.process.stdout:
            with self._changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\r\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        with self._changed:
            return "\n".join(self.lines)

    def wait_for(self, what, seconds=10, since=0):
        """The first line from number `since` on that the regular expression or predicate accepts."""
        accepts = what if callable(what) else re.compile(what).search
        deadline = time.monotonic() + slow(seconds)
        at = since
        with self._changed:
            while True:
                while at < len(self.lines):
                    if accepts(self.lines[at]):
                        return self.lines[at]
                    at += 1
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if left <= 0 or ended:
                    why = f"ended with {self.process.returncode}" if ended else f"no such line in {slow(seconds):.0f} s"
                    raise Timeout(f"{self.name}: {why}, waiting for {what!r}:\n" + "\n".join(self.lines[-60:]))
                self._changed.wait(min(left, 0.2))

    def send_line(self, text):
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=10):
        """The exit status, once it has ended by itself."""
        try:
            status = self.process.wait(slow(seconds))
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} has not ended in {slow(seconds):.0f} s:\n" + "\n".join(self.lines[-60:]))
        self._reader.join(5)
        if self in _running:
            _running.remove(self)
        return status

    def stop(self, seconds=15):
        """Ends it in the orderly way and gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except Timeout:
            self.kill()
            raise

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        if self in _running:
            _running.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.stop()
            except Timeout:
                pass
        elif self in _running:
            self.wait()


def run(argv, seconds=60, stdin="", netns=None, env=None):
    """Runs a program to its end: (exit status, stdout, stderr)."""
    argv = [str(word) for word in argv]
    if netns:
        argv = ["ip", "netns", "exec", netns.name] + argv
    done = subprocess.run(
        argv,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=slow(seconds),
        env={**os.environ, **(env or {})},
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Server(Program):
    """sealined with a state directory of its own. Listens where told, by default on a free TLS port of 127.0.0.1."""

    def __init__(self, state, listen=("127.0.0.1:0",), options=(), netns=None, name="sealined"):
        self.state = pathlib.Path(state)
        self.netns = netns
        argv = [BUILD / "sealined", "--state", self.state]
        for where in listen:
            argv += ["--listen", where]
        super().__init__(argv + list(options), name=name, netns=netns)
        self.ready = self.wait_for(r"\bready\b.*\blisten=", 20)

    def port(self, transport="tls"):
        found = re.search(rf"\b{transport}:(?:\[[^]]*\]|[0-9.]+):(\d+)", self.ready)
        assert found, f"not listening for {transport}: {self.ready}"
        return int(found.group(1))

    @property
    def ca(self):
        """The development CA's certificate, exported once."""
        path = self.state / "exported-ca.pem"
        if not path.exists():
            status, text, errors = sealine("ca", "export", "--state", self.state)
            assert status == 0, errors
            path.write_text(text)
        return path

    def add_account(self, aor, password, *options):
        evidence.note_password(aor, password)
        status, _, errors = sealine("user", "add", aor, "--password-stdin", *options, "--state", self.state, stdin=password + "\n")
        assert status == 0, errors


def sealine(*words, stdin="", seconds=60):
    """Runs the tool: (exit status, stdout, stderr)."""
    return run([BUILD / "sealine", *words], stdin=stdin, seconds=seconds)


class Phone(Program):
    """sealphone with --json: every line of its standard output is one event."""

    def __init__(self, state, aor, password, command=(), server=None, ca=None, options=(), netns=None, stdin=subprocess.DEVNULL, program=None):
        evidence.note_password(aor, password)
        self.state = pathlib.Path(state)
        self.state.mkdir(parents=True, exist_ok=True)
        secret = self.state / "password"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        argv = [program or BUILD / "sealphone", "--json", "--state", self.state, "--aor", aor, "--password-file", secret]
        if server:
            argv += ["--server", server]
        if ca:
            argv += ["--ca", ca]
        super().__init__([*argv, *options, *command], name="sealphone " + aor, netns=netns, stdin=stdin)

    @property
    def events(self):
        with self._changed:
            return [json.loads(line) for line in self.lines if line.startswith("{")]

    def wait_event(self, name, seconds=10, nth=1, **wanted):
        """The nth event of that name whose members are as wanted."""
        seen = 0

        def accepts(line):
            nonlocal seen
            if not line.startswith("{"):
                return False
            event = json.loads(line)
            if event.get("event") == name and all(event.get(key) == value for key, value in wanted.items()):
                seen += 1
            return seen == nth

        return json.loads(self.wait_for(accepts, seconds))
