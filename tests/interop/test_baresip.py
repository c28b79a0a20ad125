"""Debian's baresip and sealphone through sealined: calls both ways, audio both ways, under SRTP."""

import re
import time

import audio
import pytest
from conftest import DOMAIN, need
from peers import Baresip


@pytest.fixture
def call(make_server, make_phone, netns, certificate, tmp_path, speech):
    """A server and, registered there, baresip as bob. It knows only MD5, and gives up when SHA-256 is offered before it."""
    need("baresip")
    server = make_server(md5="only")
    server.add_account(f"bob@{DOMAIN}", "secret-of-bob", "--md5")
    server.add_account(f"alice@{DOMAIN}", "secret-of-alice", "--md5")
    with Baresip(netns, certificate, tmp_path / "bob", "bob", speech) as bob:
        server.wait_for(rf"register\.ok.*bob@{DOMAIN}", 15)
        yield server, bob


def assert_heard(sentence, recording, who):
    figure = audio.correlate_files(sentence, recording)
    assert figure >= audio.PRESENT, f"{who} heard the sentence with a correlation of {figure:.2f} only"


def test_sealphone_calls_baresip_and_both_hear_the_sentence(call, make_phone, speech, tmp_path):
    _, bob = call
    heard = tmp_path / "alice.wav"
    alice = make_phone(
        "alice", "call", f"sip:bob@{DOMAIN}", options=("--srtp", "require", "--play", speech, "--record", heard, "--for", "8")
    )
    established = alice.wait_event("established", 15)
    assert established["srtp"] in ("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"), established
    assert alice.wait(30) == 0, alice.output
    assert_heard(speech, heard, "alice")
    bob.quit()
    assert_heard(speech, bob.heard(), "bob")


def test_baresip_calls_sealphone_and_both_hear_the_sentence(call, make_phone, speech, tmp_path):
    _, bob = call
    heard = tmp_path / "alice.wav"
    alice = make_phone("alice", "answer", options=("--srtp", "require", "--play", speech, "--record", heard))
    alice.wait_event("registered", 15)
    bob.dial(f"sip:alice@{DOMAIN}")
    alice.wait_event("established", 15)
    bob.wait_for(r"Call established", 15)
    alice.wait_event("media", 15)
    time.sleep(7)
    bob.hang_up()
    alice.wait_event("ended", 10)
    bob.quit()
    alice.stop()
    assert_heard(speech, heard, "alice")
    assert_heard(speech, bob.heard(), "bob")


def test_a_domain_with_defaults_refuses_baresip_and_says_why(make_server, netns, certificate, tmp_path, speech):
    need("baresip")
    server = make_server()
    server.add_account(f"bob@{DOMAIN}", "secret-of-bob")
    with Baresip(netns, certificate, tmp_path / "bob", "bob", speech) as bob:
        # All that it is offered is SHA-256, and baresip 1.0.0 says that it has no such function.
        bob.wait_for(r"Function not implemented|401|[Uu]nauthorized", 15)
        assert not re.search(rf"register\.ok.*bob@{DOMAIN}", server.output)
        server.wait_for(r"auth\.challenge.*SHA-256")
