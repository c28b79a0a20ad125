"""sealined with three accounts, and the phones at it: what most end-to-end tests begin with (the fixture site, conftest.py)."""

import signal
import subprocess

from programs import Phone, Server
from sealine_e2e import control, digests

USERS = ("alice", "bob", "carol")


class Site:
    """A server with accounts, and the phones that were started at it."""

    def __init__(self, path, *listen):
        self.path, self.phones = path, []
        self.server = Server(path / "server", listen=listen or ("127.0.0.1:0",), options=("--workers", "2"))
        for user in USERS:
            assert control(self.server.state, "user-add", **digests(f"{user}@localhost", f"{user}-sesame"))["ok"]

    def phone(self, user, *command, options=(), scheme="sips", password=None, port=None, ca=True, talks=False):
        port = port or self.server.port("tcp" if "tcp" in options else "tls")
        phone = Phone(
            self.path / f"{user}-{len(self.phones)}",
            f"{scheme}:{user}@localhost",
            password or f"{user}-sesame",
            command,
            server=f"127.0.0.1:{port}",
            ca=self.server.state / "ca.pem" if ca else None,
            options=("--device", "null", *options),
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
        )
        self.phones.append(phone)
        return phone

    def answering(self, user, *options, **more):
        phone = self.phone(user, "answer", options=options, **more)
        phone.wait_event("registered")
        return phone

    def talking(self, user, *options, **more):
        """A phone with a person at it: commands go to its standard input."""
        phone = self.phone(user, options=options, talks=True, **more)
        phone.wait_event("registered")
        return phone

    def restart(self, how):
        port = self.server.port()
        if how == signal.SIGKILL:
            self.server.kill()
        else:
            assert self.server.stop() == 0
        self.server = Server(self.path / "server", listen=(f"127.0.0.1:{port}",), options=("--workers", "2"))

    def close(self):
        for phone in self.phones:
            phone.kill()
        self.server.kill()
