"""Protection from end to end with the real programs: what nobody has to set up, and somebody on the way who changes things."""

import re
import subprocess
import time

import pytest

import evil
import pki
from sealine_e2e import control


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


def test_each_new_phone_is_believed_from_its_first_message(site):
    """What bob's phone knows of alice's address is older than her new phone, which writes as soon as it has its certificate."""
    bob = obtained(site.phone("bob", "answer"))
    for nth in (1, 2):
        alice = site.phone("alice", "message", "sips:bob@localhost", f"with phone {nth}")
        message = bob.wait_event("message", 20, nth=nth)
        assert message["smime"]["believed"], message
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
    """Starts a phone behind an evil proxy that has a certificate for the domain from a CA that its machine trusts."""
    authority = pki.CA(tmp_path / "evil")
    both = tmp_path / "both.pem"
    proxies = []

    def start(change=evil.untouched, *options, user="bob", command=("answer",), upwards=evil.untouched):
        both.write_text(authority.pem.read_text() + (site.server.state / "ca.pem").read_text())
        proxy = evil.Evil(authority.issue("localhost"), site.server.port("tls"), site.server.state / "ca.pem", change, upwards)
        proxies.append(proxy)
        phone = site.phone(user, *command, options=("--ca", both, *options), port=proxy.port, ca=False)
        phone.wait_event("registered", 15)
        return phone

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
    bob = obtained(behind(only(b"MESSAGE", change)))
    site.phone("alice", "message", "sips:bob@localhost", "at nine")
    told = bob.wait_event(event, 20)
    assert any(note in line for line in told["smime"]["changed"]), told
    if event == "message":
        assert told["from"] == "sips:alice@localhost" and told["text"] == "at nine"
    else:
        assert told["smime"]["verdict"]["code"] == "smime.header-mismatch"


def test_a_message_that_is_played_again_is_named(site, behind):
    bob = obtained(behind(only(b"MESSAGE", lambda m: [m, m.replace(b"branch=z9hG4bK", b"branch=z9hG4bKagain", 1)])))
    site.phone("alice", "message", "sips:bob@localhost", "at nine")
    assert bob.wait_event("message", 20)["smime"]["believed"]
    assert bob.wait_event("not-taken", 10)["smime"]["verdict"]["code"] == "smime.replay"


def test_protection_that_is_taken_off_is_noticed(site, behind):
    plain = only(b"MESSAGE", lambda m: [evil.with_body(m, b"text/plain", b"at ten")])
    bob = obtained(behind(plain, "--smime", "require"))
    alice = site.phone("alice", "message", "sips:bob@localhost", "at nine")
    assert bob.wait_event("not-taken", 20)["smime"]["verdict"]["code"] == "smime.unprotected"
    assert alice.wait(20) != 0


def test_a_call_whose_description_is_replaced_does_not_come_about(site, behind):
    sdp = (
        b"v=0\r\no=m 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6666 RTP/SAVP 0\r\n"
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    )
    obtained(behind(only(b"INVITE", lambda m: [evil.with_body(m, b"application/sdp", sdp)])))
    alice = site.phone("alice", "call", "sips:bob@localhost")
    assert alice.wait_event("ended", 20)["cause"] == "not-secure"


# -- somebody who wants his own key to be believed ---------------------------------------------------------------------------------


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60).stdout


def with_certificate(message, der):
    """The message with that certificate in the place of the first one that is in it."""
    head, _, body = message.partition(b"\r\n\r\n")
    at = body.index(b"\r\n\r\n", body.index(b"application/pkix-cert")) + 4
    size = 4 + int.from_bytes(body[at + 2 : at + 4], "big")
    kind = re.search(rb"(?im)^content-type: (.*)\r$", head + b"\r\n").group(1)
    return evil.with_body(message, kind, body[:at] + der + body[at + size :])


def without_signature(message):
    """The first part of what was signed, as if nobody had signed it."""
    head, _, body = message.partition(b"\r\n\r\n")
    boundary = re.search(rb'(?im)^content-type: .*boundary="?([^";\r]+)', head).group(1)
    first = body.split(b"--" + boundary)[1][2:]
    lines, _, inside = first.partition(b"\r\n\r\n")
    return evil.with_body(message, re.search(rb"(?i)content-type: ([^\r]*)", lines).group(1), inside[:-2])


def of_bob(change):
    """Changes what is told of bob's certificates."""

    def look(message):
        if message.startswith(b"NOTIFY ") and b"From: <sips:bob@" in message and b"application/pkix-cert" in message:
            return [change(message)]
        return [message]

    return look


@pytest.fixture
def forged(tmp_path):
    """A certificate for bob, by nobody's CA, for a key of somebody else."""
    pem, key = tmp_path / "forged.pem", tmp_path / "forged.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bob", "-days", 30,
            "-addext", "subjectAltName=URI:sip:bob@localhost,URI:sips:bob@localhost", "-out", pem, "-keyout", key)  # fmt: skip
    return openssl("x509", "-in", pem, "-outform", "DER")


@pytest.mark.parametrize("what, code", [("swap", "smime.altered"), ("strip", "vouching.not-signed")], ids=["swap", "strip"])
def test_certificates_that_are_swapped_in_a_notify_are_refused(site, behind, forged, what, code):
    bob = obtained(site.phone("bob", "answer"))
    change = without_signature if what == "strip" else lambda message: with_certificate(message, forged)
    alice = behind(of_bob(change), user="alice", command=("message", "sips:bob@localhost", "in confidence"))
    refused = alice.wait_event("certificate-refused", 20)
    assert refused["of"] == "bob@localhost" and refused["code"] == code
    assert alice.wait(20) != 0
    assert alice.wait_event("message-failed")["smime"]["verdict"]["code"] == code
    assert "in confidence" not in bob.output  # not in clear either


def test_a_key_that_is_swapped_in_a_publish_gets_no_certificate(site, behind, tmp_path):
    """The proof of the password covers the body (qop=auth-int), so the domain does not take the request for hers."""
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-outform", "DER",
            "-out", tmp_path / "csr", "-keyout", tmp_path / "csr.key")  # fmt: skip
    csr = (tmp_path / "csr").read_bytes()
    swap = only(b"PUBLISH", lambda message: [evil.with_body(message, b"application/pkcs10", csr)])
    alice = behind(user="alice", command=("register",), upwards=swap)
    assert alice.wait_event("certificate-failed", 20)["code"] == "smime.request-altered"
    assert control(site.server.state, "cert-list", aor="alice@localhost")["certificates"] == []


def test_a_message_is_not_taken_again_by_a_phone_that_was_restarted(site, behind, tmp_path):
    seen = []

    def replay(message):
        """In the place of the second one, the first once more; where it goes to and by which way is as in the second."""
        seen.append(message)
        if len(seen) == 1:
            return [message]
        (first, *_), (_, *rest) = message.split(b"\r\nFrom:", 1), seen[0].split(b"\r\nFrom:", 1)
        return [first + b"\r\nFrom:" + rest[0]]

    state = ("--state", tmp_path / "kept")
    bob = obtained(behind(only(b"MESSAGE", replay), *state))
    assert site.phone("alice", "message", "sips:bob@localhost", "at nine").wait(20) == 0
    assert bob.wait_event("message", 20)["text"] == "at nine"
    bob.kill()
    bob = behind(only(b"MESSAGE", replay), *state)
    site.phone("alice", "message", "sips:bob@localhost", "at ten")
    assert bob.wait_event("not-taken", 20)["smime"]["verdict"]["code"] == "smime.replay"
