"""sealphone registers and calls through Debian's kamailio over TLS."""

import base64
import pathlib

import audio
import programs
import pytest
from conftest import DOMAIN, need
from peers import Kamailio


@pytest.fixture
def kamailio(netns, certificate, tmp_path):
    need("kamailio")
    with Kamailio(netns, certificate, tmp_path / "kamailio") as proxy:
        yield proxy


def test_two_sealphones_call_each_other_through_kamailio(kamailio, make_phone, speech, tmp_path):
    heard = tmp_path / "bob.wav"
    bob = make_phone("bob", "answer", options=("--srtp", "require", "--record", heard))
    bob.wait_event("registered", 15)
    alice = make_phone("alice", "call", f"sip:bob@{DOMAIN}", options=("--srtp", "require", "--play", speech, "--for", "8"))
    alice.wait_event("established", 15)
    assert alice.wait(30) == 0, alice.output
    bob.wait_event("ended", 10)
    bob.stop()
    figure = audio.correlate_files(speech, heard)
    assert figure >= audio.PRESENT, f"bob heard the sentence with a correlation of {figure:.2f} only"


def test_a_wrong_password_is_told_as_such(kamailio, make_phone, netns):
    phone = make_phone("alice", "register", options=())
    phone.wait_event("registered", 15)
    phone.stop()
    (phone.state / "password").write_text("not-the-password\n")
    again = programs.Program([*phone.argv])  # the same words, in the same namespace
    assert again.wait(20) == 6, again.output


def test_a_protected_message_passes_kamailio_unharmed(kamailio, netns, certificate):
    """Every byte of it: header fields that say what it is, and a body of all values that a byte can have."""
    kind = 'application/pkcs7-mime;smime-type=authEnveloped-data;name="smime.p7m"'
    body = bytes(range(256)) * 8 + b"\r\n\r\nMESSAGE sip:bob SIP/2.0\r\n"
    script = pathlib.Path(__file__).parent / "carry.py"
    status, shown, errors = programs.run(
        ["/usr/bin/python3", script, kamailio.address, DOMAIN, certificate / "ca.pem", kind], stdin=body, seconds=30, netns=netns
    )
    assert status == 0, shown + errors
    lines = shown.split("\n")
    assert lines[:3] == [kind, "binary", "attachment;handling=required"]
    assert base64.b64decode(lines[3]) == body
