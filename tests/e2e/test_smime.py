"""Protection from end to end with the real programs: what nobody has to set up, and somebody on the way who changes things."""

import time

import pytest

import evil
import pki
from test_calls import Site


@pytest.fixture
def site(tmp_path):
    place = Site(tmp_path)
    yield place
    place.close()


def obtained(phone):
    phone.wait_event("registered", 15)
    phone.wait_event("certificate-obtained", 15)
    return phone


def test_a_message_between_two_new_users_is_protected_without_any_further_step(site, capsys):
    began = time.monotonic()
    bob = site.phone("bob", "answer")
    bob.wait_event("registered", 15)
    alice = site.phone("alice", "message", "sips:bob@localhost", "at nine")
    message = bob.wait_event("message", 20)
    with capsys.disabled():
        print(f" {time.monotonic() - began:.1f} s ", end="")
    assert message["text"] == "at nine"
    assert all(message["smime"][what] for what in ("signed", "encrypted", "believed", "header"))
    assert message["smime"]["signer"] == "alice@localhost"
    assert message["smime"]["trust"] == "vouched"
    sent = alice.wait_event("message-sent", 15)
    assert sent["smime"]["encrypted"] and sent["smime"]["recipients"] == 1
    assert alice.wait(15) == 0


def test_a_call_is_sealed_on_both_sides(site):
    bob = obtained(site.phone("bob", "answer"))
    alice = site.phone("alice", "call", "sips:bob@localhost", options=("--for", "2"))
    for phone in (alice, bob):
        established = phone.wait_event("established", 20)
        assert established["sealed"]
        assert established["smime"]["believed"] and established["smime_sent"]["encrypted"]
        assert any("nobody but the two phones has seen its keys" in line for line in established["report"])
    assert alice.wait(20) == 0


def test_what_is_not_protected_is_not_shown_where_that_is_required(site):
    bob = obtained(site.phone("bob", "answer", options=("--smime", "require")))
    alice = site.phone("alice", "message", "sips:bob@localhost", "in the open", options=("--smime", "off"))
    refused = bob.wait_event("not-taken", 15)
    assert refused["smime"]["verdict"]["code"] == "smime.unprotected"
    assert alice.wait(15) != 0
    assert "in the open" not in bob.output


# -- somebody between the server and bob's phone ----------------------------------------------------------------------------------


@pytest.fixture
def behind(site, tmp_path):
    """Starts bob's phone behind an evil proxy that has a certificate for the domain from a CA that bob's machine trusts."""
    authority = pki.CA(tmp_path / "evil")
    both = tmp_path / "both.pem"
    proxies = []

    def start(change, *options):
        both.write_text(authority.pem.read_text() + (site.server.state / "ca.pem").read_text())
        proxy = evil.Evil(authority.issue("localhost"), site.server.port("tls"), site.server.state / "ca.pem", change)
        proxies.append(proxy)
        bob = site.phone("bob", "answer", options=("--ca", both, *options), port=proxy.port, ca=False)
        return obtained(bob)

    yield start
    for proxy in proxies:
        proxy.close()


def only(method, change):
    """Changes requests of that method, and nothing else."""
    return lambda message: change(message) if message.startswith(method + b" ") else [message]


CHANGES = {
    "from": (lambda m: [m.replace(b"From: <sips:alice@", b"From: <sips:carol@")], "message", "From: somebody on the way"),
    "date": (lambda m: [m.replace(b"\r\nDate: ", b"\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nX-Old: ")], "message", "Date: somebody"),
    "call-id": (lambda m: [m.replace(b"Call-ID: ", b"Call-ID: x")], "not-taken", "Call-ID: it was protected for another dialog"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_on_the_way_is_named(site, behind, what):
    change, event, note = CHANGES[what]
    bob = behind(only(b"MESSAGE", change))
    site.phone("alice", "message", "sips:bob@localhost", "at nine")
    told = bob.wait_event(event, 20)
    assert any(note in line for line in told["smime"]["changed"]), told
    if event == "message":
        assert told["from"] == "sips:alice@localhost" and told["text"] == "at nine"
    else:
        assert told["smime"]["verdict"]["code"] == "smime.header-mismatch"


def test_a_message_that_is_played_again_is_named(site, behind):
    bob = behind(only(b"MESSAGE", lambda m: [m, m.replace(b"branch=z9hG4bK", b"branch=z9hG4bKagain", 1)]))
    site.phone("alice", "message", "sips:bob@localhost", "at nine")
    assert bob.wait_event("message", 20)["smime"]["believed"]
    assert bob.wait_event("not-taken", 10)["smime"]["verdict"]["code"] == "smime.replay"


def test_protection_that_is_taken_off_is_noticed(site, behind):
    plain = only(b"MESSAGE", lambda m: [evil.with_body(m, b"text/plain", b"at ten")])
    bob = behind(plain, "--smime", "require")
    alice = site.phone("alice", "message", "sips:bob@localhost", "at nine")
    assert bob.wait_event("not-taken", 20)["smime"]["verdict"]["code"] == "smime.unprotected"
    assert alice.wait(20) != 0


def test_a_call_whose_description_is_replaced_does_not_come_about(site, behind):
    sdp = (
        b"v=0\r\no=m 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6666 RTP/SAVP 0\r\n"
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    )
    behind(only(b"INVITE", lambda m: [evil.with_body(m, b"application/sdp", sdp)]))
    alice = site.phone("alice", "call", "sips:bob@localhost")
    assert alice.wait_event("ended", 20)["cause"] == "not-secure"
