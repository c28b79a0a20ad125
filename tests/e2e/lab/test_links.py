"""
Two servers of one network, which something else than TLS protects between them, as their configurations declare: a private wire, and IPsec. Over
it a sips call goes and is shown as declared; by any other way nothing of it goes, and nobody is believed.
"""

import shutil
import subprocess
import sys

import ipsec
import netns
import pytest
from network import Machine

import capture
from pki import CA
from programs import Phone, Server, run, sealine
from sealine_e2e import control, digests

REASON = netns.can_be_made() or (None if shutil.which("tcpdump") else "tcpdump is not installed")
pytestmark = [pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.plain_only]

WIRE = {"a": "10.94.1.1", "b": "10.94.1.2"}
SIDE = {"a": "10.94.2.1", "b": "10.94.2.2"}  # another way from one to the other
INNER = {"a": "10.95.0.1", "b": "10.95.0.2"}  # what goes through the tunnel
OTHER = {"a": "b", "b": "a"}
PASSWORD = "open sesame"


class Pair:
    """Machines a and b, with the wire between them and another one beside it."""

    def __init__(self, path):
        self.path, self.n, self.running = path, 0, []
        self.ca = CA(path / "ca")
        self.machines = {name: Machine(f"{path.name}-{name}") for name in WIRE}
        for interface, addresses in (("wire0", WIRE), ("side0", SIDE)):
            self["a"].ip("link", "add", interface, "type", "veth", "peer", "name", interface, "netns", self["b"].name)
            for name, address in addresses.items():
                self[name].add_interface(interface, address)
        for name, address in INNER.items():
            self[name].ip("address", "add", f"{address}/32", "dev", "lo")

    def __getitem__(self, name):
        return self.machines[name]

    def serve(self, name, addresses, link):
        """A server that knows the other as behind the link; link: the lines of its section, but for the addresses."""
        pem, key = self.ca.issue(f"{name}.example")
        other = OTHER[name]
        config = self.path / f"{name}.yaml"
        config.write_text(
            f"domains: [{name}.example]\nlisten: ['127.0.0.1:5061', 'tcp:{addresses[name]}:5060']\ncertificate: {pem}\nkey: {key}\n"
            f"trust: {self.ca.pem}\nworkers: 2\nlinks:\n  vault: {{addresses: {addresses[other]}, {link}}}\n"
            f"peers:\n  other: {{domains: {other}.example, address: '{addresses[other]}:5060', transport: tcp, link: vault}}\n"
        )
        server = Server(self.path / f"state-{name}", listen=(), options=("-c", config), netns=self[name], name=f"sealined {name}")
        self.running.append(server)
        user = {"a": "alice", "b": "bob"}[name]
        assert control(server.state, "user-add", **digests(f"{user}@{name}.example", PASSWORD))["ok"]
        return server

    def phone(self, name, *command, stdin=subprocess.DEVNULL):
        user = {"a": "alice", "b": "bob"}[name]
        self.n += 1
        words = ["--server", "127.0.0.1:5061", "--device", "null", "--smime", "off"]
        return Phone(self.path / f"phone-{self.n}", f"sips:{user}@{name}.example", PASSWORD, command, ca=self.ca.pem, options=words,
                     netns=self[name], stdin=stdin)  # fmt: skip

    def capture(self, interface):
        self.n += 1
        return capture.Capture(self.path / f"{interface}-{self.n}.pcap", interface, self["a"])

    def close(self):
        for program in reversed(self.running):
            program.stop()
        for machine in self.machines.values():
            machine.close()


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    yield pair
    pair.close()


def call(pair):
    """Bob is called and calls back the same way; True if it came about under sips."""
    with pair.phone("b", stdin=subprocess.PIPE) as bob, pair.phone("a", stdin=subprocess.PIPE) as alice:
        for phone in (alice, bob):
            phone.wait_event("registered", 20)
        alice.send_line("message sips:bob@b.example good morning")
        assert bob.wait_event("message", 20)["text"] == "good morning"
        bob.send_line("call sips:alice@a.example")
        alice.wait_event("incoming", 20)
        alice.send_line("answer")
        assert bob.wait_event("established", 20)["secure"]
        alice.send_line("hangup")
        assert bob.wait_event("ended", 20)["cause"] == "hung-up-there"


def fails(pair):
    """What alice is told of a sips message to bob."""
    with pair.phone("a", "message", "sips:bob@b.example", "good morning") as alice:
        assert alice.wait(40) != 0
        return alice.output


