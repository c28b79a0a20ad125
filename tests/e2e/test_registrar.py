"""What phones get from the registrar of a real server beside bindings: events, GRUUs, keep-alives, and limits by configuration."""

import socket
import re
import struct

import pytest

from programs import Server
from sealine_e2e import Client, control, digests
from sealine_transports import UdpClient

LISTEN = ("tls:127.0.0.1:0", "udp:127.0.0.1:0")
CONFIG = """
messages:
  message: 4096
  header: 4096
limits:
  bindings-per-account: 2
registrar:
  expires-default: 120
  service-route: yes
"""


@pytest.fixture
def server(tmp_path):
    state, config = tmp_path / "state", tmp_path / "sealined.yaml"
    config.write_text(CONFIG)
    with Server(state, listen=LISTEN, options=["-c", str(config), "--workers", "2"]) as running:
        reply = control(state, "user-add", **digests("alice@localhost", "secret"))
        assert reply["ok"], reply
        yield running


def phone(server, number):
    client = Client(server.port("tls"), server.state / "ca.pem")
    client.scheme = "sip"
    client.contact = f'<sip:alice@192.0.2.{number}>;+sip.instance="<urn:uuid:{number}>"'
    client.call_id = f"phone-{number}"
    return client


def test_a_phone_is_told_of_another_one_whichever_worker_serves_it(server):
    uri = "sip:alice@localhost"
    with phone(server, 1) as desk, phone(server, 2) as sofa:
        answer = desk.ask("SUBSCRIBE", uri, headers=["Event: reg", "Expires: 600"])
        assert answer.status == 200 and answer.get("Expires") == "600"
        first = desk.expect(lambda m: m.method == "NOTIFY")
        assert first.get("Event") == "reg" and first.get("Subscription-State").startswith("active")
        assert 'state="full"' in first.body and 'state="init"' in first.body
        desk.reply(first, 200, "OK")
        assert sofa.register().status == 200
        change = desk.expect(lambda m: m.method == "NOTIFY", 20)
        assert 'state="partial"' in change.body and "<uri>sip:alice@192.0.2.2</uri>" in change.body
        assert 'event="registered"' in change.body and "gr=urn:uuid:2" in change.body
        desk.reply(change, 200, "OK")


def test_a_gruu_leads_to_one_phone(server):
    with phone(server, 1) as desk, phone(server, 2) as sofa:
        assert desk.register(headers=["Supported: gruu"]).status == 200
        contact = sofa.register(headers=["Supported: gruu"]).all("Contact")[-1]
        for name in ("pub-gruu", "temp-gruu"):
            gruu = contact.partition(f'{name}="')[2].partition('"')[0]
            assert gruu.startswith("sip:")
            desk.send(desk.request("MESSAGE", gruu, call_id=name))
            challenge = desk.final()
            line = desk.answer_to(challenge, "MESSAGE", gruu)
            desk.send(desk.request("MESSAGE", gruu, call_id=name, headers=[line]))
            message = sofa.expect(lambda m: m.method == "MESSAGE")
            sofa.reply(message, 200, "OK")
            assert desk.final().status == 200


def test_the_configuration_bounds_registrations_and_messages(server):
    with phone(server, 1) as first, phone(server, 2) as second, phone(server, 3) as third:
        answer = first.ask("REGISTER", "sip:localhost", to="sip:alice@localhost")
        expires = int(re.search(r"expires=(\d+)", answer.get("Contact")).group(1))
        assert 110 <= expires <= 120
        assert answer.get("Service-Route").startswith("<sip:localhost")
        assert second.register().status == 200
        assert third.register().status == 403
        first.send(first.request("MESSAGE", "sip:alice@localhost", body="x" * 4000))
        answer = first.final()
        assert answer.status == 413 and "byte" in str(answer)


def test_a_restart_takes_nothing_from_a_long_registration(tmp_path):
    state, config = tmp_path / "state", tmp_path / "sealined.yaml"
    config.write_text("registrar:\n  expires-max: 7200\n")

    def start():
        return Server(state, listen=LISTEN, options=["-c", str(config)])

    def seconds_left():
        (user,) = control(state, "user-list")["users"]
        (binding,) = user["bindings"]
        return binding["expires"]

    with start() as server:
        assert control(state, "user-add", **digests("alice@localhost", "secret"))["ok"]
        with phone(server, 1) as desk:
            assert desk.register(expires=7200).status == 200
            assert seconds_left() > 7100
        assert server.stop() == 0
    with start():
        assert seconds_left() > 7100


def test_a_stun_keep_alive_over_udp_is_answered_on_a_known_flow(server):
    request = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"abcdefghijkl")
    with UdpClient(server.port("udp")) as alice:
        alice.sock.settimeout(1)
        alice.sock.send(request)
        with pytest.raises(TimeoutError):
            alice.sock.recv(2000)
        assert alice.register().status == 200
        alice.sock.settimeout(10)
        alice.sock.send(request)
        answer = alice.sock.recv(2000)
    kind, length, cookie, transaction = struct.unpack("!HHI12s", answer[:20])
    assert (kind, length, cookie, transaction) == (0x0101, 12, 0x2112A442, b"abcdefghijkl")
    attribute, size, family, port, address = struct.unpack("!HHHHI", answer[20:])
    assert (attribute, size, family) == (0x0020, 8, 1)
    assert port ^ 0x2112 == int(alice.sent_by.rpartition(":")[2])
    assert socket.inet_ntoa(struct.pack("!I", address ^ 0x2112A442)) == "127.0.0.1"
