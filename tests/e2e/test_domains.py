"""Two servers, of a.example and of b.example, with nothing in common but a CA and the DNS: a signed zone, served by nsd."""

import pathlib
import subprocess
import sys

import netns
import pytest
import zone

from pki import CA, fingerprint
from programs import Phone, Program, Server, sealine
from sealine_e2e import control, digests

REASON = netns.can_be_made() or zone.can_be_served()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

ATTACKER = pathlib.Path(__file__).parent / "attacker.py"

# c.example is served by the machine of b.example, which proves only b.example. Nobody is at 127.0.0.5.
RECORDS = """
a             NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.a
_sips._tcp.a  SRV 10 0 5061 pbx.a
pbx.a         A 127.0.0.2
_sips._tcp.b  SRV 10 0 5061 dead.b
_sips._tcp.b  SRV 20 0 5061 pbx.b
dead.b        A 127.0.0.5
pbx.b         A 127.0.0.3
_sips._tcp.c  SRV 10 0 5061 pbx.b
_sips._tcp.e  SRV 10 0 5061 pbx.e
pbx.e         A 127.0.0.6
_sips._tcp.d  SRV 10 0 5061 pbx.d
pbx.d         A 127.0.0.7
"""


class Site:
    def __init__(self, path):
        self.path, self.n = path, 0
        self.netns = netns.Namespace()
        self.names = zone.NameServer(path / "names", "example", RECORDS, self.netns)
        self.ca = CA(path / "ca")
        self.a = self.serve("a", "127.0.0.2")
        self.b = self.serve("b", "127.0.0.3")
        self.add(self.a, "alice@a.example")
        self.add(self.a, "carol@a.example")
        self.add(self.b, "bob@b.example")

    def serve(self, name, address, ca=None, state=None):
        domain = f"{name}.example"
        pem, key = (ca or self.ca).issue(domain)
        options = ["--domain", domain, "--certificate", pem, "--key", key, "--trust", self.ca.pem, "--workers", "2"]
        options += ["--dns", "127.0.0.1", "--trust-anchor", self.names.anchor]
        return Server(self.path / (state or name), listen=(f"{address}:5061",), options=options, netns=self.netns, name=domain)

    def serve_with_pin(self, name, pin):
        return self.serve_with(name, f"peers:\n  pinned:\n    domains: b.example\n    pin: {pin}\n")

    def serve_with(self, name, peers):
        """Another server of a.example, at 127.0.0.4, with these peers."""
        config = self.path / f"{name}.yaml"
        pem, key = self.ca.issue("a.example", file=name)
        config.write_text(
            f"domains: [a.example]\nlisten: ['127.0.0.4:5061']\ncertificate: {pem}\nkey: {key}\ntrust: {self.ca.pem}\n"
            f"dns: 127.0.0.1\ntrust-anchor: {self.names.anchor}\n"
            f"{peers}"
        )
        server = Server(self.path / name, listen=(), options=("-c", config), netns=self.netns, name=name)
        self.add(server, "alice@a.example")
        return server

    def add(self, server, aor):
        assert control(server.state, "user-add", **digests(aor, "sesame"))["ok"]

    def talking(self, aor):
        """A phone with a person at it, registered: commands go to its standard input."""
        phone = self.phone(aor, talks=True)
        phone.wait_event("registered")
        return phone

    def phone(self, aor, *command, options=(), ca=None, talks=False, server=None):
        self.n += 1
        words = [*(("--server", server) if server else ()), "--dns", "127.0.0.1", "--trust-anchor", self.names.anchor, "--device", "null", *options]
        state = self.path / f"phone-{self.n}"
        stdin = subprocess.PIPE if talks else subprocess.DEVNULL
        command = command or (() if talks else ("register",))
        return Phone(state, aor, "sesame", command, ca=ca or self.ca.pem, options=words, netns=self.netns, stdin=stdin)

    def close(self):
        self.a.stop()
        self.b.stop()
        self.names.stop()
        self.netns.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("domains"))
    yield site
    site.close()


def test_phones_of_two_domains_call_each_other(site):
    """The first server of b.example is dead: the second is tried."""
    with site.phone("sips:bob@b.example", "answer") as bob:
        bob.wait_event("registered")
        with site.phone("sips:alice@a.example", "call", "sips:bob@b.example", options=("--for", "1")) as alice:
            alice.wait_event("established", 20)
            assert alice.wait(20) == 0
        assert bob.wait_event("incoming")["from"] == "sips:alice@a.example"
        assert bob.wait_event("ended")["cause"] == "hung-up-there"
    assert site.a.wait_for(r"flow.opened.*peer=127\.0\.0\.3:5061.*verified=\"b\.example\"")
    assert site.b.wait_for(r"flow.opened.*verified=\"a\.example\"")