def connect(pair, name, source, address, interface):
    """From this address and interface of the machine; what the other end makes of it within two seconds."""
    program = (
        f"import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'{interface}'); s.bind(('{source}', 0));"
        f"s.settimeout(2); s.connect(('{address}', 5060));\ntry: print(s.recv(1))\nexcept OSError as error: print(error)"
    )
    return run([sys.executable, "-c", program], netns=pair[name])[1]


def test_a_private_wire_carries_sips_where_it_is_declared_and_by_that_interface_alone(pair):
    link = "mechanism: private-wire, interface: wire0, sips: yes"
    a, b = (pair.serve(name, WIRE, link) for name in WIRE)
    a.wait_for(r'about\.link.*link=vault.*mechanism=private-wire.*interface="wire0".*nothing proves; it may carry sips')
    wire, side = pair.capture("wire0"), pair.capture("side0")
    call(pair)
    assert capture.search_signalling(wire.stop(), ["bob"])["sip"] > 0  # it is a private wire, and not TLS, that protects it
    assert capture.search_signalling(side.stop(), ["bob"])["bytes"] == 0
    a.wait_for(r'flow\.opened.*peer=10\.94\.1\.2:5060 transport=TCP declared="vault"')
    assert not [line for line in a.lines + b.lines if "declared=" in line and "verified=" in line]
    status = control(a.state, "status")
    assert status["flows"]["declared"] >= 1
    assert status["links"] == [{"name": "vault", "addresses": [WIRE["b"]], "mechanism": "private-wire", "interface": "wire0", "sips": True}]
    shown = sealine("status", "--state", a.state)[1]
    assert "link          vault to 10.94.1.2 by wire0, declared: private-wire, may carry sips" in shown
    assert "over the declared link vault" in shown

    # somebody with that address on another interface, and bob's server at another address
    pair["b"].ip("address", "del", f"{WIRE['b']}/24", "dev", "wire0")
    pair["b"].ip("address", "add", f"{WIRE['b']}/32", "dev", "side0")
    pair["b"].ip("route", "add", f"{WIRE['a']}/32", "dev", "side0", "src", WIRE["b"])
    pair["a"].ip("route", "del", "10.94.1.0/24", "dev", "wire0")
    pair["a"].ip("route", "add", f"{WIRE['b']}/32", "dev", "side0", "src", WIRE["a"])
    assert connect(pair, "b", WIRE["b"], WIRE["a"], "side0") == "b''\n"
    a.wait_for(r"connection\.refused.*behind the link vault, which is by the interface wire0; this came by side0")
    side = pair.capture("side0")
    fails(pair)
    assert capture.search_signalling(side.stop(), ["bob"])["bytes"] == 0


def test_a_link_that_may_not_carry_sips_does_not(pair):
    a, b = (pair.serve(name, WIRE, "mechanism: ipsec") for name in WIRE)
    wire = pair.capture("wire0")
    fails(pair)
    assert capture.search_signalling(wire.stop(), ["bob"]) == {"sip": 0, "names": [], "bytes": 0}
    a.wait_for(r"about\.link.*it carries no sips requests")


def test_ipsec_protects_the_hop_and_the_wire_shows_nothing_but_esp(pair):
    reason = ipsec.can_run() or ipsec.make_tun(pair["a"])
    if reason:
        pytest.skip(reason)
    ends = {}
    wire = pair.capture("wire0")
    for name in WIRE:
        other = OTHER[name]
        ends[name] = ipsec.Charon(pair.path / f"charon-{name}", pair[name], WIRE[name], INNER[name], WIRE[other], INNER[other])
        pair.running.append(ends[name])
    ends["a"].initiate()
    link = f"mechanism: ipsec, interface: {ipsec.INTERFACE}, sips: yes"
    a = pair.serve("a", INNER, link)
    pair.serve("b", INNER, link)
    call(pair)
    found = wire.stop()
    assert capture.search_signalling(found, ["bob", "alice", "good morning"])["sip"] == 0
    assert {(kind, source[1], to[1]) for kind, source, to, *_ in found if kind in ("tcp", "udp")} <= {("udp", 500, 500), ("udp", 4500, 4500)}
    # RFC 3948 §2.2: four zero octets would be IKE
    assert len([payload for _, _, to, _, payload in found if to[1] == 4500 and len(payload) > 200 and payload[:4] != b"\0\0\0\0"]) > 3
    a.wait_for(r'flow\.opened.*declared="vault"')

    # without the tunnel there is no way, and in clear there is none to be taken
    for end in ends.values():
        end.stop()
        pair.running.remove(end)
    for name in WIRE:
        pair[name].ip("route", "add", f"{INNER[OTHER[name]]}/32", "via", WIRE[OTHER[name]])
    wire = pair.capture("wire0")
    fails(pair)
    assert capture.search_signalling(wire.stop(), ["bob"])["sip"] == 0
