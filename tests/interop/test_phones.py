"""
baresip, linphone and sealphone call each other through sealined: two phones of one address ring together, calls are cancelled, held,
and transferred. The domain offers MD5, which is all that baresip knows.
"""

import pytest
from conftest import DOMAIN, need
from peers import Baresip, Linphone
from programs import Timeout

SRTP = ("--srtp", "require", "--device", "null")
# Who has phones of others beside at his address has no certificate there: those would not understand what is encrypted to it.
TOGETHER = ("--smime", "off")


@pytest.fixture
def server(make_server):
    need("baresip", "linphonec")
    server = make_server(md5="only")
    for user in ("alice", "bob", "carol"):
        server.add_account(f"{user}@{DOMAIN}", f"secret-of-{user}", "--md5")
    return server


@pytest.fixture
def bob(server, netns, certificate, tmp_path, speech):
    """baresip, which waits for its person to answer."""
    with Baresip(netns, certificate, tmp_path / "bob", "bob", speech, answers=False) as phone:
        server.wait_for(rf"register\.ok.*bob@{DOMAIN}", 15)
        yield phone


@pytest.fixture
def carol(server, netns, certificate, tmp_path):
    """linphone. It drops its first connection seconds after it has registered, and makes the next when it calls: so it calls."""
    before = len(server.lines)
    with Linphone(netns, certificate, tmp_path / "carol", "carol") as phone:
        server.wait_for(rf"register\.ok.*carol@{DOMAIN}", 30, since=before)
        try:
            server.wait_for(r"flow\.lost", 5, since=before)
        except Timeout:
            pass  # it has kept it
        yield phone
        phone.send_line("quit")


@pytest.fixture
def register(server, make_phone):
    """Starts a sealphone, with a person at it unless there is a command."""

    def start(user, *command):
        phone = make_phone(user, *command, options=(*SRTP, *TOGETHER), talks=not command)
        phone.wait_event("registered", 15)
        return phone

    return start


def test_linphone_calls_baresip_which_holds_resumes_and_hangs_up(bob, carol):
    carol.send_line(f"call sip:bob@{DOMAIN}")
    bob.wait_for(r"Incoming call from", 15)
    bob.answer()
    carol.wait_for(r"Call \d+ with .* connected", 15)
    bob.hold()
    carol.wait_for(r"has been paused by", 15)
    paused = len(carol.lines)
    bob.resume()
    carol.wait_for(r"Media streams established", 15, since=paused)
    bob.hang_up()
    carol.wait_for(r"Call \d+ with .* ended", 15)


def test_linphone_calls_both_phones_of_one_address_and_one_is_cancelled(bob, carol, register):
    second = register("bob")
    carol.send_line(f"call sip:bob@{DOMAIN}")
    bob.wait_for(r"Incoming call from", 15)
    second.wait_event("incoming", 15)
    second.send_line("answer")
    second.wait_event("established", 15)
    bob.wait_for(r"(?i)call.*(closed|terminated|cancel)|session closed", 15)
    carol.wait_for(r"Call \d+ with .* connected", 15)
    second.send_line("hangup")
    carol.wait_for(r"Call \d+ with .* ended", 15)


def test_sealphone_calls_both_phones_of_one_address_and_baresip_answers(bob, register):
    second, alice = register("bob"), register("alice")
    alice.send_line(f"call sip:bob@{DOMAIN}")
    bob.wait_for(r"Incoming call from", 15)
    number = second.wait_event("incoming", 15)["call"]
    bob.answer()
    alice.wait_event("established", 15)
    assert second.wait_event("ended", 15, call=number)["cause"] == "cancelled"
    alice.send_line("hold")
    assert alice.wait_event("media", 15, state="changed")["on_hold"]
    alice.send_line("resume")
    assert not alice.wait_event("media", 15, nth=2, state="changed")["on_hold"]
    bob.hang_up()
    assert alice.wait_event("ended", 15)["cause"] == "hung-up-there"


def test_linphone_gives_up_before_baresip_and_sealphone_answer(bob, carol, register):
    second = register("bob")
    carol.send_line(f"call sip:bob@{DOMAIN}")
    bob.wait_for(r"Incoming call from", 15)
    second.wait_event("incoming", 15)
    carol.send_line("terminate")
    assert second.wait_event("ended", 15)["cause"] == "cancelled"
    bob.wait_for(r"(?i)call.*(closed|terminated|cancel)|session closed", 15)


def test_baresip_transfers_sealphone(bob, register):
    carol, alice = register("carol", "answer"), register("alice", "answer")
    bob.dial(f"sip:alice@{DOMAIN}")
    alice.wait_event("established", 15)
    bob.wait_for(r"Call established", 15)
    bob.transfer(f"sip:carol@{DOMAIN}")
    assert alice.wait_event("referred", 15)["target"] == f"sip:carol@{DOMAIN}"
    moved = alice.wait_event("established", 15, nth=2)
    assert moved["peer"] == f"sip:carol@{DOMAIN}" and moved["srtp"]
    carol.wait_event("established", 15)
    alice.wait_event("ended", 15)


def test_sealphone_transfers_baresip(bob, register):
    carol, alice = register("carol", "answer"), register("alice")
    alice.send_line(f"call sip:bob@{DOMAIN}")
    bob.wait_for(r"Incoming call from", 15)
    bob.answer()
    number = alice.wait_event("established", 15)["call"]
    alice.send_line(f"transfer sip:carol@{DOMAIN}")
    assert carol.wait_event("established", 15)["peer"] == f"sip:bob@{DOMAIN}"
    alice.wait_event("transferred", 15, call=number)
    assert alice.wait_event("ended", 15, call=number)["cause"] == "moved"


def test_linphone_transfers_sealphone_to_baresip(bob, carol, register):
    alice = register("alice", "answer")
    carol.send_line(f"call sip:alice@{DOMAIN}")
    carol.wait_for(r"Call \d+ with .* connected", 15)
    carol.send_line(f"transfer sip:bob@{DOMAIN}")
    assert alice.wait_event("referred", 15)["target"] == f"sip:bob@{DOMAIN}"
    bob.wait_for(r"Incoming call from", 15)
    bob.answer()
    assert alice.wait_event("established", 15, nth=2)["peer"] == f"sip:bob@{DOMAIN}"