def test_and_the_other_way_round_with_the_callee_hanging_up(site):
    with site.talking("sips:carol@a.example") as carol:
        with site.phone("sips:bob@b.example", "call", "sips:carol@a.example") as bob:
            carol.wait_event("incoming", 20)
            carol.send_line("answer")
            bob.wait_event("established", 20)
            carol.send_line("hangup")
            assert bob.wait_event("ended")["cause"] == "hung-up-there"


def test_a_call_that_is_not_answered_is_cancelled(site):
    with site.talking("sips:bob@b.example") as bob:
        with site.phone("sips:alice@a.example", "call", "sips:bob@b.example", options=("--ring", "2")) as alice:
            bob.wait_event("incoming", 20)
            alice.wait(30)
        assert bob.wait_event("ended", 20)["cause"] == "cancelled"


def test_a_message_goes_to_the_other_domain(site):
    with site.talking("sips:bob@b.example") as bob:
        with site.phone("sips:alice@a.example", "message", "sips:bob@b.example", "good morning") as alice:
            assert alice.wait(20) == 0
        assert bob.wait_event("message")["text"] == "good morning"


def test_an_unknown_user_there_is_unknown(site):
    with site.phone("sips:alice@a.example", "call", "sips:nobody@b.example") as alice:
        alice.wait(20)
        assert "404" in str(alice.events)


def test_a_server_that_proves_another_domain_gets_no_call(site):
    """The machine of b.example answers for c.example as well, and has no certificate for it."""
    with site.phone("sips:alice@a.example", "call", "sips:bob@c.example") as alice:
        assert alice.wait(20) != 0
    line = site.a.wait_for(r"request.refused.*status=502")
    assert "b.example" in line and "c.example" in line and "RFC 5922" in line


def test_a_domain_that_is_not_there_is_told(site):
    with site.phone("sips:alice@a.example", "call", "sips:bob@nowhere.example") as alice:
        assert alice.wait(20) != 0
    assert "nowhere.example" in site.a.wait_for(r"request.refused.*status=404.*no such host")


def test_a_server_of_an_unknown_ca_is_not_believed_either_way(site):
    """Its phones call a.example: there its certificate proves nothing."""
    other = CA(site.path / "other-ca", "another CA")
    site.b.stop()
    with site.serve("b", "127.0.0.3", ca=other, state="forged") as forged:
        site.add(forged, "bob@b.example")
        with site.phone("sips:alice@a.example", "call", "sips:bob@b.example") as alice:
            assert alice.wait(30) != 0
        assert "leads to no CA that is trusted here" in site.a.wait_for(r"request.refused.*status=502.*bob@b\.example")
        with site.phone("sips:bob@b.example", "call", "sips:alice@a.example", ca=other.pem) as bob:
            assert bob.wait(30) != 0
        assert "proves nothing" in site.a.wait_for(r"request.refused.*status=403.*from=\"bob@b\.example\"")
    site.b = site.serve("b", "127.0.0.3")


@pytest.mark.parametrize(
    "how, why",
    [
        (("plain",), "does not speak TLS"),
        (("self-signed",), "signed by itself"),
        (("other-domain",), "names b.example"),
        (("old-tls",), "version"),
        (("refuse",), "nobody listens there"),
    ],
)
def test_an_attacker_on_the_way_hears_no_word(site, how, why):
    """Whoever answers for e.example, and waits in clear beside it: the call fails, and nothing is said to him."""
    pem, key = site.ca.issue("b.example", file="attacker")
    with Program([sys.executable, ATTACKER, "127.0.0.6", *how, pem, key], netns=site.netns) as attacker:
        attacker.wait_for("listening")
        before = len(site.a.lines)
        for scheme in ("sips", "sip"):
            with site.phone("sips:alice@a.example", "message", f"{scheme}:bob@e.example", "a secret word") as alice:
                assert alice.wait(30) != 0
        line = site.a.wait_for(r"request.refused.*sip:bob@e\.example", since=before)
        assert why in line, line
        assert not [line for line in attacker.lines if "heard" in line], attacker.output


