"""Who guesses passwords, scans and floods: put off, shut out, and no trouble for anybody else."""

import contextlib
import json
import socket
import ssl
import time

import pytest

from programs import Server, sealine, slow
from sealine_e2e import Client, Closed, control
from sealine_peer import Peer

ATTACKER, OTHER, HOME = "127.0.0.66", "127.0.0.77", "127.0.0.1"
ALICE = "alice@localhost"
PASSWORD = "correct horse battery"

CONFIG = """
domains: [localhost]
listen: ["tls:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:127.0.0.1:0"]
never-ban: [127.0.0.1]
"""


def serve(directory, extra=""):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sealined.yaml").write_text(CONFIG + extra)
    return Server(directory / "state", listen=(), options=("-c", directory / "sealined.yaml"))


@pytest.fixture
def server(tmp_path):
    with serve(tmp_path, "workers: 1\n") as server:
        server.add_account(ALICE, PASSWORD)
        yield server


class From(Client):
    """A client with a source address of its own, and a guess for a password."""

    def __init__(self, server, source, transport="tls", aor=ALICE, password=PASSWORD):
        tls = transport == "tls"
        self._start(aor, password, "sips" if tls else "sip", transport.upper())
        if transport == "udp":
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.bind((source, 0))
            self.sock.connect(("127.0.0.1", server.port("udp")))
        else:
            self.sock = socket.create_connection(("127.0.0.1", server.port(transport)), slow(10), (source, 0))
        if tls:
            self.sock = ssl.create_default_context(cafile=str(server.ca)).wrap_socket(self.sock, server_hostname="localhost")
        self.contact = f"<{self.scheme}:{self.user}@{source}:5099>"

    def register(self):
        return self.ask("REGISTER", f"{self.scheme}:localhost", to=f"{self.scheme}:{self.aor}")


def guess(server, source, transport="tls", aor=ALICE, tries=1):
    """Wrong passwords on one connection; the statuses, "closed" at the end if it was."""
    seen = []
    with contextlib.suppress(Closed, ConnectionError, ssl.SSLError, TimeoutError):
        with From(server, source, transport, aor, "a guess") as client:
            for _ in range(tries):
                seen.append(client.register().status)
            return seen
    return seen + ["closed"]


def counts(server):
    """The sum of what the workers refused, by reason, and of the transport's own figures."""
    total = {}
    for worker in control(server.state, "status")["workers"]:
        for key, value in {**worker, **worker["refused"]}.items():
            if isinstance(value, int):
                total[key] = total.get(key, 0) + value
    return total


def bans(server):
    status, text, errors = sealine("ban", "list", "--json", "--state", server.state)
    assert status == 0, errors
    return {ban["address"]: ban for ban in json.loads(text)["bans"]}


@pytest.mark.parametrize("aor", [ALICE, "nobody@localhost"], ids=["of an account", "of nobody"])
def test_who_guesses_has_to_wait_and_nobody_else_does(server, aor):
    seen = guess(server, ATTACKER, aor=aor, tries=6)
    assert seen == [401] * 5 + [503]
    with From(server, ATTACKER, aor=aor) as client:
        refused = client.register()
    assert refused.status == 503 and int(refused.get("Retry-After")) >= 1
    assert "too many wrong passwords" in refused.get("Warning")
    with From(server, OTHER) as alice:
        assert alice.register().status == 200
    assert counts(server)["wrong_credentials"] == 5
    assert counts(server)["backed_off"] == 2


def test_who_has_proven_himself_is_not_made_to_wait_for_what_others_do(server):
    with From(server, ATTACKER) as alice:
        assert alice.register().status == 200
        assert guess(server, ATTACKER, tries=6)[-1] == 503
        assert alice.register().status == 200


@pytest.mark.parametrize("transport", ["tls", "tcp"])
def test_who_goes_on_guessing_is_shut_out_and_who_has_proven_himself_stays(server, transport):
    with From(server, ATTACKER) as alice:
        assert alice.register().status == 200
        seen = []
        for i in range(40):
            seen = guess(server, ATTACKER, transport, f"user{i}@localhost")
            if seen == ["closed"]:
                break
        assert seen == ["closed"] and 29 <= i <= 32
        assert bans(server)[ATTACKER]["why"] == "wrong credentials"
        assert 0 < bans(server)[ATTACKER]["left"] <= 600
        assert alice.register().status == 200, "a ban never ends the flow of somebody proven"
        with From(server, OTHER) as elsewhere:
            assert elsewhere.register().status == 200
        assert guess(server, ATTACKER) == ["closed"]
        assert counts(server)["refused_banned"] >= 1
        assert sealine("ban", "lift", ATTACKER, "--state", server.state)[0] == 0
        assert bans(server) == {}
        with From(server, ATTACKER) as again:
            assert again.register().status == 200


