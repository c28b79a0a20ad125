"""Nothing without a named proof: each method with each kind of wrong credentials, and all that an open relay would take."""

import contextlib
import itertools
import re
import secrets
import socket
import threading

import pytest

from programs import Server
from sealine_e2e import Client

# One thing after the other: nothing here is about threads.
pytestmark = pytest.mark.plain_only

ALICE, BOB, CAROL = "alice@localhost", "bob@localhost", "carol@other.example"
PASSWORDS = {ALICE: "alice's own secret", BOB: "bob's own secret", CAROL: "carol's own secret"}

CONFIG = """
domains:
  - {name: localhost, md5: allow, digest: [SHA-512-256, SHA-256]}
  - {name: other.example, digest: [SHA-256, SHA-256-sess], integrity: require}
listen: ["tls:127.0.0.1:0"]
limits: {ban-points: 0}
"""

METHODS = ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "PUBLISH", "REFER", "NOTIFY", "INFO", "UPDATE"]
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("proofs")
    (directory / "sealined.yaml").write_text(CONFIG)
    with Server(directory / "state", listen=(), options=("-c", directory / "sealined.yaml")) as server:
        server.add_account(ALICE, PASSWORDS[ALICE], "--md5")
        server.add_account(BOB, PASSWORDS[BOB])
        server.add_account(CAROL, PASSWORDS[CAROL])
        yield server


class Bob(Client):
    """Says 200 to whatever reaches him, and 486 to a call."""

    def __init__(self, server):
        super().__init__(server.port(), server.ca, BOB, PASSWORDS[BOB])
        assert self.register().status == 200
        self.got, self.is_over = [], False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over:
            with contextlib.suppress(TimeoutError):
                request = self.read(0.1)
                if request.method and request.method != "ACK":
                    self.got.append((request.method, request.get("Call-ID")))
                    self.reply(request, *((486, "Busy Here") if request.method == "INVITE" else (200, "OK")))

    def close(self):
        self.is_over = True
        self.thread.join()
        super().close()


@pytest.fixture(scope="module")
def bob(server):
    with Bob(server) as bob:
        yield bob


_sources = itertools.count(256)


def somewhere():
    """Another address each time: who guesses wrong has to wait, but nobody elsewhere (test_abuse.py is about that)."""
    n = next(_sources)
    return f"127.1.{n // 256}.{n % 256}"


class Try:
    """A request of a method from alice to bob, and what may be wrong with its credentials."""

    def __init__(self, client, method):
        self.client, self.method = client, method
        self.register = method == "REGISTER"
        self.uri = "sips:localhost" if self.register else f"sips:{BOB}"
        self.to = f"sips:{ALICE}" if self.register else self.uri
        self.code = 401 if self.register else 407
        self.call_id = secrets.token_hex(8)

    def send(self, headers=(), body=""):
        """The status: 200 for a request that was let through, without waiting for what becomes of it."""
        client = self.client
        # A REGISTER whose body had to be understood would get a 415.
        about = ["Content-Type: application/sdp", "Content-Disposition: session;handling=optional"]
        headers = list(headers) + (about if body else [])
        if self.method in ("SUBSCRIBE", "NOTIFY", "PUBLISH"):
            headers.append("Event: presence")
        if self.method == "NOTIFY":
            headers.append("Subscription-State: active")
        if self.method == "REFER":
            headers.append(f"Refer-To: <sips:{CAROL}>")
        client.send(client.request(self.method, self.uri, to=self.to, headers=headers, body=body, call_id=self.call_id))
        return client.final()

    body = ""

    def challenge(self):
        response = self.send()
        assert response.status == self.code, response
        if self.method == "INVITE":
            self.client.ack_failure(response, self.uri)
        return response

    def line(self, challenge, **parts):
        return self.client.answer_to(challenge, self.method, self.uri, **parts)


def wrong_password(t):
    return [t.line(t.challenge(), password="not it")]


def stale(t):
    with t.client.twin() as other:
        twin = Try(other, t.method)
        return [twin.line(twin.challenge())]


def replayed(t):
    line = t.line(t.challenge())
    first = t.send([line])
    assert first.status not in (401, 407), first
    if t.method == "INVITE" and first.status >= 300:
        t.client.ack_failure(first, t.uri)
    return [line]


