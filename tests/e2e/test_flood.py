"""
Floods with bounded loops: the server's memory stays below a bound, honest accounts get through meanwhile, and afterwards
everything is as it was before, counted from outside. The sizes are those for the plain build; elsewhere a twentieth.
"""

import contextlib
import os
import pathlib
import resource
import socket
import ssl
import threading
import time

import pytest

from programs import BUILD, Server, slow
from sealine_e2e import Client, Closed, control

# who has an account does not come from where passwords were guessed, which is put off
ATTACKER, INSIDER, HOME = "127.0.0.66", "127.0.0.88", "127.0.0.1"
PASSWORDS = {"alice@localhost": "alice's own secret", "bob@localhost": "bob's own secret"}
# the whole sizes where nothing slows the programs down
PART = 1 if BUILD.name == "build" else 20
# what a flood may cost: MB of resident memory over what there was before (a sanitizer keeps freed memory back)
BOUND_MB = 64 if PART == 1 else 400

CONFIG = """
domains: [localhost]
listen: ["tls:127.0.0.1:0", "tcp:127.0.0.1:0"]
never-ban: [127.0.0.1]
workers: 2
limits: {handshake-seconds: 4, proof-seconds: 6, ban-points: 0}
"""


class Source(Client):
    def __init__(self, server, source, aor="alice@localhost", transport="tls", password=None):
        self._start(aor, password or PASSWORDS[aor], "sips" if transport == "tls" else "sip", transport.upper())
        self.sock = socket.create_connection(("127.0.0.1", server.port(transport)), slow(10), (source, 0))
        # what we say in pieces is to leave at once, and not to be taken for a slow server
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if transport == "tls":
            self.sock = ssl.create_default_context(cafile=str(server.ca)).wrap_socket(self.sock, server_hostname="localhost")
        self.contact = f"<{self.scheme}:{self.user}@{source}:5099>"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("flood")
    (directory / "sealined.yaml").write_text(CONFIG)
    with Server(directory / "state", listen=(), options=("-c", directory / "sealined.yaml")) as server:
        for aor, password in PASSWORDS.items():
            server.add_account(aor, password)
        yield server


def resident(server):
    return int(pathlib.Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def state(server):
    """What must be as before: descriptors, counted from outside, transactions and flows."""
    status = control(server.state, "status")
    samples = []
    for _ in range(5):  # the connection of our own question goes in its own time
        samples.append(len(os.listdir(f"/proc/{server.pid}/fd")))
        time.sleep(0.05)
    return {
        "descriptors": min(samples),
        "transactions": sum(worker["transactions"] for worker in status["workers"]),
        "flows": sum(status["flows"].values()),
    }


class Honest:
    """alice calls bob, again and again, on connections that were there before: INVITE, 200, ACK, BYE, 200."""

    def __init__(self, server):
        self.alice, self.bob = Source(server, HOME), Source(server, HOME, "bob@localhost")
        assert self.alice.register().status == self.bob.register().status == 200
        self.over, self.hung_up, self.statuses, self.times = False, False, [], []
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.answer, self.send)]

    def answer(self):
        while not self.hung_up:
            with contextlib.suppress(TimeoutError):
                request = self.bob.read(0.2)
                if request.method not in ("", "ACK"):
                    self.bob.reply(request, 200, "OK")

    def call(self):
        """Its statuses, and how long it took until it stood."""
        alice, begun = self.alice, time.monotonic()
        call_id = os.urandom(8).hex()
        answer = alice.ask("INVITE", "sips:bob@localhost", seconds=20, call_id=call_id)
        took = time.monotonic() - begun
        if answer.status != 200:
            return [answer.status], took
        dialog = {"to": "sips:bob@localhost", "to_tag": "t1", "call_id": call_id, "contact": False}
        dialog["headers"] = [f"Route: {value}" for value in reversed(answer.all("Record-Route"))]
        target = answer.get("Contact").strip("<>")
        alice.send(alice.request("ACK", target, cseq=alice.cseq, **dialog))
        alice.send(alice.request("BYE", target, **dialog))
        return [200, alice.final(20).status], took

    def send(self):
        while not self.over:
            try:
                statuses, took = self.call()
            except (OSError, Closed) as why:
                self.statuses.append(repr(why))
                return
            self.times.append(took)
            self.statuses += statuses
            time.sleep(0.03)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        answering, sending = self.threads
        self.over = True
        sending.join(slow(60))
        self.hung_up = True
        answering.join(slow(30))
        self.alice.close()
        self.bob.close()


