"""sealphone against a server that holds the right certificate and means ill, or against a caller behind it who does."""

import base64
import re
import secrets
import signal
import socket
import ssl
import subprocess
import time

import pytest

from programs import Phone, Server, slow
from sealine_e2e import Client, Closed

# The phone alone, against a server of the test's own.
pytestmark = pytest.mark.plain_only


class Peer(Client):
    """The server's end of a connection that a phone has opened."""

    def __init__(self, sock):
        self.sock, self.buffer, self.waiting = sock, b"", []
        self.aor, self.user, self.domain = "bob@localhost", "bob", "localhost"
        self.scheme, self.via = "sips", "TLS"
        self.call_id, self.cseq = secrets.token_hex(8), 0
        self.contact = "<sips:bob@127.0.0.1:9>"
        self.phone = ""

    def take_register(self, headers=("Expires: 600",)):
        request = self.expect(lambda m: m.method == "REGISTER")
        self.phone = re.search(r"<([^>]*)>", request.get("Contact"))[1]
        self.reply(request, 200, "OK", headers)
        return request

    def status_of(self, seconds=10):
        return self.expect(lambda m: m.status >= 200 and int(m.get("CSeq").split()[0]) == self.cseq, seconds)

    def invite(self, body, headers=(), **more):
        kind = ["Content-Type: application/sdp"] if body else []
        self.send(self.request("INVITE", self.phone, body=body, headers=[*kind, *headers], **more))


def sdp(crypto=True, proto="RTP/SAVP", port=40000, key=None):
    key = key or base64.b64encode(secrets.token_bytes(30)).decode()
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", f"m=audio {port} {proto} 0"]
    lines += [f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}"] if crypto else []
    return "\r\n".join(lines) + "\r\n"


class Trap:
    """A place with our CA's certificate where phones connect to."""

    def __init__(self, path):
        with Server(path / "server") as server:
            self.ca = server.state / "ca.pem"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server.state / "server.pem", server.state / "server.key")
        self.context, self.path, self.phones = context, path, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(slow(20))

    def phone(self, *command, options=(), aor="sips:alice@localhost"):
        phone = Phone(
            self.path / "phone", aor, "sesame", command, server=f"127.0.0.1:{self.listener.getsockname()[1]}", ca=self.ca,
            options=("--device", "null", *options), stdin=subprocess.PIPE,
        )
        self.phones.append(phone)
        return phone

    def accept(self):
        sock, _ = self.listener.accept()
        return Peer(self.context.wrap_socket(sock, server_side=True))

    def registered(self, *command, **more):
        phone = self.phone(*command, **more)
        peer = self.accept()
        peer.take_register()
        phone.wait_event("registered")
        return phone, peer

    def close(self):
        for phone in self.phones:
            phone.kill()
        self.listener.close()


@pytest.fixture
def trap(tmp_path):
    place = Trap(tmp_path)
    yield place
    place.close()


def ends_well(phone):
    phone.signal(signal.SIGTERM)
    assert phone.wait(15) == 0, phone.output


# -- challenges -------------------------------------------------------------------------------------------------------------


def challenge(peer, request, realm="localhost", algorithm="SHA-256"):
    value = f'Digest realm="{realm}", nonce="{secrets.token_hex(8)}", qop="auth", algorithm={algorithm}'
    peer.reply(request, 401, "Unauthorized", [f"WWW-Authenticate: {value}"])


def test_a_password_is_not_for_another_realm(trap):
    phone = trap.phone("register")
    peer = trap.accept()
    challenge(peer, peer.expect(lambda m: m.method == "REGISTER"), realm="bank.example")
    assert phone.wait() == 6, phone.output
    assert phone.wait_event("error")["cause"] == "not-authentic"


