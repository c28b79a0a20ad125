"""Phones over UDP and over WebSockets, each beside one over TLS: registration, messages, calls, and what is refused."""

import socket

import pytest

from programs import Server, slow
from sealine_e2e import Client, Closed, control, digests
from sealine_transports import UdpClient, WebClient

LISTEN = ("tls:127.0.0.1:0", "udp:127.0.0.1:0", "ws:127.0.0.1:0", "wss:127.0.0.1:0")


@pytest.fixture
def server(tmp_path):
    state = tmp_path / "state"
    with Server(state, listen=LISTEN, options=["--workers", "2", "--log-level", "debug"]) as running:
        for user in ("alice", "bob"):
            reply = control(state, "user-add", **digests(f"{user}@localhost", "secret"))
            assert reply["ok"], reply
        yield running


def connect(server, transport, user):
    aor, ca = f"{user}@localhost", server.state / "ca.pem"
    if transport == "udp":
        return UdpClient(server.port("udp"), aor)
    if transport in ("ws", "wss"):
        return WebClient(server.port(transport), ca, aor, tls=transport == "wss")
    phone = Client(server.port("tls"), ca, aor)
    phone.scheme = "sip"
    phone.contact = phone.contact.replace("sips:", "sip:").replace(">", ";transport=tls>")
    return phone


def call(caller, callee, user):
    """INVITE, 180, 200, ACK, and BYE from the callee; each in its own dialog's words."""
    uri, caller.call_id = f"sip:{user}@localhost", f"call-{caller.via}-{callee.via}"
    caller.send(caller.request("INVITE", uri))
    challenge = caller.final()
    assert challenge.status == 407, challenge
    caller.ack_failure(challenge, uri)
    caller.send(caller.request("INVITE", uri, headers=[caller.answer_to(challenge, "INVITE", uri)]))
    invite = callee.expect(lambda m: m.method == "INVITE")
    callee.reply(invite, 180, "Ringing")
    assert caller.expect(lambda m: m.status == 180)
    callee.reply(invite, 200, "OK")
    answer = caller.final()
    assert answer.status == 200, answer
    target = answer.get("Contact").strip("<>")
    routes = [f"Route: {value}" for value in reversed(answer.all("Record-Route"))]
    caller.send(caller.request("ACK", target, to=uri, to_tag="t1", headers=routes, cseq=caller.cseq))
    assert callee.expect(lambda m: m.method == "ACK")
    callee.call_id = caller.call_id
    routes = [f"Route: {value}" for value in invite.all("Record-Route")]
    target = invite.get("Contact").strip("<>")
    callee.send(callee.request("BYE", target, to=f"sip:{caller.aor}", from_tag="t1", to_tag="f1", headers=routes))
    bye = caller.expect(lambda m: m.method == "BYE")
    caller.reply(bye, 200, "OK")
    assert callee.final().status == 200
    return invite


@pytest.mark.parametrize("one, other", [("udp", "tls"), ("wss", "tls"), ("ws", "udp"), ("wss", "wss"), ("udp", "udp")])
def test_phones_on_two_transports_send_messages_and_call_each_other(server, one, other):
    with connect(server, one, "alice") as alice, connect(server, other, "bob") as bob:
        assert alice.register().status == 200
        assert bob.register().status == 200
        for sender, receiver in ((alice, bob), (bob, alice)):
            uri = f"sip:{receiver.aor}"
            sender.send(sender.request("MESSAGE", uri, body="sail ho"))
            challenge = sender.final()
            sender.send(sender.request("MESSAGE", uri, headers=[sender.answer_to(challenge, "MESSAGE", uri)], body="sail ho"))
            message = receiver.expect(lambda m: m.method == "MESSAGE")
            assert message.body == "sail ho"
            receiver.reply(message, 200, "OK")
            assert sender.final().status == 200
        invite = call(alice, bob, "bob")
        assert len(invite.all("Record-Route")) == (1 if one == other else 2)
        call(bob, alice, "alice")


def test_says_which_listeners_are_not_protected(server):
    for name in ("UDP", "WS"):
        server.wait_for(f"about.clear.*over {name} ")
    assert "over TLS" not in "\n".join(line for line in server.lines if "about.clear" in line)
    listeners = control(server.state, "status")["listeners"]
    assert [listener.split(":")[0] for listener in listeners] == ["tls", "udp", "ws", "wss"]


def test_a_binding_is_secure_over_wss_and_not_over_udp_or_ws(server):
    for transport, secure in (("wss", True), ("ws", False), ("udp", False)):
        with connect(server, transport, "alice") as alice:
            assert alice.register().status == 200
            bindings = control(server.state, "user-list")["users"][0]["bindings"]
            assert bindings[-1]["secure"] == secure, (transport, bindings)
            assert alice.register(expires=0).status == 200


def test_a_nonce_is_good_on_the_flow_that_it_was_made_for_only(server):
    with connect(server, "udp", "alice") as alice, connect(server, "udp", "alice") as mallory:
        alice.send(alice.request("REGISTER", "sip:localhost", to="sip:alice@localhost"))
        line = alice.answer_to(alice.final(), "REGISTER", "sip:localhost")
        mallory.send(mallory.request("REGISTER", "sip:localhost", to="sip:alice@localhost", headers=[line]))
        answer = mallory.final()
        assert answer.status == 401 and "stale=true" in answer.get("WWW-Authenticate"), answer


