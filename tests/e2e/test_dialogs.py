"""sealphone's dialogs through sealined, seen by a phone that the test plays: reliable responses, UPDATE, session timers."""

import contextlib
import re
import socket
import time

import pytest

from programs import slow
from sealine_peer import Peer, describe
from test_calls import write_sentence


def answer(peer, invite, headers=(), body=None):
    peer.respond(invite, 200, "OK", headers=["Allow: INVITE, ACK, BYE, UPDATE", *headers], body=describe() if body is None else body)
    peer.take_request("ACK")


def test_reliable_responses_carry_the_answer_and_updates_come_before_the_call_stands(site, bob):
    alice = site.phone("alice", "call", "bob")
    invite = bob.take_invite()
    assert "100rel" in invite.get("Supported")
    bob.respond(invite, 183, "Session Progress", headers=["Require: 100rel", "RSeq: 41"], body=describe())
    prack = bob.take_request("PRACK")
    assert prack.get("RAck") == f"41 {invite.get('CSeq').split()[0]} INVITE"
    bob.respond(prack, 200, "OK")
    alice.wait_event("progress")
    bob.inside("UPDATE", body=describe("sendonly"))
    updated = bob.final()
    assert updated.status == 200 and "a=recvonly" in updated.body and "a=crypto:" in updated.body
    answer(bob, invite, body="")
    assert alice.wait_event("established")["srtp"] == "AES_CM_128_HMAC_SHA1_80"
    bob.inside("UPDATE", body=describe("sendrecv"))
    assert bob.final().status == 200
    assert not alice.wait_event("media", state="changed")["held"]
    bob.inside("BYE")
    assert bob.final().status == 200
    assert alice.wait() == 0, alice.output


def test_a_file_is_played_to_who_has_answered(site, bob, tmp_path):
    """Not to a gateway that has something to be heard while it rings."""
    alice = site.phone("alice", "call", "bob", options=("--play", write_sentence(tmp_path / "sentence.wav", 1, 1)))
    invite = bob.take_invite()
    bob.respond(invite, 183, "Session Progress", body=describe())
    alice.wait_event("media", state="started")
    time.sleep(2)  # longer than the sentence
    answer(bob, invite)
    alice.wait_event("media", state="played")
    told = [(event["event"], event.get("state")) for event in alice.events]
    assert told.index(("established", None)) < told.index(("media", "played")), told


def test_who_hangs_up_is_not_heard_by_a_caller_who_keeps_his_ack(site, bob):
    """No BYE may go before it (RFC 3261 §15), for 32 seconds."""
    alice = site.talking("alice")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        number = bob.invite("sips:alice@localhost", body=describe(port=media.getsockname()[1]))
        bob.take_ringing()
        alice.wait_event("incoming")
        alice.send_line("answer")
        bob.remember(bob.expect(lambda message: message.status == 200 and message.get("CSeq") == f"{number} INVITE"))
        media.settimeout(slow(10))
        assert media.recv(2000)
        alice.send_line("hangup")
        alice.wait_event("media", state="ended")
        media.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                media.recv(2000)
        time.sleep(0.5)
        with pytest.raises(BlockingIOError):
            media.recv(2000)
    bob.inside("ACK", cseq=number)
    bob.respond(bob.take_request("BYE"), 200, "OK")
    assert alice.wait_event("ended")["cause"] == "hung-up"


def is_loud(packet):
    """RTP in clear with PCMA that is not all silence."""
    return any(byte not in (0xD5, 0x55) for byte in packet[12:])


def hears(media, seconds):
    """Whether something is to be heard in that time, other than what has come before."""
    media.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            media.recv(2000)
    end = time.monotonic() + seconds
    media.settimeout(slow(1))
    while time.monotonic() < end:
        if is_loud(media.recv(2000)):
            return True
    return False


