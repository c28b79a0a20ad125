"""sealphone finds the server of its domain by the DNS (RFC 3263): a signed zone, served by nsd in a network namespace."""

import sys
import time

import netns
import pytest
import zone

from programs import BUILD, Phone, Program, Server, run, slow
from sealine_e2e import control, digests

REASON = netns.can_be_made() or zone.can_be_served()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

# The server listens at 127.0.0.2; nobody does at 127.0.0.3; at 127.0.0.4 somebody is silent.
RECORDS = """
phones       NAPTR 20 50 "s" "SIP+D2T"  "" _sip._tcp.phones
phones       NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.farm
_sips._tcp.farm   SRV 10 0 5071 pbx.farm
_sip._tcp.phones  SRV 10 0 5070 pbx.farm
pbx.farm     A 127.0.0.2

_sips._tcp.dead   SRV 10 0 5071 gone.farm
_sips._tcp.dead   SRV 20 0 5071 pbx.farm
gone.farm    A 127.0.0.3

_sips._tcp.silent SRV 10 0 5071 mute.farm
_sips._tcp.silent SRV 20 0 5071 pbx.farm
mute.farm    A 127.0.0.4

_sips._tcp.forged SRV 10 0 5071 pbx.forged
pbx.forged   A 127.0.0.99

plain        A 127.0.0.2
_sips._tcp.closed SRV 0 0 0 .
closed       A 127.0.0.2
"""
DOMAINS = ("phones", "dead", "silent", "forged", "plain", "closed")
FORGED = [(r"^(pbx\.forged\.example\.\s.*\sA\s+)127\.0\.0\.99$", r"\g<1>127.0.0.2")]

SILENT = "import socket, time; s = socket.create_server(('127.0.0.4', 5071)); print('listening', flush=True); time.sleep(600)"


class Site:
    def __init__(self, path):
        self.path, self.n = path, 0
        self.netns = netns.Namespace(names=("hosts.example",))
        self.names = zone.NameServer(path / "names", "example", RECORDS, self.netns, forge=FORGED)
        options = [word for name in DOMAINS for word in ("--domain", f"{name}.example")]
        self.server = Server(
            path / "server", listen=("127.0.0.2:5071", "127.0.0.2:5061", "tcp:127.0.0.2:5070"), options=options, netns=self.netns
        )
        for name in DOMAINS:
            for user in ("alice", "bob"):
                assert control(self.server.state, "user-add", **digests(f"{user}@{name}.example", "sesame"))["ok"]

    def phone(self, aor, *command, options=(), dns="127.0.0.1", anchor=None, server=None):
        self.n += 1
        words = ["--dns", dns, "--trust-anchor", anchor or self.names.anchor, "--device", "null", *options]
        return Phone(
            self.path / f"phone-{self.n}", aor, "sesame", command or ("register",), ca=(server or self.server).ca, options=words, netns=self.netns
        )

    def close(self):
        self.server.stop()
        self.names.stop()
        self.netns.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("dns"))
    yield site
    site.close()


def test_the_server_is_found_by_naptr_and_srv_records_over_dnssec(site):
    with site.phone("sips:alice@phones.example") as phone:
        connected = phone.wait_event("connected")
        phone.wait_event("registered")
    assert connected["server"] == "pbx.farm.example"
    assert connected["address"] == "127.0.0.2:5071"
    assert connected["verified"] == "phones.example"
    assert connected["dnssec"] == "secure"


def test_a_call_s_report_says_what_the_dns_was_worth(site):
    with site.phone("sips:bob@phones.example", "answer") as bob:
        bob.wait_event("registered")
        with site.phone("sips:alice@phones.example", "call", "bob", options=("--for", "1")) as alice:
            established = alice.wait_event("established")
            assert alice.wait(20) == 0
    assert established["dnssec"] == "secure"
    assert any("pbx.farm.example" in line and "DNSSEC" in line for line in established["report"]), established["report"]


def test_without_a_trust_anchor_the_dns_proves_nothing_but_the_certificate_does(site):
    with site.phone("sips:alice@phones.example", anchor="none") as phone:
        connected = phone.wait_event("connected")
    assert connected["dnssec"] == "unsigned"
    assert connected["verified"] == "phones.example"


def test_an_address_of_sip_over_tcp_is_found_by_its_own_records(site):
    with site.phone("sip:alice@phones.example", options=("--transport", "tcp")) as phone:
        assert phone.wait_event("connected")["address"] == "127.0.0.2:5070"
        phone.wait_event("registered")