def test_all_workers_know_who_is_shut_out(tmp_path):
    with serve(tmp_path, "workers: 2\n") as server:
        server.add_account(ALICE, PASSWORD)
        assert sealine("ban", "add", ATTACKER, "--state", server.state)[0] == 0
        assert [guess(server, ATTACKER) for _ in range(10)] == [["closed"]] * 10
        assert guess(server, OTHER) == [401]


def test_the_administrator_bans_and_lifts(server):
    tool = lambda *words: sealine("ban", *words, "--state", server.state)
    assert tool("add", OTHER, "15m")[0] == 0
    assert bans(server)[OTHER]["why"] == "the administrator"
    assert 880 <= bans(server)[OTHER]["left"] <= 900
    assert f"{OTHER} for " in tool("list")[1]
    assert guess(server, OTHER) == ["closed"]
    status, _, errors = tool("add", HOME)
    assert status == 1 and "never banned" in errors
    assert tool("add", "localhost")[0] == 2
    assert tool("add", OTHER, "15 minutes")[0] == 2
    assert tool("lift", OTHER)[0] == 0
    status, _, errors = tool("lift", OTHER)
    assert status == 1 and "not banned" in errors
    assert guess(server, OTHER) == [401]
    assert server.wait_for("source.pardoned peer=" + OTHER)


def test_all_that_are_shut_out_are_listed(server):
    addresses = {f"198.18.{i // 250}.{i % 250}" for i in range(5100)}
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(slow(20))
        sock.connect(str(server.state / "control.sock"))
        replies = sock.makefile("rb")
        for address in addresses:
            sock.sendall(json.dumps({"request": "ban-add", "address": address, "seconds": 3600}).encode() + b"\n")
            assert json.loads(replies.readline())["ok"]
    assert set(bans(server)) == addresses


def test_without_a_server_there_is_nobody_to_ask(tmp_path):
    status, _, errors = sealine("ban", "list", "--state", tmp_path)
    assert status == 1 and "no sealined runs there" in errors


def test_nobody_gets_a_third_party_banned_by_forged_datagrams(server):
    """The forger does not see our nonces, so he cannot put one into his credentials; malformed messages count for nothing."""
    with From(server, OTHER, "udp") as forger:
        for i in range(60):
            line = (
                'Authorization: Digest username="alice", realm="localhost", nonce="forged", uri="sip:localhost", '
                f'response="{i:064x}", algorithm=SHA-256, cnonce="1", qop=auth, nc=00000001'
            )
            forger.send(forger.request("REGISTER", "sip:localhost", to=f"sip:{ALICE}", headers=[line]))
            forger.send("REGISTER sip:localhost SIP/2.0\r\nVia: nothing\r\n\r\n")
            time.sleep(0.005)
    time.sleep(slow(0.5))
    assert bans(server) == {}
    with From(server, OTHER) as alice:
        assert alice.register().status == 200, "nor is the account put off there"


def test_who_guesses_over_udp_and_sees_our_nonces_is_shut_out(server):
    for i in range(40):
        seen = guess(server, ATTACKER, "udp", f"user{i}@localhost")
        if seen == ["closed"]:
            break
    assert bans(server)[ATTACKER]["why"] == "wrong credentials"


@pytest.mark.parametrize("what", ["scan", "relay", "noise", "handshake"])
def test_who_looks_around_is_shut_out(server, what):
    def one():
        if what == "handshake":
            with socket.create_connection(("127.0.0.1", server.port()), slow(5), (ATTACKER, 0)) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return sock.recv(1000) == b"" and "closed"
        with From(server, ATTACKER, "tcp") as client:
            for i in range(20):
                if what == "noise":
                    client.send("REGISTER sip:localhost SIP/2.0\r\nVia: nothing\r\nContent-Length: 0\r\n\r\n")
                elif what == "relay":
                    client.send(client.request("MESSAGE", "sip:+4930123456@elsewhere.example", headers=["To-Tag: x"]))
                else:
                    client.send(client.request("REGISTER", "sip:localhost", to=f"sip:{100 + i}@localhost"))
                try:
                    client.read(1)
                except TimeoutError:
                    pass
        return ""

    for _ in range(120):
        with contextlib.suppress(Closed, ConnectionError, TimeoutError):
            one()
        if ATTACKER in bans(server):
            break
    assert ATTACKER in bans(server)
    with From(server, OTHER) as alice:
        assert alice.register().status == 200


def test_a_reload_changes_who_is_never_banned(tmp_path):
    with serve(tmp_path) as server:
        assert sealine("ban", "add", OTHER, "--state", server.state)[0] == 0
        path = tmp_path / "sealined.yaml"
        path.write_text(path.read_text().replace("never-ban: [127.0.0.1]", "never-ban: [127.0.0.1, 127.0.0.64/26]"))
        assert control(server.state, "reload")["ok"]
        assert bans(server) == {}
        assert sealine("ban", "add", OTHER, "--state", server.state)[0] == 1


