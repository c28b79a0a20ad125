"""sealphone registers and calls through Debian's kamailio over TLS."""

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
