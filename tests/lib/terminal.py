"""A terminal of its own for a program under test: what it shows, keys that are pressed, whether it echoes."""

import fcntl
import os
import re
import select
import subprocess
import termios
import time

from programs import Timeout, slow


class Terminal:
    """Runs a program as the only one on a pseudo-terminal."""

    def __init__(self, argv, env=None):
        self._ours, self._its = os.openpty()
        self._at = 0
        self.seen = b""
        self.process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=self._its,
            stdout=self._its,
            stderr=self._its,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm", **(env or {})},
        )

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self._its)[3] & termios.ECHO)

    @property
    def is_plain(self):
        """Whether lines are edited by the terminal itself, as it is before and after a program with an editor of its own."""
        return bool(termios.tcgetattr(self._its)[3] & termios.ICANON)

    def _read(self, seconds):
        if select.select([self._ours], [], [], seconds)[0]:
            self.seen += os.read(self._ours, 65536)

    def wait_for(self, what, seconds=15):
        """Waits until the expression is shown, behind what was waited for before."""
        deadline = time.monotonic() + slow(seconds)
        while not (found := re.search(what.encode(), self.seen[self._at :])):
            if time.monotonic() > deadline:
                raise Timeout(f"not shown: {what!r} in\n{self.seen[self._at:].decode('utf-8', 'replace')}")
            self._read(0.2)
        self._at += found.end()
        return found.group().decode()

    def type(self, text):
        os.write(self._ours, text.encode())

    def end(self, seconds=15):
        """The exit status of the program, once it has ended by itself."""
        deadline = time.monotonic() + slow(seconds)
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise Timeout(f"has not ended:\n{self.seen.decode('utf-8', 'replace')}")
            self._read(0.05)
        self._read(0)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._its)
