"""Calls and messages that name nobody (RFC 3323, RFC 3325), seen from the wire of whom they are for and from his phone."""

import subprocess

import pytest

from pki import CA
from programs import Phone, Server
from sealine_e2e import Client, control, digests
from test_certificate_service import free_ports

NOBODY = '"Anonymous" <sip:anonymous@anonymous.invalid>'


@pytest.fixture
def wire(site):
    """What is between bob's server and his phone: a phone that shows all that it gets."""
    with Client(site.server.port(), site.server.state / "ca.pem", "bob@localhost", "bob-sesame") as bob:
        assert bob.register().status == 200
        yield bob


def unnamed(request):
    """A request that says nothing of alice, and asks for the same on the way."""
    assert "alice" not in request.text, request
    assert request.get("From").startswith(NOBODY) and request.get("Privacy") == "id"
    assert not request.all("P-Asserted-Identity") and not request.all("Proxy-Authorization")
    return request


def test_no_request_of_a_call_or_message_has_the_name_in_it(site, wire):
    alice = site.phone("alice", "message", "sips:bob@localhost", "guess who", options=("--anonymous",))
    request = unnamed(wire.expect(lambda m: m.method == "MESSAGE"))
    assert request.body == "guess who"
    wire.reply(request, 200, "OK")
    assert alice.wait(15) == 0

    alice = site.phone("alice", "call", "sips:bob@localhost", options=("--anonymous", "--for", "20"))
    invite = unnamed(wire.expect(lambda m: m.method == "INVITE"))
    assert invite.get("Contact").startswith("<sips:anonymous@")
    wire.reply(invite, 603, "Decline")
    unnamed_ack = wire.expect(lambda m: m.method == "ACK")
    assert "alice" not in unnamed_ack.text
    assert alice.wait(15) != 0


def test_the_other_phone_and_its_user_learn_nothing(site):
    bob = site.phone("bob", "answer")
    bob.wait_event("registered", 15)
    alice = site.phone("alice", talks=True)
    alice.wait_event("registered", 15)
    alice.send_line("anonymously message bob psst")
    alice.send_line("anonymously call bob")
    assert bob.wait_event("message", 15)["from"] == "sip:anonymous@anonymous.invalid"
    assert bob.wait_event("incoming", 15)["from"] == "sip:anonymous@anonymous.invalid"
    for phone in (alice, bob):
        phone.wait_event("established", 15)
    # the call is changed and ended within, from both sides
    alice.send_line("hold")
    bob.wait_event("media", 15)
    assert "alice" not in bob.output
    bob.stop()
    alice.wait_event("ended", 15)
    assert alice.stop() == 0


def test_who_is_called_openly_sees_the_name_all_the_same(site, wire):
    alice = site.phone("alice", options=("--anonymous",), talks=True)
    alice.wait_event("registered", 15)
    alice.send_line("openly message bob it is me")
    request = wire.expect(lambda m: m.method == "MESSAGE")
    assert "sips:alice@localhost" in request.get("From") and not request.all("Privacy")
    wire.reply(request, 200, "OK")
    alice.stop()


def test_what_nobody_is_named_by_without_asking_for_privacy_is_refused(site):
    with Client(site.server.port(), site.server.state / "ca.pem", "alice@localhost", "alice-sesame") as alice:
        for privacy, status in (((), 403), (("Privacy: none",), 403), (("Privacy: id",), 480)):
            call_id = f"nobody-{status}-{len(privacy)}"
            text = alice.request("MESSAGE", "sips:bob@localhost", headers=privacy, call_id=call_id, contact=False)
            hidden = lambda text: text.replace("<sips:alice@localhost>;tag", f"{NOBODY};tag")  # noqa: E731
            alice.send(hidden(text))
            challenge = alice.final()
            assert challenge.status == 407
            line = alice.answer_to(challenge, "MESSAGE", "sips:bob@localhost")
            alice.send(hidden(alice.request("MESSAGE", "sips:bob@localhost", headers=[*privacy, line], call_id=call_id, contact=False)))
            answer = alice.final()
            assert answer.status == status, answer
            assert ("identity.anonymous" in answer.get("Warning")) == (status == 403)


# -- two servers that trust each other ---------------------------------------------------------------------------------------------


@pytest.fixture
def domains(tmp_path):
    """a.example tells b.example who it is (P-Asserted-Identity), which tells its phones, unless the sender asks it not to."""
    ca, servers = CA(tmp_path / "ca"), {}
    ports = dict(zip("ab", free_ports(2)))
    for name, peer in ("ab", "ba"):
        pem, key = ca.issue(f"{name}.example")
        config = tmp_path / f"{name}.yaml"
        config.write_text(
            f"domains: [{name}.example]\nlisten: ['127.0.0.1:{ports[name]}']\ncertificate: {pem}\nkey: {key}\ntrust: {ca.pem}\nworkers: 1\n"
            f"peers:\n  other:\n    domains: {peer}.example\n    address: '127.0.0.1:{ports[peer]}'\n    proves: {peer}.example\n    trust-domain: yes\n"
        )
        servers[name] = Server(tmp_path / name, listen=(), options=("-c", config), name=f"{name}.example")
    for name, who in (("a", "alice"), ("b", "bob")):
        assert control(servers[name].state, "user-add", **digests(f"{who}@{name}.example", "sesame"))["ok"]
    yield ca.pem, servers
    for server in servers.values():
        assert server.stop() == 0


def test_what_one_server_asserts_to_another_does_not_reach_who_is_called(domains, tmp_path):
    ca, servers = domains
    with Client(servers["b"].port(), ca, "bob@b.example", "sesame") as bob:
        assert bob.register().status == 200
        words = ["--device", "null"]
        alice = Phone(tmp_path / "alice", "sips:alice@a.example", "sesame", (), f"127.0.0.1:{servers['a'].port()}", ca, words, stdin=subprocess.PIPE)
        alice.wait_event("registered", 15)
        for line, is_named in (("openly message bob@b.example it is me", True), ("anonymously message bob@b.example guess", False)):
            alice.send_line(line)
            request = bob.expect(lambda m: m.method == "MESSAGE")
            if is_named:
                # so that there is something to be taken out
                assert "alice@a.example" in request.get("P-Asserted-Identity")
            else:
                unnamed(request)
            bob.reply(request, 200, "OK")
        assert alice.stop() == 0
