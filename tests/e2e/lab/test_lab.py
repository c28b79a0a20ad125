"""
Four hops, each a link of its own: alice's phone, the edge proxy of her company, its server, bob's, and bob's phone. What is on each
link is captured: of what is said under sips, registrations by the edge included, nothing can be read on any of them, whether it comes to something or fails.
"""

import shutil

import netns
import pytest
import zone
from four_hops import FourHops

import capture

REASON = netns.can_be_made() or zone.can_be_served() or (None if shutil.which("tcpdump") else "tcpdump is not installed")
pytestmark = [pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.plain_only]

# What must not be readable: the methods, the names, and what was written. A server name in a handshake is no more than a domain.
# None of them has so few letters that what is encrypted holds it by chance, as it did "bob".
NAMES = ["alice@", "bob@", "Digest", "good morning"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = FourHops(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


class Watched:
    """Captures all links; at the end nothing was to be read on any, and on those that are given something was said."""

    def __init__(self, lab, *links):
        self.lab, self.links = lab, links

    def __enter__(self):
        self.captures = self.lab.captures()
        return self

    def __exit__(self, kind, *_):
        found = {name: capture.search_signalling(one.stop(), NAMES) for name, one in self.captures.items()}
        if kind is None:
            assert {name: (one["sip"], one["names"]) for name, one in found.items()} == {name: (0, []) for name in found}
            quiet = [name for name in self.links if found[name]["bytes"] < 500]
            assert not quiet, f"nothing was said on {quiet}"


def everything(lab, alice_aor, bob_aor):
    """Registrations, a message each way, a call each way, one that is given up, one that is declined, and a failure."""
    with lab.talking("bob", bob_aor) as bob, lab.talking("alice", alice_aor) as alice:
        for nth, there, here, whom in ((1, bob, alice, bob_aor), (2, alice, bob, alice_aor)):
            here.send_line(f"message {whom} good morning")
            assert there.wait_event("message", 20)["text"] == "good morning"
            here.wait_event("message-sent", 20)
            here.send_line(f"call {whom}")
            there.wait_event("incoming", 20)
            there.send_line("answer")
            assert here.wait_event("established", 20)["secure"]
            alice.send_line("hangup")
            for phone in (here, there):
                assert phone.wait_event("ended", 20, nth=nth)["cause"] == ("hung-up" if phone is alice else "hung-up-there")
        alice.send_line(f"call {bob_aor}")
        bob.wait_event("incoming", 20, nth=2)
        alice.send_line("hangup")
        assert bob.wait_event("ended", 20, nth=3)["cause"] == "cancelled"
        alice.wait_event("ended", 20, nth=3)
        alice.send_line(f"call {bob_aor}")
        bob.wait_event("incoming", 20, nth=3)
        bob.send_line("reject")
        bob.wait_event("ended", 20, nth=4)
        assert alice.wait_event("ended", 20, nth=4)["status"] in (480, 603)
        alice.send_line(f"call {bob_aor.replace('bob', 'nobody')}")
        assert alice.wait_event("ended", 20, nth=5)["status"] == 404


def test_nothing_can_be_read_on_any_of_four_hops(lab):
    with Watched(lab, "alice-edge", "edge-a", "a-b", "bob-b"):
        everything(lab, "sips:alice@a.example", "sips:bob@b.example")


def test_nor_with_kamailio_in_the_middle(lab):
    if not shutil.which("kamailio"):
        pytest.skip("kamailio is not installed")
    lab.add_kamailio()
    with Watched(lab, "alice-edge", "edge-kamailio", "kamailio-b", "bob-b"):
        everything(lab, "sips:alice@f.example", "sips:bob@c.example")


# What the attacker does, and the verdict of who speaks to him.
ATTACKS = {
    "plain": "tls.plain-text",
    "self-signed": "certificate.self-signed",
    "other-ca": "certificate.unknown-ca",
    "other-domain": "certificate.name-mismatch",
    "old-tls": "tls.version",
    "refuse": "domain.unreached",
}
PROVES = {"edge-a": "a.example", "a-b": "b.example", "alice-edge": "e.example", "bob-b": "b.example"}


class Attack:
    """Somebody on a link, who must not hear a word, nor see a name or a certificate of ours."""

    def __init__(self, lab, how, link):
        self.lab, self.link = lab, link
        wanted = PROVES[link] if how != "other-domain" else "somebody-else.example"
        self.mallory = lab.mallory(how, link, [wanted])

    def __enter__(self):
        self.mallory.wait_for("listening")
        self.lab.network.attack(self.link)
        return self.mallory

    def __exit__(self, kind, *_):
        self.lab.network.make_peace(self.link)
        self.mallory.stop()
        wire = b"".join(bytes.fromhex(line[5:]) for line in self.mallory.lines if line.startswith("wire "))
        if kind is None:
            assert not [line for line in self.mallory.lines if line.startswith(("heard", "shown"))], self.mallory.output
            assert not [name for name in NAMES + ["SIP/2.0"] if name.encode() in wire]


@pytest.fixture(scope="module")
def alice(lab):
    with lab.talking("alice", "sips:alice@a.example") as phone:
        yield phone


def fails(alice, whom="sips:bob@b.example"):
    """alice's message does not arrive; the event that says why."""
    n = len([event for event in alice.events if event["event"] == "message-failed"])
    alice.send_line(f"message {whom} good morning")
    return alice.wait_event("message-failed", 30, nth=n + 1)


@pytest.mark.parametrize("how", ATTACKS)
@pytest.mark.parametrize("link", ["edge-a", "a-b"])
def test_who_stands_between_two_servers_hears_nothing(lab, alice, link, how):
    """The server before the link says what is wrong, and alice is told; it is not tried otherwise."""
    server = lab.servers[link.split("-")[0]]
    since = len(server.lines)
    with Attack(lab, how, link):
        failed = fails(alice)
        line = server.wait_for(r"request.refused.*sips:bob@b\.example", since=since)
    assert failed['code'] == ATTACKS[how]
    assert f"code={ATTACKS[how]} " in line, line


PHONES = pytest.mark.parametrize(
    "link, aor", [("alice-edge", "sips:alice@a.example"), ("bob-b", "sips:bob@b.example")], ids=["alice-edge", "bob-b"]
)


@pytest.mark.parametrize("how", ATTACKS)
@PHONES
def test_who_stands_between_a_phone_and_its_server_hears_nothing(lab, link, aor, how):
    with Attack(lab, how, link):
        with lab.phone(link.split("-")[0], aor, "message", "sips:alice@a.example", "good morning") as phone:
            assert phone.wait(30) == (4 if how == "refuse" else 5)
            error = phone.wait_event("error")
    if how == "refuse":
        assert "nobody listens there" in error["text"]
    else:
        assert error["verdict"]["code"] == ATTACKS[how]
    assert not [event for event in phone.events if event["event"] in ("connected", "registered")]


@pytest.mark.parametrize("link", ["edge-a", "a-b"])
def test_a_request_that_is_cut_off_is_none(lab, alice, link):
    """The handshake is with the true server, and half of the first record behind it is all that gets through."""
    here, there = (lab.servers[name] for name in link.split("-"))
    since, since_there = len(here.lines), len(there.lines)
    with Attack(lab, "truncate", link) as mallory:
        assert fails(alice)["code"] == "domain.lost"
        mallory.wait_for("^cut")
        assert "code=domain.lost" in here.wait_for(r"request.refused.*sips:bob@b\.example", since=since)
    assert not [line for line in there.lines[since_there:] if "request." in line or "call_id" in line]


@PHONES
def test_a_registration_that_is_cut_off_is_none(lab, link, aor):
    server = lab.servers[link.split("-")[1]]
    since = len(server.lines)
    with Attack(lab, "truncate", link) as mallory:
        with lab.phone(link.split("-")[0], aor, "message", "sips:bob@b.example", "good morning") as phone:
            mallory.wait_for("^cut")
            assert phone.wait_event("error", 20)["cause"] == "server-gone"
    assert not [event for event in phone.events if event["event"] == "registered"]
    assert not [line for line in server.lines[since:] if "register." in line or "call_id" in line]


@PHONES
def test_what_a_phone_has_sent_is_noise_when_somebody_else_sends_it_again(lab, link, aor):
    """All of it: the handshake, the registration with its answer to the challenge, and the message."""
    server, home = lab.servers[link.split("-")[1]], lab.servers["a" if link == "alice-edge" else "b"]
    with Attack(lab, "replay", link) as mallory:
        since, since_home = len(server.lines), len(home.lines)
        with lab.phone(link.split("-")[0], aor, "message", "sips:nobody@b.example", "good morning") as phone:
            mallory.wait_for("^replayed")
            phone.wait_event("message-failed", 20)
            assert "tls.failed" in server.wait_for(r"tls\.failed", since=since)
        home.wait_for("register.ok", since=since_home)
    assert len([line for line in home.lines[since_home:] if "register.ok" in line and "bindings=0" not in line]) == 1


def test_what_is_sent_again_by_somebody_else_is_noise(lab, alice):
    since = len(lab.servers["b"].lines)
    with lab.talking("bob", "sips:bob@b.example") as bob:
        with Attack(lab, "replay", "a-b") as mallory:
            alice.send_line("message sips:bob@b.example good morning once")
            assert bob.wait_event("message", 20)["text"] == "good morning once"
            mallory.wait_for("^replayed")
            assert "tls.failed" in lab.servers["b"].wait_for(r"tls\.", since=since)
        assert len([event for event in bob.events if event["event"] == "message"]) == 1


@pytest.mark.parametrize("domain", ["forged.example", "stripped.example"])
def test_records_that_are_forged_or_stripped_lead_nowhere(lab, alice, domain):
    """Not for the server, nor for a phone that looks for its own; and not to what stands beside them in clear."""
    since = len(lab.servers["a"].lines)
    failed = fails(alice, f"sips:bob@{domain}")
    line = lab.servers["a"].wait_for(rf"request.refused.*sips:bob@{domain}", since=since)
    assert failed["status"] == 502 and "DNSSEC" in failed["text"] and "DNSSEC" in line
    with lab.phone("bob", f"sips:bob@{domain}") as phone:
        assert phone.wait_event("error", 20)["cause"] == "bogus-dns"
    assert not [event for event in phone.events if event["event"] == "connected"]


def test_who_speaks_under_sip_for_somebody_else_is_refused(lab):
    """A certificate of the CA that all trust, and a request as it would be if sips were rewritten to sip on the way."""
    mallory = lab.mallory("rewrite", "a-b", ["somebody-else.example"])
    answer = mallory.wait_for("^answered")
    assert " 403 " in answer and "[domain.mismatch]" in answer and "somebody-else.example" in answer
    assert mallory.wait() == 0


# -- DANE (RFC 6698): what the DNS says of certificates


def test_a_key_in_the_dns_proves_a_server_that_no_ca_does(lab, alice):
    """The phone finds its server by it as well, and has none of the CA that issued the certificate."""
    with lab.talking("bob", "sips:bob@d.example") as bob:
        alice.send_line("message sips:bob@d.example good morning")
        assert bob.wait_event("message", 20)["text"] == "good morning"


def test_a_good_certificate_is_none_where_the_dns_has_another_key(lab, alice):
    since = len(lab.servers["a"].lines)
    assert fails(alice, "sips:bob@g.example")["code"] == "certificate.dane-mismatch"
    line = lab.servers["a"].wait_for(r"request.refused.*sips:bob@g\.example", since=since)
    assert "TLSA" in line and "status=502" in line


def test_where_the_configuration_demands_a_key_in_the_dns_there_has_to_be_one(lab, alice):
    failed = fails(alice, "sips:bob@h.example")
    assert failed["status"] == 502 and "DNSSEC proves no TLSA record" in failed["text"], failed
