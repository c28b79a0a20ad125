"""Accounts that show a certificate in TLS (RFC 3261 §26.3.2.1): the phone's own, those of a CA of the domain, and what is none."""

import re
import signal
import time

import pytest
from pki import CA
from programs import Server, sealine, slow
from sealine_e2e import Client, Closed


def eventually(holds):
    """A reload is told when it is ordered; each worker changes over in its own turn, three times in a row for good measure."""
    until = time.monotonic() + slow(10)
    n = 0
    while n < 3:
        n = n + 1 if holds() else 0
        assert n > 0 or time.monotonic() < until
        if n == 0:
            time.sleep(0.05)


def say(server, *lines):
    status, _, errors = sealine("user", "policy", *lines, "--state", server.state)
    assert status == 0, errors


def test_a_phone_shows_the_certificate_that_its_domain_has_given_it(site, tmp_path):
    state = tmp_path / "alice"
    first = site.talking("alice", "--state", state)
    first.wait_event("certificate-obtained")
    first.send_line("quit")
    assert first.wait() == 0, first.output

    say(site.server, "alice@localhost", "client-certificate=instead")
    # the password alone is worth nothing any more, and the right one is not told from a wrong one without it
    with Client(site.server.port(), site.server.ca, password="alice-sesame") as thief:
        refused = thief.register()
        assert refused.status == 403 and "[policy.client-certificate]" in refused.get("Warning")
    with Client(site.server.port(), site.server.ca, password="guessed") as thief:
        assert thief.register().status == 401
    bob = site.answering("bob")
    alice = site.phone("alice", "message", "sips:bob@localhost", "hello", options=("--state", state, "--client-certificate", "instead"), password="not this")
    assert alice.wait() == 0, alice.output
    bob.wait_event("message", text="hello")
    assert 'user="alice@localhost"' in site.server.output

    # beside: both are needed
    say(site.server, "alice@localhost", "client-certificate=beside")
    alone = site.phone("alice", "register", options=("--state", state, "--client-certificate", "instead"))
    assert alone.wait() != 0 and "wrong-password" in alone.output
    both = site.phone("alice", "register", options=("--state", state, "--client-certificate", "beside"))
    both.wait_event("registered")

    # the lost device: its key proves nothing any more, on the connection that stands neither
    status, listed, errors = sealine("cert", "list", "--state", site.server.state)
    assert status == 0, errors
    (digest,) = [line.split()[1] for line in listed.splitlines() if line.startswith("alice@localhost")]
    status, _, errors = sealine("cert", "revoke", "alice@localhost", digest, "--state", site.server.state)
    assert status == 0, errors
    say(site.server, "alice@localhost", "client-certificate=instead")
    gone = site.phone("alice", "register", options=("--state", state, "--client-certificate", "instead"))
    assert gone.wait() != 0 and "wrong-password" in gone.output


def test_a_phone_without_a_certificate_says_so(site):
    phone = site.phone("alice", "register", options=("--client-certificate", "instead"))
    assert phone.wait() != 0
    assert "there is no certificate of ours yet" in phone.output


def test_a_domain_knows_its_users_by_a_ca_of_its_own(tmp_path):
    ca, strange = CA(tmp_path / "ca"), CA(tmp_path / "strange")
    alice = ca.issue_user("alice@localhost", "alice")
    revoked = ca.issue_user("alice@localhost", "revoked")
    bob = ca.issue_user("bob@localhost", "bob")
    others = {
        "another domain's": ca.issue_user("alice@example.org", "far"),
        "for servers": ca.issue_user("alice@localhost", "server", usage="serverAuth"),
        "by another CA": strange.issue_user("alice@localhost"),
    }
    crl = tmp_path / "crl.pem"
    crl.write_text(ca.revocations())
    file = tmp_path / "sealined.yaml"
    file.write_text(f"crl: {crl}\ndomains:\n  - name: localhost\n    client-certificate: either\n    user-ca: {ca.pem}\n")
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        for user in ("alice", "bob"):
            server.add_account(f"{user}@localhost", "sesame")

        def uri_of(client):
            return f"sips:{client.domain}"

        def asks(shows):
            with Client(server.port(), server.ca, password="sesame", shows=shows) as client:
                client.send(client.request("REGISTER", uri_of(client), to="sips:alice@localhost"))
                return client.final().status

        assert asks(alice) == 200
        assert asks(revoked) == 200
        # who will be locked out is told of before; nobody else is
        assert not [line for line in server.lines if "certificate.user-ends" in line]
        assert asks(ca.issue_user("alice@localhost", "old", days=3)) == 200
        assert re.search(r'user="alice@localhost" hours_left=7[12] why=', server.wait_for("warning certificate.user-ends"))
        assert asks(None) == 401
        assert asks(bob) == 403  # he is known, and may not register her
        for what, shows in others.items():
            assert asks(shows) == 401, what
        with Client(server.port(), server.ca, password="sesame") as client:
            assert client.register().status == 200

        # what the CA has taken back, on the connections that stand too; resumed sessions included
        with (
            Client(server.port(), server.ca, password="sesame", shows=revoked) as lost,
            Client(server.port(), server.ca, password="sesame", shows=alice) as kept,
        ):
            for client in (lost, kept):
                client.send(client.request("REGISTER", uri_of(client), to="sips:alice@localhost"))
                assert client.final().status == 200
            crl.write_text(ca.revocations(revoked[0]))
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(r"\breloaded\b|certificates.changed")
            assert lost.is_closed()
            server.wait_for('flow.lost .*why="its certificate was revoked meanwhile"')
            kept.send(kept.request("REGISTER", uri_of(kept), to="sips:alice@localhost"))
            assert kept.final().status == 200
        eventually(lambda: asks(revoked) == 401)
        assert asks(alice) == 200
        # what the domain asks for now: from the next connection on
        file.write_text(file.read_text().replace("either", "instead"))
        since = len(server.lines)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(r"\breloaded\b", since=since)

        def registers():
            with Client(server.port(), server.ca, password="sesame") as client:
                return client.register().status

        eventually(lambda: registers() == 403)
        say(server, "alice@localhost", "client-certificate=no")
        assert asks(alice) == 401
        with Client(server.port(), server.ca, password="sesame") as client:
            assert client.register().status == 200


def test_what_a_certificate_proves_ends_with_it(tmp_path):
    """On the connection that stands, too: a phone that has a new one by then shows it on the next."""
    ca = CA(tmp_path / "ca")
    file = tmp_path / "sealined.yaml"
    file.write_text(f"domains:\n  - name: localhost\n    client-certificate: instead\n    user-ca: {ca.pem}\n")
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        server.add_account("alice@localhost", "sesame")

        def asks(client):
            client.send(client.request("REGISTER", "sips:localhost", to="sips:alice@localhost"))
            return client.final().status

        lasting, brief = ca.issue_user("alice@localhost"), ca.issue_user("alice@localhost", "brief", seconds=int(slow(3)))
        with Client(server.port(), server.ca, password="sesame", shows=lasting) as other:
            assert asks(other) == 200
            with Client(server.port(), server.ca, password="sesame", shows=brief) as client:
                assert asks(client) == 200
                assert "flow.lost" not in server.output
                line = server.wait_for("info flow.lost", seconds=15)
                assert 'why="the certificate that its user has shown has ended"' in line
                with pytest.raises(Closed):
                    client.read()
            assert asks(other) == 200
        with Client(server.port(), server.ca, password="sesame", shows=brief) as late:
            assert asks(late) == 401
