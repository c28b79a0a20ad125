"""The certificates of sealined: several domains, several kinds of key, what is refused, what is warned of."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from pki import CA, fingerprint, shown
from programs import BUILD, Phone, Program, Server, run, slow
from sealine_e2e import Client
from sealine_peer import Peer, describe


@pytest.fixture
def ca(tmp_path):
    return CA(tmp_path / "ca")


def configure(tmp_path, text):
    file = tmp_path / "sealined.yaml"
    file.write_text(text)
    return file


def refuses(tmp_path, text):
    """What a server says that does not start with this configuration."""
    status, _, errors = run([BUILD / "sealined", "--state", tmp_path / "refused", "-c", configure(tmp_path, text)])
    assert status == 2, errors
    return errors


def test_shows_each_domain_its_own_certificates(ca, tmp_path):
    a, a_key = ca.issue("a.example")
    a_rsa, a_rsa_key = ca.issue("a.example", rsa=True, file="a-rsa")
    b, b_key = ca.issue("b.example")
    common, common_key = ca.issue("c.example", ["c.example", "a.example"])
    file = configure(
        tmp_path,
        f"""
certificate: {common}
key: {common_key}
advertise: a.example
domains:
  - name: a.example
    certificate: [{a}, {a_rsa}]
    key: [{a_key}, {a_rsa_key}]
  - name: b.example
    certificate: {b}
    key: {b_key}
  - c.example