def other_user(t):
    """bob's name and bob's password, for a request of alice."""
    challenge = t.challenge()
    t.client.user = "bob"
    return [t.line(challenge, password=PASSWORDS[BOB])]


def other_realm(t):
    return [re.sub('realm="[^"]*"', 'realm="other.example"', t.line(t.challenge()))]


def malformed(t):
    return [t.line(t.challenge()).replace('uri="', 'uri="sip:elsewhere.example;x=')]


def unquoted(t):
    return [re.sub("nc=[0-9a-f]+", "nc=xyz", t.line(t.challenge()))]


def md5(t):
    return [t.line(t.challenge(), algorithm="MD5")]


def sha256(t):
    return [t.line(t.challenge(), algorithm="SHA-256")]


def sha512_256(t):
    return [t.line(t.challenge(), algorithm="SHA-512-256")]


def auth_int(t):
    t.body = SDP
    return [t.line(t.challenge(), qop="auth-int", body=SDP)]


def altered_body(t):
    t.body = SDP.replace("127.0.0.1", "192.0.2.1")
    return [t.line(t.challenge(), qop="auth-int", body=SDP)]


def nothing(t):
    return []


# What is tried, the status of the answer (None: that of a challenge; 200: let through), whether it says stale=true.
CASES = {
    "no credentials": (nothing, None, False),
    "a wrong password": (wrong_password, None, False),
    "a nonce of another connection": (stale, None, True),
    "a replay": (replayed, None, True),
    "another user's": (other_user, 403, False),
    "another realm's": (other_realm, None, False),
    "another uri": (malformed, 400, False),
    "a count that is none": (unquoted, 400, False),
    "MD5": (md5, 200, False),
    "SHA-256": (sha256, 200, False),
    "SHA-512/256": (sha512_256, 200, False),
    "auth-int": (auth_int, 200, False),
    "auth-int with an altered body": (altered_body, None, False),
}


class Alice(Client):
    def __init__(self, server, aor=ALICE):
        self.server = server
        super().__init__(server.port(), server.ca, aor, PASSWORDS[aor], source=somewhere())

    def twin(self):
        return Alice(self.server)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_a_request_is_let_through_with_a_good_proof_only(server, bob, method, case):
    make, expected, is_stale = CASES[case]
    with Alice(server) as client:
        t = Try(client, method)
        made = make(t)
        before = (method, t.call_id) in bob.got
        response = t.send(made, t.body)
        reached = (method, t.call_id) in bob.got
    if expected == 200:
        assert response.status == (486 if method == "INVITE" else 200), response
        assert reached or t.register
        return
    assert reached == before, "it must not get to bob"
    assert response.status == (expected or t.code), response
    challenges = response.all("WWW-Authenticate") + response.all("Proxy-Authenticate")
    assert bool(challenges) == (expected is None)
    assert all(("stale=true" in challenge) == is_stale for challenge in challenges)
    if challenges:
        assert [re.search("algorithm=([^,]*)", c)[1] for c in challenges] == ["SHA-512-256", "SHA-256", "MD5"]


# -- no telling who has an account -----------------------------------------------------------------------------------------


def shape(response):
    """All of a response that a stranger may compare, with what differs each time taken out."""
    text = re.sub(r'nonce="[^"]*"', "nonce", response.text)
    text = re.sub(r"(?m)^(Via|From|To|Call-ID|CSeq|Date): .*$", r"\1", text)
    return text


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_an_account_that_is_there_is_answered_like_one_that_is_not(server, bob, method, algorithm):
    seen = []
    for aor in (ALICE, BOB, "nobody@localhost"):  # bob has no hash for MD5
        with Client(server.port(), server.ca, aor, "a guess", source=somewhere()) as client:
            t = Try(client, method)
            t.to = f"sips:{aor}" if t.register else t.uri
            first = t.challenge()
            second = t.send([t.line(first, algorithm=algorithm)])
            seen.append((shape(first), shape(second)))
    assert seen[0] == seen[1] == seen[2]


def test_who_is_called_is_told_to_nobody_who_has_not_proven_himself(server, bob):
    seen = set()
    for called in (BOB, CAROL.replace("other.example", "localhost"), "nobody@localhost"):
        with Alice(server) as client:
            client.send(client.request("INVITE", f"sips:{called}"))
            seen.add(shape(client.final()))
    assert len(seen) == 1