def test_what_was_strong_once_is_not_weak_later(trap):
    phone = trap.phone("register")
    peer = trap.accept()
    challenge(peer, peer.expect(lambda m: m.method == "REGISTER"))
    peer.take_register()
    phone.wait_event("registered")
    peer.close()
    phone.kill()
    phone = trap.phone("register")
    peer = trap.accept()
    challenge(peer, peer.expect(lambda m: m.method == "REGISTER"), algorithm="MD5")
    assert phone.wait() == 6, phone.output
    assert phone.wait_event("error")["cause"] == "not-authentic"


def test_challenges_without_end_are_given_up(trap):
    phone = trap.phone("register")
    peer = trap.accept()
    rounds = 0
    try:
        while rounds < 20:
            challenge(peer, peer.expect(lambda m: m.method == "REGISTER", 3))
            rounds += 1
    except (Closed, TimeoutError):
        pass
    assert rounds <= 4
    assert phone.wait() == 6, phone.output


# -- connections ------------------------------------------------------------------------------------------------------------


def test_a_server_that_never_shakes_hands_is_given_up(trap):
    phone = trap.phone("call", "bob")
    sock, _ = trap.listener.accept()
    assert phone.wait(40) == 4, phone.output
    sock.close()


def test_a_server_that_leaves_in_the_middle_of_the_handshake_is_no_impostor(trap):
    phone = trap.phone("register")
    trap.listener.accept()[0].close()
    assert phone.wait_event("error")["cause"] == "server-gone"
    trap.accept().take_register()
    phone.wait_event("registered")
    ends_well(phone)


@pytest.mark.parametrize("said", [None, 100, 180, 200])
def test_a_connection_that_breaks_while_we_call(trap, said):
    phone, peer = trap.registered("call", "sips:bob@localhost")
    invite = peer.expect(lambda m: m.method == "INVITE")
    if said:
        peer.reply(invite, said, "Said", ["Content-Type: application/sdp"] if said == 200 else [], sdp() if said == 200 else "")
    if said == 200:
        peer.expect(lambda m: m.method == "ACK")
        phone.wait_event("established")
        peer.close()
        phone.wait_event("error", cause="server-gone")
        phone.signal(signal.SIGINT)
        assert phone.wait(15) == 130, phone.output
        return
    peer.close()
    assert phone.wait() == 4, phone.output


def test_another_certificate_on_the_way_back_is_refused(trap, tmp_path):
    phone, peer = trap.registered("register")
    with Server(tmp_path / "other") as other:
        trap.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trap.context.load_cert_chain(other.state / "server.pem", other.state / "server.key")
    peer.close()
    with pytest.raises((ssl.SSLError, Closed, ConnectionError)):
        trap.accept().read()
    assert phone.wait_event("error", cause="certificate")
    ends_well(phone)


@pytest.mark.parametrize("stage", ["connecting", "registering", "registered", "calling", "ringing", "up"])
def test_an_interrupt_ends_the_phone_at_every_stage(trap, stage):
    phone = trap.phone("call", "sips:bob@localhost")
    if stage == "connecting":
        sock, _ = trap.listener.accept()  # kept: it closes when it is forgotten
    else:
        peer = trap.accept()
    if stage in ("registered", "calling", "ringing", "up"):
        peer.take_register()
    if stage in ("calling", "ringing", "up"):
        invite = peer.expect(lambda m: m.method == "INVITE")
    if stage == "ringing":
        peer.reply(invite, 180, "Ringing")
        phone.wait_event("ringing")
    if stage == "up":
        peer.reply(invite, 200, "OK", ["Content-Type: application/sdp"], sdp())
        phone.wait_event("established")
    time.sleep(slow(0.3))
    before = time.monotonic()
    phone.signal(signal.SIGINT)
    assert phone.wait(15) == 130, phone.output
    assert time.monotonic() - before < slow(5)
    if stage in ("calling", "ringing", "up"):
        assert phone.wait_event("ended")