def test_a_pinned_certificate_is_that_one_and_no_other(site):
    with site.talking("sips:bob@b.example") as bob:
        for name, pin in (("right", fingerprint(site.path / "ca" / "b.example.pem")), ("wrong", "00" * 32)):
            with site.serve_with_pin(name, pin):
                with site.phone("sips:alice@a.example", "message", "sips:bob@b.example", name, server="127.0.0.4:5061") as alice:
                    assert (alice.wait(30) == 0) == (name == "right"), alice.output
        assert bob.wait_event("message")["text"] == "right"
        assert len([event for event in bob.events if event["event"] == "message"]) == 1


def test_a_peer_may_have_a_ca_of_its_own_which_counts_for_nobody_else(site):
    """pbx.d.example shows a certificate of a CA that a.example trusts for it alone; b.example does not know that CA."""
    own = CA(site.path / "own-ca", "the CA of d.example")
    peers = f"peers:\n  trunk:\n    domains: d.example\n    trust: {own.pem}\n"
    off = ("--smime", "off")  # what the phones trust is another matter
    with site.serve("d", "127.0.0.7", ca=own) as d, site.serve_with("trusting", peers) as a:
        site.add(d, "dora@d.example")
        with site.phone("sips:dora@d.example", "answer", ca=own.pem, options=off) as dora:
            dora.wait_event("registered", 20)
            with site.phone("sips:alice@a.example", "call", "sips:dora@d.example", options=("--for", "1", *off), server="127.0.0.4:5061") as alice:
                alice.wait_event("established", 20)
                assert alice.wait(30) == 0, a.output
            assert dora.wait_event("incoming")["from"] == "sips:alice@a.example"
        assert a.wait_for(r'flow.opened.*verified="d\.example/trunk"')
        with site.phone("sips:dora@d.example", "call", "sips:alice@a.example", ca=own.pem, options=off) as dora:
            dora.wait(30)  # by way of the other server of a.example, which does not know the CA
        assert "leads to no CA that is trusted here" in site.a.wait_for(r"request.refused.*status=403.*from=\"dora@d\.example\"")
    # a certificate of the common CA for d.example is not what the peer has to show
    with site.serve("d", "127.0.0.7", state="d2"), site.serve_with("strict", peers) as a:
        with site.phone("sips:alice@a.example", "call", "sips:dora@d.example", options=off, server="127.0.0.4:5061") as alice:
            assert alice.wait(30) != 0
        assert "leads to no CA that is trusted here" in a.wait_for(r"request.refused.*status=502")


def test_a_wildcard_counts_for_sip_where_the_configuration_says_so_and_never_for_sips(site):
    pem, key = site.ca.issue("w.example", ["*.w.example"])
    peers = "peers:\n  wild:\n    domains: w.example\n    address: 127.0.0.8:5061\n    proves: sbc.w.example\n    exceptions: wildcard\n"
    farm = [sys.executable, ATTACKER, "127.0.0.8", "other-domain", pem, key]
    with Program(farm, netns=site.netns) as heard, site.serve_with("wild", peers) as a:
        heard.wait_for("listening")
        assert "a wildcard in its certificate is taken" in a.wait_for("about.peer")
        assert "wild for w.example, a wildcard counts for sip" in sealine("status", "--state", a.state)[1]
        with site.phone("sips:alice@a.example", "call", "sips:bob@w.example", server="127.0.0.4:5061") as alice:
            assert alice.wait(30) != 0
        assert "the connection was for sbc.w.example" in a.wait_for(r"request.refused.*status=502")
        assert "heard" not in heard.output
        with site.phone("sips:alice@a.example", "call", "sip:bob@w.example", server="127.0.0.4:5061"):
            assert a.wait_for(r'flow.opened.*verified="sbc\.w\.example/wild:sip"')
            heard.wait_for("heard 5061 .*INVITE sip:bob@w.example")


def test_the_dialog_goes_on_when_one_of_the_servers_has_restarted(site):
    with site.phone("sips:bob@b.example", "answer") as bob:
        bob.wait_event("registered", 20)
        with site.phone("sips:alice@a.example", "call", "sips:bob@b.example", options=("--for", "12")) as alice:
            alice.wait_event("established", 20)
            site.b.stop()
            site.b = site.serve("b", "127.0.0.3")
            bob.wait_event("registered", 30, nth=2)
            assert alice.wait(40) == 0
        assert bob.wait_event("ended", 20)["cause"] == "hung-up-there"