def half_open(server):
    """2,000 connections at once from twenty addresses: of each two one never begins its handshake, the other stops within."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    held = []
    for n in range(2000 // PART):
        with contextlib.suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", server.port()), slow(5), (f"127.0.66.{1 + n % 20}", 0)))
            if n % 2:
                held[-1].send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    time.sleep(1)
    for sock in held:
        sock.close()


def slow_writers(server):
    """A byte now and then, of a handshake and of a request."""
    held = [socket.create_connection(("127.0.0.1", server.port(t)), slow(5), (ATTACKER, 0)) for t in ("tls", "tcp") * 20]
    for byte in b"\x16\x03\x01\x02\x00\x01\x00":
        for sock in held:
            with contextlib.suppress(OSError):
                sock.send(bytes([byte if sock.getpeername()[1] == server.port() else 0x41]))
        time.sleep(0.3)
    for sock in held:
        sock.close()


def slow_readers(server):
    """Asks and never reads."""
    held = [Source(server, ATTACKER, transport="tcp") for _ in range(20)]
    for client in held:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sock.settimeout(0.1)
        with contextlib.suppress(OSError, TimeoutError):
            for _ in range(2000 // PART):
                client.send(client.request("OPTIONS", "sip:localhost"))
    for client in held:
        client.close()


def malformed(server):
    """50,000 messages that cannot be read, but answered."""
    bad = "OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKx{}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <<<\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    left = 50000 // PART
    while left > 0:
        with contextlib.suppress(OSError, Closed, TimeoutError), Source(server, ATTACKER, transport="tcp") as client:
            client.sock.settimeout(slow(2))
            for _ in range(50):
                client.send("".join(bad.format(left - i, left - i) for i in range(20)))
                left -= 20
                client.sock.recv(65536)
        left -= 20


def bad_passwords(server):
    """20,000 wrong passwords."""
    left = 20000 // PART
    while left > 0:
        left -= 1
        with contextlib.suppress(OSError, Closed, TimeoutError), Source(server, ATTACKER, transport="tcp", password="guess") as client:
            first = client.send(client.request("REGISTER", "sip:localhost", to="sip:alice@localhost")) or client.final(2)
            for n in range(200):
                line = client.answer_to(first, "REGISTER", "sip:localhost", nc=n + 1)
                client.send(client.request("REGISTER", "sip:localhost", to="sip:alice@localhost", headers=[line]))
                left -= 1
                client.final(2)


def many_contacts(server):
    """REGISTERs with 100 Contacts each, of an account."""
    with Source(server, INSIDER) as client:
        headers = [f"Contact: <sips:alice@192.0.2.{n}>" for n in range(100)]
        for _ in range(100 // PART + 1):
            assert client.ask("REGISTER", "sips:localhost", to="sips:alice@localhost", headers=headers, contact=False).status in (403, 413)


def forks_to_itself(server):
    """INVITEs for an account whose Contacts lead back to the server and to itself."""
    with Source(server, INSIDER) as client:
        headers = [f"Contact: <sips:alice@127.0.0.1:{server.port()};n={n}>" for n in range(8)]
        assert client.ask("REGISTER", "sips:localhost", to="sips:alice@localhost", headers=headers, contact=False).status == 200
        for _ in range(40 // PART + 1):
            client.send(client.request("INVITE", "sips:alice@localhost", call_id=os.urandom(8).hex()))
            first = client.final()
            client.ack_failure(first, "sips:alice@localhost")
            if first.status == 407:
                line = client.answer_to(first, "INVITE", "sips:alice@localhost")
                client.send(client.request("INVITE", "sips:alice@localhost", headers=[line], call_id=os.urandom(8).hex()))
        gone = ["Contact: *", "Expires: 0"]
        assert client.ask("REGISTER", "sips:localhost", to="sips:alice@localhost", headers=gone, contact=False).status == 200


FLOODS = [half_open, slow_writers, slow_readers, malformed, bad_passwords, many_contacts, forks_to_itself]


@pytest.mark.plain_only
@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_a_flood_costs_little_and_leaves_nothing(server, flood):
    before, memory = state(server), resident(server)
    with Honest(server) as honest:
        while len(honest.statuses) < 3:
            time.sleep(0.05)
        begun = len(honest.statuses)
        flood(server)
        peak = resident(server)
        deadline = time.monotonic() + slow(10)
        while len(honest.statuses) < begun + 3 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(honest.statuses) > begun, "honest calls went on"
    assert set(honest.statuses) == {200}, honest.statuses
    assert peak - memory < BOUND_MB, f"{memory:.0f} MB before, {peak:.0f} MB in the flood"
    deadline = time.monotonic() + slow(45)
    while time.monotonic() < deadline and any(now > before[what] for what, now in state(server).items()):
        time.sleep(0.3)
    after = state(server)
    assert all(after[what] <= before[what] for what in before), (before, after)