def test_who_is_put_on_hold_hears_nothing_agreed_or_not(site, bob):
    """Neither while an answer is awaited, nor, once there is another call, after a refusal."""
    alice = site.talking("alice", "--device", "tone", "--srtp", "never", scheme="sip")
    site.answering("carol", "--srtp", "never", scheme="sip")
    bob.contact = bob.contact.replace("sips:", "sip:")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        body = (
            "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {media.getsockname()[1]} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        alice.send_line("call bob")
        answer(bob, bob.take_invite(), body=body)
        alice.wait_event("established")
        assert hears(media, 10)
        alice.send_line("hold")
        change = bob.take_request("INVITE")
        time.sleep(0.5)
        assert not hears(media, 0.5)
        alice.send_line("call carol")
        alice.wait_event("established", nth=2)
        bob.respond(change, 488, "Not Acceptable Here")
        alice.wait_event("error")
        assert not hears(media, 0.5)
        bob.inside("UPDATE", body=body)
        assert bob.final().status == 200
        assert not hears(media, 0.5)


def test_a_caller_who_demands_reliable_responses_gets_them(site, bob):
    alice = site.talking("alice")
    number = bob.invite("sips:alice@localhost", headers=["Require: 100rel"])
    ringing = bob.take_ringing()
    assert "100rel" in ringing.get("Require")
    assert bob.expect(lambda message: message.status == 180).get("RSeq") == ringing.get("RSeq")  # until it is acknowledged
    bob.inside("PRACK", headers=[f"RAck: {ringing.get('RSeq')} {number} INVITE"])
    assert bob.final().status == 200
    alice.wait_event("incoming")
    alice.send_line("answer")
    assert bob.expect(lambda message: message.status == 200 and message.get("CSeq") == f"{number} INVITE").body
    bob.inside("ACK", cseq=number)
    alice.wait_event("established")
    bob.cseq = number + 2
    bob.inside("BYE")
    assert bob.final().status == 200
    assert alice.wait_event("ended")["cause"] == "hung-up-there"


@pytest.mark.plain_only
def test_a_session_is_refreshed_in_time_and_ends_where_nobody_refreshes_it(site, bob):
    """The shortest interval that RFC 4028 allows is 90 s: a refresh is due after 45, and the end after 60."""
    alice = site.phone("alice", "call", "bob", options=("--session-timer", "90"))
    carol = Peer(site.server.port(), site.server.state / "ca.pem", "carol@localhost", "carol-sesame")
    with carol:
        assert carol.register().status == 200
        dave = site.phone("alice", "call", "carol", options=("--session-timer", "90"))
        begun = time.monotonic()
        invite = bob.take_invite()
        assert invite.get("Session-Expires") == "90" and "timer" in invite.get("Supported")
        answer(bob, invite, headers=["Require: timer", "Session-Expires: 90;refresher=uac"])
        answer(carol, carol.take_invite(), headers=["Require: timer", "Session-Expires: 90;refresher=uas"])
        alice.wait_event("established")
        dave.wait_event("established")
        update = bob.take_request("UPDATE", 60)
        assert 44 <= time.monotonic() - begun < slow(60)
        assert re.match(r"90;\s*refresher=uac", update.get("Session-Expires"))
        bob.respond(update, 200, "OK", headers=["Require: timer", "Session-Expires: 90;refresher=uac"])
        bye = carol.take_request("BYE", 30)
        carol.respond(bye, 200, "OK")
        assert 59 <= time.monotonic() - begun < slow(75)
        assert dave.wait() == 7, dave.output
        bob.inside("BYE")
        assert bob.final().status == 200
        assert alice.wait() == 0, alice.output


def test_a_server_that_wants_a_longer_session_timer_gets_it(site, bob):
    alice = site.phone("alice", "call", "bob", options=("--session-timer", "90"))
    invite = bob.take_invite()
    bob.respond(invite, 422, "Session Interval Too Small", headers=["Min-SE: 1200"])
    invite = bob.take_invite()
    assert invite.get("Session-Expires") == "1200" and invite.get("Min-SE") == "1200"
    answer(bob, invite)
    alice.wait_event("established")