# -- calls to us ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, status",
    [
        (sdp(crypto=False, proto="RTP/AVP"), 488),
        (sdp(crypto=False), 488),
        (sdp(key="short"), 488),
        ("v=0\r\nm=audio nonsense\r\n", 400),
        ("\0\xff" * 50, 400),
        ("v=0\r\n" + "a=x\r\n" * 5000, 400),
    ],
)
def test_a_bad_offer_in_a_sips_call_is_refused_and_does_not_ring(trap, body, status):
    phone, peer = trap.registered("answer")
    peer.invite(body)
    assert peer.status_of().status in (status, 488)
    time.sleep(0.2)
    assert not any(event["event"] == "incoming" for event in phone.events)
    ends_well(phone)


def established(trap, **more):
    phone, peer = trap.registered("answer", **more)
    key = base64.b64encode(secrets.token_bytes(30)).decode()
    peer.invite(sdp(key=key))
    ok = peer.status_of()
    assert ok.status == 200
    to_tag = re.search(r"tag=([^;>]+)", ok.get("To"))[1]
    peer.send(peer.request("ACK", peer.phone, cseq=peer.cseq, to_tag=to_tag))
    phone.wait_event("established")
    return phone, peer, to_tag, key, ok


def test_encryption_cannot_be_taken_out_of_a_call(trap):
    phone, peer, to_tag, _, _ = established(trap)
    for body in (sdp(crypto=False, proto="RTP/AVP"), sdp(crypto=False)):
        peer.invite(body, to_tag=to_tag)
        refusal = peer.status_of()
        assert refusal.status == 488, refusal
        peer.ack_failure(refusal, peer.phone)
    time.sleep(0.2)
    assert not any(event["event"] in ("ended", "incoming-refused") for event in phone.events)
    peer.send(peer.request("BYE", peer.phone, to_tag=to_tag))
    assert peer.status_of().status == 200
    ends_well(phone)


def test_our_own_key_is_fresh_in_every_answer(trap):
    phone, peer, to_tag, key, ok = established(trap)
    keys = set(re.findall(r"inline:([^|\s]+)", ok.body))
    assert len(keys) == 1 and key not in keys
    for _ in range(3):
        peer.invite(sdp(), to_tag=to_tag)
        ok = peer.status_of()
        peer.send(peer.request("ACK", peer.phone, cseq=peer.cseq, to_tag=to_tag))
        fresh = set(re.findall(r"inline:([^|\s]+)", ok.body))
        assert fresh and not fresh & keys
        keys |= fresh
    ends_well(phone)


def test_strangers_do_not_get_into_a_dialog(trap):
    phone, peer, to_tag, _, _ = established(trap)
    for method, parts, status in (
        ("BYE", {"to_tag": to_tag, "from_tag": "other"}, 481),
        ("BYE", {"to_tag": "guess"}, 481),
        ("BYE", {"to_tag": to_tag, "call_id": "guess"}, 481),
        ("NOTIFY", {"headers": ["Event: refer", "Subscription-State: active"]}, 481),
        ("SUBSCRIBE", {"headers": ["Event: presence"]}, 489),
    ):
        peer.send(peer.request(method, peer.phone, **parts))
        assert peer.status_of().status == status, (method, parts)
    assert not any(event["event"] == "ended" for event in phone.events)
    ends_well(phone)


def test_a_flood_of_calls_is_bounded(trap):
    phone, peer = trap.registered(options=())
    for i in range(300):
        peer.invite(sdp(), call_id=f"flood-{i}", cseq=1)
    answers = [peer.expect(lambda m: m.status >= 200, 20) for _ in range(290)]
    assert {answer.status for answer in answers} <= {486, 503}
    assert len({event["call"] for event in phone.events if event["event"] == "incoming"}) <= 300
    phone.send_line("quit")
    assert phone.wait(15) == 0, phone.output


# -- calls of ours ----------------------------------------------------------------------------------------------------------