""",
    )
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        rsa_only = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]
        for name, certificate, options in (
            ("a.example", a, []),
            ("a.example", a_rsa, rsa_only),
            ("b.example", b, []),
            ("c.example", common, []),
            ("unknown.example", common, []),  # RFC 6066 §3: it may go on with another
        ):
            assert shown(server.port(), name, *options, ca=ca.pem) == (fingerprint(certificate), True), name
        assert shown(server.port(), "b.example", *rsa_only) is None  # b.example has no such certificate

        # one of them is changed, the others stay
        since = len(server.lines)
        ca.issue("b.example")
        server.signal(signal.SIGHUP)
        server.wait_for("info reloaded", since=since)
        assert shown(server.port(), "b.example", ca=ca.pem) == (fingerprint(b), True)
        assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(a), True)


@pytest.mark.parametrize(("where", "host"), [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "::1")], ids=["IPv4", "IPv6"])
def test_who_listens_everywhere_writes_the_name_that_the_certificate_proves(ca, tmp_path, where, host):
    """Record-Route, Via and Service-Route: nowhere the address to which somebody happened to connect, or 0.0.0.0."""
    pem, key = ca.issue("a.example", ["a.example", "sip.a.example"])
    edge = ca.issue("edge.example")
    config = configure(
        tmp_path,
        f"domains: [a.example]\nlisten: ['{where}']\ncertificate: {pem}\nkey: {key}\ntrust: {ca.pem}\nadvertise: sip.a.example\nworkers: 1\n"
        "registrar: {service-route: yes}\npeers:\n  edge: {domains: edge.example, edge-for: a.example}\n",
    )
    with Server(tmp_path / "state", listen=(), options=["-c", str(config)]) as server:
        for user in ("alice", "bob"):
            server.add_account(f"{user}@a.example", "secret")
        alice, bob = (Peer(server.port(), ca.pem, f"{user}@a.example", host=host) for user in ("alice", "bob"))
        behind = Client(server.port(), ca.pem, "alice@a.example", host=host, shows=edge)
        written = []
        with alice, bob, behind:
            assert bob.register().status == 200
            alice.invite("sips:bob@a.example")
            invite = bob.take_invite()
            bob.respond(invite, 200, "OK", body=describe())
            answer = alice.final()
            behind.contact = '<sips:x@192.0.2.7>;+sip.instance="<urn:uuid:1>";reg-id=1'
            registered = behind.register(headers=["Path: <sips:token@edge.example;lr;ob>", "Supported: path, outbound"])
            assert answer.status == registered.status == 200, (answer, registered)
            for message, name in ((invite, "Record-Route"), (answer, "Record-Route"), (registered, "Service-Route")):
                values = message.all(name)
                assert values and all(re.fullmatch(r"<sips:([^@>]+@)?sip\.a\.example(:\d+)?;lr[^>]*>", value) for value in values), message
                written += values
            assert invite.all("Via")[0].startswith(f"SIP/2.0/TLS sip.a.example:{server.port()};"), invite
        assert len(written) == 3


def test_refuses_what_would_prove_nothing(ca, tmp_path):
    a, a_key = ca.issue("a.example")
    b, b_key = ca.issue("b.example")
    chain = tmp_path / "chain.pem"
    chain.write_text(a.read_text() + b.read_text())
    old, old_key = ca.issue("a.example", days=-1, file="old")
    domain = "domains: [{name: a.example, certificate: %s, key: %s}]\n"
    for text, said in (
        (domain % (b, b_key), "the certificate names b.example, the connection was for a.example"),
        (domain % (a, a_key) + "advertise: sip.a.example\n", "no certificate proves sip.a.example"),
        (domain % (old, old_key), "has expired"),
        (domain % (chain, a_key), "is followed by one that has not issued it"),
        (domain % (a, b_key), "the key is not the one of this certificate"),
        (domain % (f"[{a}, {a}]", f"[{a_key}, {a_key}]"), "two certificates with the same kind of key"),
        (f"domains: [a.example]\nadvertise: b.example\ncertificate: {a}\nkey: {a_key}\n", "b.example"),
    ):
        assert said in refuses(tmp_path, text), text


def test_warns_of_a_certificate_that_ends_soon(ca, tmp_path):
    pem, key = ca.issue("a.example", days=10)
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key)]
    with Server(tmp_path / "state", options=options) as server:
        server.wait_for(rf'warning certificate.ends file="{pem}" days_left=(9|10) ')


def test_warns_of_a_list_of_revoked_certificates_that_ends_soon(ca, tmp_path):
    crl = tmp_path / "crl.pem"
    crl.write_text(ca.revocations(days=10))
    with Server(tmp_path / "state", options=["--crl", str(crl)]) as server:
        server.wait_for(rf'warning crl.ends file="{crl}" days_left=(9|10) ')


def test_says_that_nobody_vouches_for_the_users_of_a_domain(ca, tmp_path):
    """OpenSSL before 3.2 signs no messages with Ed25519; who has another key beside it is fine."""
    pem, key = ca.issue("a.example", kind="ed25519", file="ed")
    both = [f"[{one}, {two}]" for one, two in zip((pem, key), ca.issue("a.example"))]
    for certificate, private, is_told in ((pem, key, ssl.OPENSSL_VERSION_INFO < (3, 2)), (*both, False)):
        config = tmp_path / "sealined.yaml"
        config.write_text(f"domains: [{{name: a.example, certificate: {certificate}, key: {private}}}]\n")
        status, said, _ = run([BUILD / "sealined", "-t", "-c", config])
        assert status == 0 and ("Warning: phones of a.example cannot protect messages" in said) == is_told, said
        with Server(tmp_path / f"state-{is_told}", options=["-c", str(config)]) as server:
            if is_told:
                server.wait_for("warning certificate.no-vouching why=")


def test_reads_the_lists_of_revoked_certificates_again(ca, tmp_path):
    pem, key = ca.issue("a.example")
    crl = tmp_path / "crl.pem"
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key), "--trust", str(ca.pem), "--crl", str(crl)]
    for text, said in (("nonsense", "there is no list of revoked certificates in it"), (ca.pem.read_text(), "there is no list")):
        crl.write_text(text)
        status, _, errors = run([BUILD / "sealined", "--state", tmp_path / "refused", *options])
        assert status == 2 and said in errors
    crl.write_text(ca.revocations())
    with Server(tmp_path / "state", options=options) as server:
        server.signal(signal.SIGHUP)
        server.wait_for("info reloaded")
        since = len(server.lines)
        crl.unlink()
        server.signal(signal.SIGHUP)
        server.wait_for("reload.failed .*crl.pem: there is no such file", since=since)
        assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(pem), True)


def watching(tmp_path, ca):
    """A server whose files are watched, with a certificate, and their paths."""
    pem, key = ca.issue("a.example")
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key), "--trust", str(ca.pem)]
    return Server(tmp_path / "state", options=options), pem, key


def put(source, target):
    """As one should: whoever reads it sees the old one or the new one."""
    shutil.copy(source, target.with_name("copy"))
    os.replace(target.with_name("copy"), target)


def test_notices_new_certificates_by_itself(ca, tmp_path):
    server, pem, key = watching(tmp_path, ca)
    with server:
        server.add_account("alice@a.example", "wonderland")
        where = f"127.0.0.1:{server.port()}"
        with Phone(tmp_path / "alice", "sips:alice@a.example", "wonderland", ["register"], where, ca.pem) as phone:
            phone.wait_event("registered")
            before = shown(server.port(), "a.example", ca=ca.pem)
            since = len(server.lines)
            ca.issue("a.example")  # key and certificate are written in place, one after the other
            server.wait_for("info certificates.changed", since=since)
            now = shown(server.port(), "a.example", ca=ca.pem)
            assert now == (fingerprint(pem), True) and now != before
            # as ACME clients do it: other files, and the links turned round
            new, new_key = ca.issue("a.example", file="next")
            since = len(server.lines)
            for link, target in ((key, new_key), (pem, new)):
                os.symlink(target, tmp_path / "link")
                os.replace(tmp_path / "link", link)
            server.wait_for("info certificates.changed", since=since)
            assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(new), True)
            # the phone's connection has lived through it
            assert phone.process.poll() is None
            assert [event["event"] for event in phone.events].count("registered") == 1


def test_keeps_the_old_certificate_when_the_new_one_is_no_good(ca, tmp_path):
    other = CA(tmp_path / "other", "another CA")
    server, pem, key = watching(tmp_path, ca)
    old = fingerprint(pem)
    with server:
        for (new, new_key), said in (
            ((ca.issue("a.example", file="new")[0], None), "the key is not the one of this certificate"),
            (ca.issue("b.example", file="b"), "the certificate names b.example"),
            (other.issue("a.example", file="other"), "leads to no CA that is trusted here; that of the one before was complete"),
        ):
            since = len(server.lines)
            if new_key:
                put(new_key, key)
            put(new, pem)
            server.wait_for(f"error certificates.refused .*{said}.*; the old ones stay", since=since)
            assert shown(server.port(), "a.example", ca=ca.pem) == (old, True)
        # who tells it to takes the risk, and is warned
        since = len(server.lines)
        server.signal(signal.SIGHUP)
        server.wait_for("warning certificate.incomplete .*ends before a root", since=since)
        server.wait_for("info reloaded", since=since)
        assert shown(server.port(), "a.example", ca=other.pem) == (fingerprint(pem), True)


def test_takes_a_certificate_when_its_time_comes(ca, tmp_path):
    """The clock of whoever issued it was ahead."""
    server, pem, key = watching(tmp_path, ca)
    old = fingerprint(pem)
    with server:
        new, new_key = ca.issue("a.example", file="new", ahead=int(slow(8)))
        since = len(server.lines)
        put(new_key, key)
        put(new, pem)
        server.wait_for("error certificates.refused .*is not valid yet.*; the old ones stay", since=since)
        assert shown(server.port(), "a.example", ca=ca.pem) == (old, True)
        server.wait_for("info certificates.changed", seconds=20, since=since)
        assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(new), True)


def test_notices_a_new_list_of_revoked_certificates(ca, tmp_path):
    pem, key = ca.issue("a.example")
    crl = tmp_path / "crl.pem"
    crl.write_text(ca.revocations())
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key), "--trust", str(ca.pem), "--crl", str(crl)]
    with Server(tmp_path / "state", options=options) as server:
        other, _ = ca.issue("b.example")
        for text, said in (
            (ca.revocations(other), "info certificates.changed"),
            ("nonsense", "error certificates.refused .*there is no list"),
            (ca.revocations(pem), "error certificates.refused .*was revoked by its CA"),
        ):
            since = len(server.lines)
            crl.write_text(text)
            server.wait_for(said, since=since)


def once(path, ca, port, aor, *options):
    """What a phone says that registers once: its exit status, and all of it."""
    path.mkdir(exist_ok=True)
    password = path / "password"
    password.write_text("sesame\n")
    words = ["--aor", aor, "--server", f"127.0.0.1:{port}", "--ca", ca.pem, "--password-file", password, "--state", path, "--smime", "off"]
    status, said, errors = run([BUILD / "sealphone", *words, "--for", "1", *options, "register"])
    return status, said + errors


@pytest.mark.plain_only
def test_a_phone_judges_what_is_stapled_and_wants_it_where_told(ca, tmp_path):
    """With our server, and with openssl's where ours would not show such a thing."""
    pem, key = ca.issue("a.example")
    good, revoked = ca.staple(pem), ca.staple(pem, revoked=True)
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key)]
    config = configure(tmp_path, f"domains: [a.example]\ncertificate: {ca.chain(pem)}\nkey: {key}\nstaple: {good}\n")
    for name, more, required in (("without", options, "ocsp.missing"), ("with", ["-c", str(config)], None)):
        with Server(tmp_path / name, options=more) as server:
            server.add_account("alice@a.example", "sesame")
            for policy, code in (("allow", None), ("require", required)):
                status, said = once(tmp_path / "alice", ca, server.port(), "sips:alice@a.example", "--ocsp", policy, "--json")
                assert (status == 0) if not code else (status == 5 and f'"code":"{code}"' in said), (name, policy, said)
    assert "revoked" in refuses(tmp_path, config.read_text().replace(str(good), str(revoked)))
    for staple, code in ((revoked, "ocsp.revoked"), (ca.staple(ca.issue("b.example")[0]), "ocsp.other-certificate")):
        words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", pem, "-key", key, "-status_file", staple]
        with Program(words, name="s_server", stdin=subprocess.PIPE) as shows:
            port = int(shows.wait_for(r"ACCEPT 127\.0\.0\.1:").rpartition(":")[2])
            status, said = once(tmp_path / "alice", ca, port, "sips:alice@a.example", "--json")
            assert status == 5 and f'"code":"{code}"' in said, said
            shows.kill()