def test_half_open_handshakes_of_one_source_are_bounded(tmp_path):
    with serve(tmp_path, "workers: 2\nlimits: {handshakes-per-source: 20, handshake-seconds: 60}\n") as server:
        server.add_account(ALICE, PASSWORD)
        open_ones = [socket.create_connection(("127.0.0.1", server.port()), slow(5), (ATTACKER, 0)) for _ in range(100)]
        deadline = time.monotonic() + slow(10)
        while counts(server).get("refused_connections", 0) < 60 and time.monotonic() < deadline:
            time.sleep(0.1)
        status = control(server.state, "status")
        assert status["flows"]["handshaking"] <= 40, "20 for each of two workers"
        assert counts(server)["refused_connections"] >= 60
        with From(server, OTHER) as alice:
            assert alice.register().status == 200
        for sock in open_ones:
            sock.close()


def test_who_never_proves_himself_has_to_go_however_much_he_says(tmp_path):
    with serve(tmp_path, "limits: {proof-seconds: 2}\n") as server:
        server.add_account(ALICE, PASSWORD)
        with From(server, OTHER) as alice, From(server, ATTACKER) as stranger:
            assert alice.register().status == 200
            until = time.monotonic() + slow(8)
            with pytest.raises((Closed, ConnectionError, ssl.SSLError)):
                while time.monotonic() < until:
                    stranger.send("\r\n\r\n")
                    stranger.sock.settimeout(0.2)
                    with contextlib.suppress(TimeoutError):
                        if not stranger.sock.recv(100):
                            raise Closed()
            assert alice.register().status == 200
        assert counts(server)["closed_unproven"] >= 1


def test_an_account_has_an_allowance_of_requests(tmp_path):
    with serve(tmp_path, "limits: {requests-per-second: 1}\n") as server:
        server.add_account(ALICE, PASSWORD)
        with From(server, OTHER) as alice:
            assert alice.register().status == 200
            seen = [alice.ask("MESSAGE", "sips:nobody@localhost") for _ in range(12)]
            assert [m.status for m in seen[:5]] == [404] * 5
            refused = [m for m in seen if m.status == 503]
            assert refused and refused[-1].get("Retry-After") and "more requests than it may" in refused[-1].get("Warning")
        assert counts(server)["rate"] == len(refused)


def talk(alice, bob):
    """A call from one to the other, until it is ended."""
    number = alice.invite(f"sips:{bob.aor}")
    bob.respond(bob.take_invite(), 200, "OK")
    alice.remember(alice.expect(lambda m: m.status == 200 and m.get("CSeq") == f"{number} INVITE"))
    alice.inside("ACK", cseq=number)
    bob.take_request("ACK")


def invite_until_full(client, credentials, most=100):
    """INVITEs that nobody acknowledges, until one is refused for want of room: how many, and that response."""
    for i in range(most):
        client.send(client.request("INVITE", "sips:nobody@localhost", headers=credentials(i)))
        if (response := client.final()).status == 503:
            return i, response
    raise AssertionError("all of them found room")


def test_when_there_is_no_room_for_more_requests_calls_under_way_can_still_be_ended(tmp_path):
    with serve(tmp_path, "workers: 1\nlimits: {transactions: 100, ban-points: 0}\n") as server, contextlib.ExitStack() as stack:
        phones = {}
        for name in ("alice", "bob", "carol"):
            server.add_account(f"{name}@localhost", PASSWORD)
            phones[name] = stack.enter_context(Peer(server.port(), server.ca, f"{name}@localhost", PASSWORD))
            assert phones[name].register().status == 200
        alice, bob, carol = phones.values()
        talk(alice, bob)
        strangers = [stack.enter_context(From(server, OTHER)) for _ in range(4)]
        begun, refusals = zip(*(invite_until_full(stranger, lambda _: []) for stranger in strangers))
        assert begun == (16, 16, 16, 2)
        assert "[connection.overload]" in refusals[0].get("Warning") and "[server.strangers]" in refusals[-1].get("Warning")
        carol.send(carol.request("INVITE", "sips:nobody@localhost"))
        challenge = carol.final()
        carol.ack_failure(challenge, "sips:nobody@localhost")
        n, refusal = invite_until_full(carol, lambda _: [carol.answer_to(challenge, "INVITE", "sips:nobody@localhost")])
        assert n == 100 - 100 // 8 - 50 - 1, "the strangers' and the call's"
        assert refusal.get("Retry-After") == "10" and "[server.overload]" in refusal.get("Warning")
        assert carol.register().status == 503
        alice.inside("BYE")
        bob.respond(bob.take_request("BYE"), 200, "OK")
        assert alice.final().status == 200
        assert counts(server)["overload"] == 4 + 1 + 1
        assert server.wait_for(r"request.refused .*code=server.overload")
        path = tmp_path / "sealined.yaml"
        path.write_text(path.read_text().replace("transactions: 100", "transactions: 200"))
        assert "a change of limits: transactions needs a restart" in str(control(server.state, "reload"))
        path.write_text(path.read_text().replace("transactions: 200", "transactions: 100, requests-per-second: 300"))
        assert control(server.state, "reload")["ok"]