def test_a_thousand_provisional_responses_change_nothing(trap):
    phone, peer = trap.registered("call", "sips:bob@localhost", options=("--for", "1"))
    invite = peer.expect(lambda m: m.method == "INVITE")
    for i in range(1000):
        peer.reply(invite, 180 + i % 4, "Maybe", tag=f"t{i}")
    peer.reply(invite, 200, "OK", ["Content-Type: application/sdp"], sdp(), tag="t7")
    phone.wait_event("established", 20)
    peer.reply(peer.expect(lambda m: m.method == "BYE", 20), 200, "OK")
    assert phone.wait() == 0, phone.output


def test_answers_by_others_are_ended(trap):
    phone, peer = trap.registered("call", "sips:bob@localhost", options=("--for", "2"))
    invite = peer.expect(lambda m: m.method == "INVITE")
    for tag in ("one", "two", "three"):
        peer.reply(invite, 200, "OK", ["Content-Type: application/sdp"], sdp(), tag=tag)
    ended = [peer.expect(lambda m: m.method == "BYE") for _ in range(2)]
    assert {re.search("tag=(.*)", bye.get("To"))[1] for bye in ended} == {"two", "three"}
    for bye in ended:
        peer.reply(bye, 200, "OK")
    peer.reply(peer.expect(lambda m: m.method == "BYE"), 200, "OK")
    assert phone.wait() == 0, phone.output


@pytest.mark.parametrize(
    "body, contact",
    [
        (sdp(crypto=False, proto="RTP/AVP"), None),
        (sdp(crypto=False), None),
        ("", None),
        (sdp(), "<sip:bob@127.0.0.1:9>"),
    ],
    ids=["of RTP/AVP", "without keys", "without media", "of another contact"],
)
def test_an_answer_that_is_not_sealed_ends_the_call(trap, body, contact):
    phone, peer = trap.registered("call", "sips:bob@localhost")
    peer.contact = contact or peer.contact
    invite = peer.expect(lambda m: m.method == "INVITE")
    peer.reply(invite, 200, "OK", ["Content-Type: application/sdp"] if body else [], body)
    peer.expect(lambda m: m.method == "ACK")
    peer.reply(peer.expect(lambda m: m.method == "BYE"), 200, "OK")
    assert phone.wait() == 16, phone.output
    assert not any(event["event"] == "established" for event in phone.events)


def test_a_challenge_of_the_other_phone_gets_no_answer(trap):
    phone, peer = trap.registered("call", "sips:bob@localhost", options=("--for", "1"))
    invite = peer.expect(lambda m: m.method == "INVITE")
    peer.reply(invite, 200, "OK", ["Content-Type: application/sdp"], sdp())
    bye = peer.expect(lambda m: m.method == "BYE")
    challenge(peer, bye)
    assert phone.wait() == 0, phone.output
    with pytest.raises((Closed, TimeoutError)):
        peer.expect(lambda m: "Authorization" in m.text and m.method == "BYE", 2)


def test_a_message_that_is_too_long_ends_the_connection(trap):
    phone, peer = trap.registered("register")
    try:
        peer.send("SIP/2.0 200 OK\r\nSubject: " + "x" * 5_000_000)
    except OSError:
        pass
    phone.wait_event("error", cause="server-gone")
    trap.accept().take_register()
    ends_well(phone)


# -- what others write ------------------------------------------------------------------------------------------------------


def test_nothing_that_others_write_reaches_the_terminal_raw(trap, tmp_path):
    evil = "\x1b[31mred\x07\x9b2J\u202eevil\x7f"
    phone, peer = trap.registered("answer")
    headers = ["Content-Type: text/plain"]
    peer.send(peer.request("MESSAGE", peer.phone, headers=headers, body=evil))
    assert peer.status_of().status == 200
    assert phone.wait_event("message")["text"] == evil
    peer.invite(sdp(crypto=False), headers=[f"Subject: {evil}"])
    peer.status_of()
    raw = phone.output
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", raw), ascii(raw)
    ends_well(phone)