# -- no open relay ---------------------------------------------------------------------------------------------------------

RELAY = {
    "a call to elsewhere": ("INVITE", "sip:x@{trap}", ALICE, []),
    "a call to elsewhere, from elsewhere": ("INVITE", "sip:x@{trap}", "x@elsewhere.example", []),
    "a message to elsewhere": ("MESSAGE", "sip:x@{trap};transport=tcp", ALICE, []),
    "a phone number": ("INVITE", "sip:+4930123456@{trap};user=phone", ALICE, []),
    "a telephone": ("INVITE", "tel:+4930123456", ALICE, []),
    "a route to elsewhere": ("INVITE", "sip:bob@localhost", ALICE, ["Route: <sip:{trap};lr>"]),
    "a route past us": ("INVITE", "sip:x@elsewhere.example", ALICE, ["Route: <sip:localhost;lr>, <sip:{trap};lr>"]),
    "a strict route": ("INVITE", "sip:x@localhost", ALICE, ["Route: <sip:{trap}>"]),
    "a forged route of ours": ("INVITE", "sip:x@{trap}", ALICE, ["Route: <sips:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@localhost;lr>"]),
    "maddr": ("MESSAGE", "sip:bob@localhost;maddr={ip}", ALICE, []),
    "somebody in a dialog": ("BYE", "sip:x@{trap}", ALICE, ["X-Tag: 1"]),
    "a subscription": ("SUBSCRIBE", "sip:x@{trap}", ALICE, ["Event: presence"]),
    "options of elsewhere": ("OPTIONS", "sip:{trap}", ALICE, []),
    "a registration elsewhere": ("REGISTER", "sip:{trap}", ALICE, []),
    "an escaped host": ("INVITE", "sip:x%40localhost@{trap}", ALICE, []),
    "a local part with a host": ("INVITE", "sip:x%40{trap}@localhost", ALICE, []),
}


class Trap:
    """Listens where a relayed request would arrive, over TCP and UDP of one port."""

    def __enter__(self):
        self.tcp = socket.create_server(("127.0.0.5", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.5", self.port))
        for sock in (self.tcp, self.udp):
            sock.settimeout(0.2)
        return self

    def __exit__(self, *_):
        self.tcp.close()
        self.udp.close()

    def caught(self):
        for take in (self.tcp.accept, lambda: self.udp.recv(4096)):
            with contextlib.suppress(TimeoutError):
                return take()
        return None


@pytest.mark.parametrize("what", RELAY)
def test_a_stranger_gets_nothing_relayed(server, bob, what):
    method, uri, sender, headers = RELAY[what]
    with Trap() as trap, Client(server.port(), server.ca, "x@localhost", "a guess", source=somewhere()) as client:
        client.aor, client.user = sender, sender.split("@")[0]
        places = {"trap": f"127.0.0.5:{trap.port}", "ip": "127.0.0.5"}
        lines = [line.format(**places) for line in headers]
        to = "sip:x@localhost" if uri.startswith("tel:") else uri.format(**places)
        client.send(client.request(method, uri.format(**places), to=to, headers=lines, call_id=(call_id := secrets.token_hex(8))))
        response = client.final()
        assert response.status in (400, 401, 403, 407, 416, 481), response
        if response.status in (401, 407):
            second = Try(client, method)
            second.uri, second.to, second.call_id = uri.format(**places), to, call_id
            if method == "INVITE":
                client.ack_failure(response, second.uri)
            assert second.send([second.line(response), *lines]).status in (400, 401, 403, 407, 416, 481)
        assert trap.caught() is None
    assert (method, call_id) not in bob.got


def test_an_account_may_not_speak_for_others_or_for_nobody(server, bob):
    with Alice(server) as client:
        assert client.register().status == 200
        for sender in ("bob@localhost", "nobody@localhost", CAROL, "x@elsewhere.example", "anonymous@anonymous.invalid"):
            client.aor = sender
            response = client.ask("MESSAGE", f"sips:{BOB}", call_id=(call_id := secrets.token_hex(8)))
            client.aor = ALICE
            assert response.status in (403, 407), (sender, response)
            assert ("MESSAGE", call_id) not in bob.got


def test_a_third_party_registers_nobody(server):
    with Alice(server) as client:
        assert client.ask("REGISTER", "sips:localhost", to=f"sips:{BOB}").status == 403