@pytest.mark.plain_only
def test_a_phone_takes_lists_of_revoked_certificates(ca, tmp_path):
    pem, key = ca.issue("a.example")
    crl = tmp_path / "crl.pem"
    with Server(tmp_path / "state", options=["--domain", "a.example", "--certificate", str(pem), "--key", str(key)]) as server:
        server.add_account("alice@a.example", "sesame")
        for text, status, said in (
            (ca.revocations(), 0, '"registered"'),
            (ca.revocations(pem), 5, '"code":"certificate.revoked"'),
            ("nonsense", 3, "crl.pem: there is no list of revoked certificates in it"),
        ):
            crl.write_text(text)
            found, all_said = once(tmp_path / "alice", ca, server.port(), "sips:alice@a.example", "--crl", crl, "--json")
            assert found == status and said in all_said, all_said


def say_alias(theirs, port):
    """Over a connection that b.example has opened: that requests may come back over it (RFC 5923), in place of one to its port."""
    theirs.send(
        f"MESSAGE sip:nobody@a.example SIP/2.0\r\nVia: SIP/2.0/TLS b.example:{port};branch=z9hG4bK-b;alias\r\nMax-Forwards: 70\r\n"
        "From: <sip:x@b.example>;tag=b\r\nTo: <sip:nobody@a.example>\r\nCall-ID: b\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    )
    assert theirs.expect(lambda m: m.status).status == 404


@pytest.mark.plain_only
def test_a_server_that_dials_judges_what_is_stapled_and_wants_it_where_told(ca, tmp_path):
    """alice at a.example writes to b.example, whose server has a staple, or has none; a connection of its own has none ever."""
    b, b_key = ca.issue("b.example")
    a, a_key = ca.issue("a.example")
    b_config = f"domains: [b.example]\ncertificate: {ca.chain(b)}\nkey: {b_key}\ntrust: {ca.pem}\nworkers: 1\n"
    for name, more, policy, code in (
        ("required", f"staple: {ca.staple(b)}\n", "require", "404"),
        ("absent", "", "require", "ocsp.missing"),
        ("allowed", "", "allow", "404"),
    ):
        file = tmp_path / f"{name}.yaml"
        file.write_text(b_config + more)
        with Server(tmp_path / f"b-{name}", options=["-c", str(file)]) as other:
            config = configure(
                tmp_path,
                f"domains: [a.example]\ncertificate: {a}\nkey: {a_key}\ntrust: {ca.pem}\nworkers: 1\nocsp: {policy}\n"
                f"peers:\n  b: {{domains: b.example, address: '127.0.0.1:{other.port()}', proves: b.example}}\n",
            )
            with Server(tmp_path / f"a-{name}", options=["-c", str(config)]) as server:
                server.add_account("alice@a.example", "secret")
                with (
                    Client(server.port(), ca.pem, "alice@a.example") as alice,
                    Client(server.port(), ca.pem, "x@a.example", shows=(ca.chain(b), b_key)) as theirs,
                ):
                    if policy == "require":
                        say_alias(theirs, other.port())
                    answer = alice.ask("MESSAGE", "sips:nobody@b.example", body="")
                assert answer.status == (404 if code == "404" else 502), answer
                assert code in answer.text, answer


class Relay:
    """Passes connections on to the port that is said last; cut() ends those that there are."""

    def __init__(self, port):
        self.port, self.socks = port, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here = self.server.accept()[0]
                there = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            self.socks += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass

    def cut(self):
        for sock in self.socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.close()
        self.cut()


@pytest.mark.plain_only
def test_the_phone_notices_other_cas_when_it_connects_anew(tmp_path):
    """The server is another one with another CA after a while; the file of --ca has changed as well, and the phone runs on."""
    with Server(tmp_path / "old") as old, Server(tmp_path / "new") as new:
        for server in (old, new):
            server.add_account("alice@localhost", "sesame")
        relay = Relay(old.port())
        ca = tmp_path / "ca.pem"
        ca.write_text(old.ca.read_text())
        with Phone(tmp_path / "alice", "sips:alice@localhost", "sesame", ["register"], relay.address, ca, ("--smime", "off")) as phone:
            phone.wait_event("registered")
            ca.write_text(new.ca.read_text())
            relay.port = new.port()
            relay.cut()
            phone.wait_event("registered", 20, nth=2)
            assert not [event for event in phone.events if event.get("cause") == "certificate"]
            # what is no certificate is told of, and changes nothing
            ca.write_text("no certificate\n")
            relay.cut()
            phone.wait_for("there is no certificate in it")
            phone.wait_event("registered", 20, nth=3)
        relay.close()


@pytest.mark.parametrize("names", ["hashes", "names", "file"])
def test_a_phone_without_ca_trusts_what_the_system_does(ca, tmp_path, names):
    """A directory with hashes is asked for the CA that a certificate names; one without is of no use to OpenSSL, but the file is."""
    certificate, key = ca.issue("a.example")
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(ca.pem, system / "ca.pem")
    if names == "hashes":
        subprocess.run(["openssl", "rehash", system], check=True)
    trusts = {"SSL_CERT_DIR": str(system), **({"SSL_CERT_FILE": str(system / "ca.pem")} if names == "file" else {})}
    file = configure(tmp_path, f"domains: [a.example]\ncertificate: {certificate}\nkey: {key}\n")
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        server.add_account("alice@a.example", "secret")
        (tmp_path / "password").write_text("secret\n")
        words = ["--aor", "sips:alice@a.example", "--server", f"127.0.0.1:{server.port()}", "--password-file", tmp_path / "password"]
        words += ["--state", tmp_path / "phone", "--json", "--for", "1", "register"]
        status, out, errors = run([BUILD / "sealphone", *words], env=trusts)
        if names == "names":
            assert "certificate.unknown-ca" in out, out + errors
        else:
            assert status == 0 and '"registered"' in out, out + errors