def test_a_stranger_over_udp_gets_an_answer_and_no_repetition(server):
    with connect(server, "udp", "alice") as mallory:
        mallory.send(mallory.request("INVITE", "sip:bob@localhost"))
        challenge = mallory.final()
        assert challenge.status == 407
        assert mallory.is_silent(1.5)  # timer G would have repeated it after 0.5 s
        mallory.ack_failure(challenge, "sip:bob@localhost")


def test_answers_a_retransmission_over_udp_without_a_new_transaction(server):
    with connect(server, "udp", "alice") as alice:
        text = alice.request("REGISTER", "sip:localhost", to="sip:alice@localhost")
        alice.send(text)
        first = alice.read()
        alice.send(text)
        assert alice.read().text == first.text


def test_a_datagram_of_the_greatest_size_is_taken(server):
    greatest = 65535 - 20 - 8  # what the headers of IPv4 and UDP leave
    with connect(server, "udp", "alice") as alice:
        shorter = alice.request("MESSAGE", "sip:bob@localhost", body="x" * 60000)
        body = "x" * (60000 + greatest - len(shorter))
        text = shorter.replace("x" * 60000, body).replace("Content-Length: 60000", f"Content-Length: {len(body)}")
        assert len(text) == greatest
        alice.send(text)
        assert alice.final().status == 407


def test_without_rport_the_answer_goes_to_the_port_of_the_via(server):
    with connect(server, "udp", "alice") as alice, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.connect(("127.0.0.1", server.port("udp")))
        alice.rport = False
        text = alice.request("REGISTER", "sip:localhost", to="sip:alice@localhost")
        elsewhere.send(text.encode())
        answer = alice.read()
        assert answer.status == 401 and "rport" not in answer.get("Via"), answer


def test_a_request_that_is_too_large_for_udp_is_refused_with_513(server):
    with connect(server, "udp", "bob") as bob, connect(server, "tls", "alice") as alice:
        assert bob.register().status == 200
        answer = alice.ask("MESSAGE", "sip:bob@localhost", body="x" * 1300)
        assert answer.status == 513 and "1300" in answer.get("Warning"), answer
        assert bob.is_silent(0.5)


def test_a_sips_call_does_not_reach_a_phone_over_udp_or_ws(server):
    for transport in ("udp", "ws"):
        with connect(server, transport, "bob") as bob, connect(server, "wss", "alice") as alice:
            assert bob.register().status == 200
            alice.scheme, alice.contact = "sips", alice.contact.replace("sip:", "sips:")
            answer = alice.ask("MESSAGE", "sips:bob@localhost", body="secret")
            assert answer.status == 480, answer
            assert bob.register(expires=0).status == 200


def test_a_websocket_ends_with_the_code_that_says_why(server):
    for opcode, payload, code in ((3, b"?", 1002), (1, b"caf\xe9 x", 1007), (9, b"x" * 126, 0)):
        with connect(server, "wss", "alice") as alice:
            alice.frame(opcode, payload)
            with pytest.raises(Closed) as closed:
                alice.read()
            got = closed.value.args[0]
            assert (int.from_bytes(got[:2], "big") if got else 0) == code, (opcode, got)
            assert alice.is_closed()


def test_pings_fragments_and_binary_frames_are_understood(server):
    with connect(server, "ws", "alice") as alice:
        alice.frame(9, b"there?")
        assert alice.read_frame() == (10, b"there?")
        text = alice.request("REGISTER", "sip:localhost", to="sip:alice@localhost").encode()
        alice.frame(2, text[:50], last=False)
        alice.frame(9, b"still?")
        alice.frame(0, text[50:])
        assert alice.read_frame() == (10, b"still?")
        assert alice.read().status == 401


def test_a_message_that_is_not_utf8_reaches_a_browser_as_binary(server):
    with connect(server, "tls", "alice") as alice, connect(server, "wss", "bob") as bob:
        assert bob.register().status == 200
        uri = "sip:bob@localhost"
        alice.send(alice.request("MESSAGE", uri))
        line = alice.answer_to(alice.final(), "MESSAGE", uri)
        request = alice.request("MESSAGE", uri, headers=[line, "Content-Type: text/plain;charset=ISO-8859-1"], body="cafe")
        alice.send(request.encode().replace(b"cafe", b"caf\xe9"))
        opcode, payload = bob.read_frame()
        assert opcode == 2 and payload.endswith(b"\r\n\r\ncaf\xe9")


def test_a_browser_that_only_looks_is_told_what_this_is(server):
    with socket.create_connection(("127.0.0.1", server.port("ws")), slow(10)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = b""
        while data := sock.recv(1000):
            text += data
    assert text.startswith(b"HTTP/1.1 426 ") and b"Sec-WebSocket-Version: 13\r\n" in text


def test_the_origin_of_a_page_is_in_the_log(server):
    with connect(server, "wss", "alice"):
        server.wait_for(r'websocket\.opened.*origin="https://phone\.example"')