def test_without_srv_records_the_domain_s_own_address_is_used(site):
    with site.phone("sips:alice@plain.example") as phone:
        connected = phone.wait_event("connected")
    assert (connected["server"], connected["address"], connected["dnssec"]) == ("plain.example", "127.0.0.2:5061", "secure")


def test_a_forged_record_leads_nowhere_and_is_told_as_such(site):
    with site.phone("sips:alice@forged.example", "call", "bob") as phone:
        assert phone.wait(20) == 8
        error = phone.wait_event("error")
    assert error["cause"] == "bogus-dns"
    assert "pbx.forged.example" in error["text"] and "DNSSEC" in error["text"]
    assert not any(event["event"] == "connected" for event in phone.events)


def test_the_next_server_is_tried_when_the_first_one_is_dead(site):
    with site.phone("sips:alice@dead.example") as phone:
        connected = phone.wait_event("connected")
    assert connected["address"] == "127.0.0.2:5071"


def test_the_next_server_is_tried_when_the_first_one_is_silent(site):
    with Program([sys.executable, "-c", SILENT], netns=site.netns) as silent:
        silent.wait_for("listening")
        with site.phone("sips:alice@silent.example") as phone:
            connected = phone.wait_event("connected", 15)
    assert connected["address"] == "127.0.0.2:5071"


def test_a_service_that_is_not_offered_is_not_looked_for_elsewhere(site):
    with site.phone("sips:alice@closed.example", "call", "bob") as phone:
        assert phone.wait(20) == 4
        assert "no such service" in phone.wait_event("error")["text"]


def test_a_domain_that_is_not_there_is_told(site):
    with site.phone("sips:alice@nobody.example", "call", "bob") as phone:
        assert phone.wait(20) == 4
        assert "no such host" in phone.wait_event("error")["text"]


def test_the_certificate_has_to_name_the_domain_not_the_host_of_the_srv_record(site):
    """RFC 5922 §7.3; phones.example is proven by the server of the tests above."""
    with Server(site.path / "other", listen=("127.0.0.3:5071",), options=("--domain", "gone.farm.example"), netns=site.netns) as other:
        with site.phone("sips:alice@dead.example", "call", "bob", server=other) as phone:
            assert phone.wait(20) == 5
            error = phone.wait_event("error")
    assert error["cause"] == "certificate"
    assert "gone.farm.example" in error["text"] and "dead.example" in error["text"], error["text"]
    assert not any(event["event"] == "connected" for event in phone.events)


def test_a_name_of_the_hosts_file_needs_no_name_server(site):
    """Nobody serves names at 127.0.0.9; that the NAPTR and SRV records are not to be had does not matter."""
    with Server(site.path / "hosts", listen=(f"{netns.ADDRESS}:5061",), options=("--domain", "hosts.example"), netns=site.netns) as server:
        with site.phone("sips:alice@hosts.example", dns="127.0.0.9", server=server) as phone:
            assert phone.wait_event("connected", 20)["address"] == f"{netns.ADDRESS}:5061"


def test_localhost_needs_no_name_server_and_no_time(site):
    with Server(site.path / "localhost", listen=("127.0.0.1:5061", "[::1]:5061"), netns=site.netns) as server:
        assert control(server.state, "user-add", **digests("alice@localhost", "sesame"))["ok"]
        began = time.monotonic()
        with site.phone("sips:alice@localhost", dns="127.0.0.9", server=server) as phone:
            connected = phone.wait_event("connected")
            took = time.monotonic() - began
            phone.wait_event("registered")
    assert connected["verified"] == "localhost"
    assert took < slow(2)


@pytest.mark.parametrize(
    "options, status",
    [
        (("--dns", "names.example"), 2),
        (("--dns", "127.0.0.1:0"), 2),
        (("--trust-anchor", "/nonexistent"), 3),
        (("--trust-anchor", "/etc/passwd"), 3),
    ],
)
def test_bad_options_are_refused(site, options, status):
    secret = site.path / "secret"
    secret.write_text("sesame\n")
    words = [BUILD / "sealphone", "--aor", "sips:alice@phones.example", "--password-file", secret, "--state", site.path / "bad"]
    done, _, errors = run([*words, *options, "register"], netns=site.netns)
    assert done == status
    assert "sealphone: " in errors
