"""Calls that are transferred, blindly and after asking, through sealined; and who is not transferred."""

import time

import pytest

from sealine_peer import Peer, describe
from test_calls import assert_heard, write_sentence


def call(phone, whom, nth=1):
    phone.send_line(f"call {whom}")
    return phone.wait_event("established", nth=nth)["call"]


def test_a_blind_transfer(site, tmp_path):
    sentence = write_sentence(tmp_path / "sentence.wav", 1)
    bob = site.answering("bob", "--play", sentence)
    carol = site.answering("carol", "--record", tmp_path / "heard.wav")
    alice = site.talking("alice")
    number = call(alice, "bob")
    alice.send_line("transfer carol")
    assert bob.wait_event("referred")["target"] == "sips:carol@localhost"
    alice.wait_event("transferred", call=number)
    assert alice.wait_event("ended", call=number)["cause"] == "moved"
    moved = bob.wait_event("established", nth=2)
    assert moved["peer"] == "sips:carol@localhost" and moved["srtp"]
    bob.wait_event("ended")
    carol.wait_event("media", state="receiving")
    bob.wait_event("media", state="played", call=moved["call"])
    assert bob.stop() == 0
    carol.wait_event("ended")
    assert carol.stop() == 0
    assert_heard(sentence, tmp_path / "heard.wav", tmp_path)


def test_who_is_transferred_hears_one_call_at_a_time(site):
    """What the new side has to say while it rings is not heard beside the old call, which goes on until the new one stands."""
    bob = site.answering("bob")
    with Peer(site.server.port(), site.server.state / "ca.pem", "carol@localhost", "carol-sesame") as carol:
        assert carol.register().status == 200
        alice = site.talking("alice")
        call(alice, "bob")
        alice.send_line("transfer carol")
        invite = carol.take_invite()
        carol.respond(invite, 180, "Ringing", body=describe())
        new = bob.wait_event("ringing")["call"]
        time.sleep(0.5)  # nothing comes that could be waited for
        carol.respond(invite, 200, "OK", body=describe())
        carol.take_request("ACK")
        bob.wait_event("media", call=new, state="started")
    told = [event["event"] for event in bob.events if event.get("call") == new]
    assert told.index("established") < told.index("media"), told


def test_a_blind_transfer_to_nobody_leaves_the_call(site):
    bob = site.answering("bob")
    alice = site.talking("alice")
    call(alice, "bob")
    alice.send_line("transfer carol")
    failed = alice.wait_event("transfer-failed")
    assert failed["cause"] == "unavailable" and failed["status"] == 480
    alice.send_line("transfer sip:carol@localhost")
    assert "sips" in alice.wait_event("error")["text"]
    alice.send_line("hangup")
    assert bob.wait_event("ended", nth=2)["cause"] == "hung-up-there"


@pytest.mark.plain_only
def test_who_decides_too_late_is_told_so(site):
    """The other side is told after a minute that we do not follow."""
    bob = site.talking("bob")
    alice = site.talking("alice")
    alice.send_line("call bob")
    bob.wait_event("incoming")
    bob.send_line("answer")
    alice.wait_event("established")
    alice.send_line("transfer carol")
    bob.wait_event("consent")
    assert alice.wait_event("transfer-failed", 70)["cause"] == "declined"
    bob.send_line("accept")
    assert "too late" in bob.wait_event("error")["text"]


def attended(site):
    """alice talks to bob, puts him on hold, and asks carol."""
    bob = site.answering("bob")
    carol = site.talking("carol")
    alice = site.talking("alice")
    first = call(alice, "bob")
    alice.send_line("hold")
    alice.wait_event("media", state="changed", on_hold=True)
    alice.send_line("call carol")
    carol.wait_event("incoming")
    carol.send_line("answer")
    second = alice.wait_event("established", nth=2)["call"]
    alice.send_line("transfer")
    carol.wait_event("consent")
    return alice, bob, carol, first, second


def test_an_attended_transfer(site):
    alice, bob, carol, first, second = attended(site)
    carol.send_line("accept")
    assert carol.wait_event("ended")["cause"] == "moved"
    assert carol.wait_event("established", nth=2)["peer"] == "sips:bob@localhost"
    assert bob.wait_event("established", nth=2)["peer"] == "sips:carol@localhost"
    alice.wait_event("transferred", call=first)
    alice.wait_event("ended", call=first)
    alice.wait_event("ended", call=second)
    carol.send_line("status")
    assert carol.wait_event("status")["established"]
    carol.send_line("hangup")
    bob.wait_event("ended", nth=2)
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output


def test_an_attended_transfer_that_is_not_wanted(site):
    alice, bob, carol, first, second = attended(site)
    carol.send_line("refuse")
    assert alice.wait_event("transfer-failed", call=first)["cause"] == "declined"
    alice.send_line("swap")
    assert not alice.wait_event("media", state="changed", call=first, on_hold=False)["held"]
    alice.send_line("hangup")
    alice.wait_event("ended", call=first)
    alice.send_line("status")
    status = alice.wait_event("status")
    assert status["established"] and status["on_hold"] and not status["aside"]


def test_who_has_two_calls_is_not_sent_into_a_third(site):
    """There would be one that the person cannot reach any more, and that goes on listening."""
    site.answering("carol")
    bob = site.talking("bob")
    alice = site.talking("alice")
    alice.send_line("call bob")
    bob.wait_event("incoming")
    bob.send_line("answer")
    first = alice.wait_event("established")["call"]
    alice.send_line("hold")
    alice.wait_event("media", state="changed", on_hold=True)
    second = call(alice, "carol", nth=2)
    site.answering("carol")
    bob.send_line("transfer carol")
    alice.wait_event("consent", call=first)
    alice.send_line("accept")
    assert bob.wait_event("transfer-failed")["cause"] == "declined"
    alice.send_line("hangup")
    assert alice.wait_event("ended")["call"] == second
    alice.send_line("hangup")
    assert alice.wait_event("ended", nth=2)["call"] == first
    assert not [event for event in alice.events if event["event"] == "established" and event["call"] not in (first, second)]


def test_strangers_and_lower_ways_are_refused(site):
    alice = site.answering("alice")
    with Peer(site.server.port(), site.server.state / "ca.pem", "bob@localhost", "bob-sesame") as bob:
        assert bob.register().status == 200
        refer = ["Refer-To: <sips:carol@localhost>"]
        assert bob.ask("REFER", "sips:alice@localhost", headers=refer).status == 603
        assert alice.wait_event("refer-refused")["target"] == "sips:carol@localhost"
        number = bob.invite("sips:alice@localhost")
        bob.take_ringing(200)
        bob.inside("ACK", cseq=number)
        alice.wait_event("established")
        bob.cseq = number
        bob.inside("REFER", headers=["Refer-To: <sip:carol@localhost>"])
        assert bob.final().status == 603
        bob.inside("REFER", headers=refer)
        assert bob.final().status == 202
        notification = bob.take_request("NOTIFY")
        assert notification.get("Event") == "refer" and notification.body.startswith("SIP/2.0 100")
        bob.respond(notification, 200, "OK")
        notification = bob.take_request("NOTIFY")
        assert notification.get("Subscription-State").startswith("terminated") and notification.body.startswith("SIP/2.0 480")
