"""sealined for one domain and Debian's kamailio for another: each the next hop and the previous hop of the other."""

import pytest
from conftest import DOMAIN, need
from peers import Kamailio

import netns as network
import programs
from pki import CA

THERE = "kamailio.test"
ADDRESS = "127.0.0.3"  # kamailio's; sealined is at the address of the namespace
HOPS = {
    "tls": f"    proves: {THERE}\n    address: {ADDRESS}:5061\n",
    "tcp": f"    transport: tcp\n    address: {ADDRESS}:5060\n    from: [{ADDRESS}, {network.ADDRESS}]\n",
    "udp": f"    transport: udp\n    address: {ADDRESS}:5060\n    from: {ADDRESS}\n",
}


class Site:
    def __init__(self, netns, path, transport, alias=False):
        self.netns, self.path, self.n = netns, path, 0
        self.ca = CA(path / "ca")
        pem, key = self.ca.issue(DOMAIN)
        config = path / "sealined.yaml"
        config.write_text(
            f"domains: [{DOMAIN}]\n"
            f"listen: ['tls:{network.ADDRESS}:5061', 'tls:127.0.0.1:5061', 'tcp:{network.ADDRESS}:5060', 'udp:{network.ADDRESS}:5060']\n"
            f"certificate: {pem}\nkey: {key}\ntrust: {self.ca.pem}\nworkers: {1 if alias else 2}\nlog-level: debug\n"
            f"peers:\n  kamailio:\n    domains: {THERE}\n{HOPS[transport]}"
        )
        self.server = programs.Server(path / "state", listen=(), options=("-c", config), netns=netns)
        self.server.add_account(f"alice@{DOMAIN}", "secret-of-alice")
        there = path / "there"
        there.mkdir()
        pem, key = self.ca.issue(THERE)
        for source, name in ((pem, "server.pem"), (key, "server.key"), (self.ca.pem, "ca.pem")):
            (there / name).write_bytes(source.read_bytes())
        port = 5061 if transport == "tls" else 5060
        # what has come from us, from where it came, is what an alias leads to
        next_hop = f"sip:{'127.0.0.1' if alias else network.ADDRESS}:{port};transport={transport}"
        peer = f"127.0.0.1|{network.ADDRESS}"
        self.kamailio = Kamailio(netns, there, path / "kamailio", domain=THERE, address=ADDRESS, peer=peer, next_hop=next_hop, alias=alias)

    def phone(self, user, domain, *command, options=()):
        self.n += 1
        server = f"{network.ADDRESS}:5061" if domain == DOMAIN else f"{ADDRESS}:5061"
        words = ["--device", "null", "--srtp", "require", *options]
        state = self.path / f"phone-{self.n}"
        return programs.Phone(
            state, f"sip:{user}@{domain}", f"secret-of-{user}", command, server=server, ca=self.ca.pem, options=words, netns=self.netns
        )

    def close(self):
        self.kamailio.stop()
        self.server.stop()


@pytest.fixture(params=["tls", "tcp", "udp"])
def site(netns, tmp_path, request):
    need("kamailio", "openssl")
    site = Site(netns, tmp_path, request.param)
    yield site
    site.close()


def calls(site, caller, callee):
    """Also that each end has its dialog: the caller's BYE gets through."""
    with site.phone(*callee, "answer") as there:
        there.wait_event("registered", 20)
        with site.phone(*caller, "call", f"sip:{'@'.join(callee)}", options=("--for", "1")) as here:
            here.wait_event("established", 20)
            assert here.wait(30) == 0, here.output
        assert there.wait_event("ended", 20)["cause"] == "hung-up-there"


def writes(site, sender, recipient):
    with site.phone(*recipient, "answer") as there:
        there.wait_event("registered", 20)
        with site.phone(*sender, "message", f"sip:{'@'.join(recipient)}", "good morning") as here:
            assert here.wait(30) == 0, here.output
        assert there.wait_event("message", 20)["text"] == "good morning"


def test_kamailio_as_next_and_as_previous_hop(site, request):
    ours, theirs = ("alice", DOMAIN), ("bob", THERE)
    writes(site, ours, theirs)
    writes(site, theirs, ours)
    if "udp" in request.node.name:
        return  # an INVITE with its description is larger than what UDP takes (RFC 3261 §18.1.1)
    calls(site, ours, theirs)
    calls(site, theirs, ours)
    assert site.server.process.poll() is None


def test_kamailio_goes_by_the_connection_that_we_have_opened(netns, tmp_path):
    """RFC 5923, since we say alias. kamailio 5.6 cannot say so itself: tm writes no parameters of xavp_via_params into its Via."""
    need("kamailio", "openssl")
    site = Site(netns, tmp_path, "tls", alias=True)
    ours, theirs = ("alice", DOMAIN), ("bob", THERE)
    writes(site, ours, theirs)
    writes(site, theirs, ours)
    opened = [line for line in site.server.lines if "flow.opened" in line and f'verified="{THERE}"' in line]
    site.close()
    assert len(opened) == 1 and f"peer={ADDRESS}:5061 " in opened[0], opened
