"""sealined as its domains' certificate service (RFC 6072): a client of the test publishes, subscribes, and checks with OpenSSL what it is told."""

import base64
import contextlib
import email
import hashlib
import json
import re
import secrets
import signal
import socket
import subprocess
import threading

import pytest

from pki import CA
from programs import BUILD, Server
from sealine_e2e import Client, control, digests


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True, check=True).stdout


class Device(Client):
    """A phone as far as certificates go: with a key of its own."""

    def __init__(self, site, name="alice", server=None, domain=None):
        server = server or site.server
        aor = f"{name}@{domain or site.domain}"
        super().__init__(server.port(), site.ca, aor, f"{name}-sesame")
        self.site = site
        self.key = site.path / f"{secrets.token_hex(4)}.key"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)

    def csr(self):
        return openssl("req", "-new", "-key", self.key, "-subj", "/CN=mallory@other.example", "-outform", "DER")

    def publish(self, body=None, kind="application/pkcs10", expires=2592000, tag=None, aor=None):
        body = self.csr() if body is None else body
        headers = ["Event: certificate", f"Expires: {expires}"]
        headers += [f"SIP-If-Match: {tag}"] if tag else []
        headers += [f"Content-Type: {kind}"] if body else []
        return self.ask("PUBLISH", f"sips:{aor or self.aor}", headers=headers, body=body, call_id=secrets.token_hex(8), contact=False)

    def subscribe(self, aor, expires=600):
        """The answer; what is told comes by told()."""
        self.watch_tag, self.watch_id = secrets.token_hex(4), secrets.token_hex(8)
        headers = ["Event: certificate", f"Expires: {expires}", "Accept: multipart/signed"]
        return self.ask("SUBSCRIBE", f"sips:{aor}", headers=headers, call_id=self.watch_id, from_tag=self.watch_tag)

    def told(self, anchor, seconds=10):
        """The certificates (DER) of the next NOTIFY, after all that vouches for them was checked."""
        notify = self.expect(lambda message: message.method == "NOTIFY", seconds)
        self.reply(notify, 200, "OK")
        self.state = notify.get("Subscription-State")
        assert notify.get("Event") == "certificate" and notify.get("Content-Disposition") == "signal"
        head = f"Content-Type: {notify.get('Content-Type')}\r\n\r\n".encode()
        (_, _, entity), (kind, signature, _) = parts(head + notify.raw)
        assert kind == "application/pkcs7-signature"
        path = self.site.path / secrets.token_hex(4)
        path.write_bytes(entity)
        check = ["-inform", "DER", "-binary", "-content", path, "-CAfile", anchor, "-purpose", "any", "-signer", path.with_suffix(".pem")]
        assert openssl("cms", "-verify", *check, data=base64.b64decode(signature)) == entity
        self.signer = openssl("x509", "-in", path.with_suffix(".pem"), "-noout", "-ext", "subjectAltName").decode()
        fragment, *certificates = parts(entity)
        lines = dict(line.split(": ", 1) for line in fragment[1].decode().split("\r\n") if line)
        assert lines == {name: notify.get(name) for name in ("From", "To", "Call-ID", "CSeq", "Date", "Event")}
        assert fragment[0] == "message/sipfrag" and {kind for kind, *_ in certificates} <= {"application/pkix-cert"}
        return [der for _, der, _ in certificates]


def parts(entity):
    """The parts of a multipart entity as (type, content, all of it). The library of Python would change their bytes."""
    head, _, body = entity.partition(b"\r\n\r\n")
    boundary = email.message_from_bytes(head).get_boundary().encode()
    found = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        headers, _, content = piece[2:].partition(b"\r\n\r\n")
        found.append((email.message_from_bytes(headers).get_content_type(), content, piece[2:]))
    return found


def free_ports(n):
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


def names(der):
    text = openssl("x509", "-inform", "DER", "-noout", "-ext", "subjectAltName", data=der).decode()
    return set(re.findall(r"URI:([^,\s]+)", text))


def key_of(der):
    return openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=der)


class Site:
    domain = "localhost"

    def __init__(self, path):
        self.path = path
        self.server = Server(path / "state", options=["--workers", "2"])
        self.ca = self.server.state / "ca.pem"
        for name in ("alice", "bob"):
            assert self.control("user-add", **digests(f"{name}@localhost", f"{name}-sesame"))["ok"]

    def control(self, request, **members):
        return control(self.server.state, request, **members)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.server.stop()


def test_a_device_gets_a_certificate_and_whoever_asks_is_told_of_it(site):
    with Device(site) as alice, Device(site, "bob") as bob:
        assert bob.subscribe("alice@localhost").status == 200
        assert bob.told(site.ca) == [] and bob.state.startswith("active")
        published = alice.publish()
        assert published.status == 200, published
        assert re.fullmatch(r"[0-9a-f]{16}", published.get("SIP-ETag")) and int(published.get("Expires")) > 2500000
        (der,) = bob.told(site.ca)
        assert "URI:sip:localhost" in bob.signer
        assert names(der) == {"sip:alice@localhost", "sips:alice@localhost", "im:alice@localhost"}
        assert key_of(der) == openssl("pkey", "-in", alice.key, "-pubout")
        with Device(site) as sofa:  # another device of hers, another certificate
            assert sofa.publish().status == 200
            assert len(bob.told(site.ca)) == 2
        again = alice.publish(tag=published.get("SIP-ETag"))
        assert again.status == 200 and again.get("SIP-ETag") != published.get("SIP-ETag")
        assert len(bob.told(site.ca)) == 2
        assert alice.publish(tag=published.get("SIP-ETag")).status == 412
        assert alice.publish(b"", expires=0, tag=again.get("SIP-ETag")).status == 200
        (left,) = bob.told(site.ca)
        assert key_of(left) != key_of(der)
    assert site.server.wait_for(r"certificate.published .*aor=.alice@localhost. sha256=[0-9a-f]{64}")
    assert site.server.wait_for("certificate.withdrawn")


def test_what_cannot_be_published_is_refused_with_a_reason(site):
    with Device(site) as alice:
        for refused, status, code in (
            (alice.publish(kind="text/plain"), 415, "publish.type"),
            (alice.publish(b"hello"), 400, "publish.csr"),
            (alice.publish(alice.csr()[:-1] + b"\0"), 400, "publish.csr-key"),
            (alice.publish(expires=5), 423, "publish.brief"),
            (alice.publish(tag="0000000000000001"), 412, "publish.tag"),
            (alice.publish(aor="bob@localhost"), 403, "publish.sender"),
        ):
            assert refused.status == status and f"[{code}]" in refused.get("Warning"), refused
        assert alice.publish(kind="text/plain").get("Accept") == "application/pkcs10, application/pkix-cert"


def test_ones_own_certificate_is_taken_if_it_names_the_account(site):
    def own(alice, name, days=5):
        request = ["-new", "-x509", "-key", alice.key, "-subj", "/CN=me", "-days", days, "-outform", "DER"]
        return openssl("req", *request, "-addext", f"subjectAltName=URI:sip:{name}")

    with Device(site) as alice:
        refused = alice.publish(own(alice, "bob@localhost"), "application/pkix-cert")
        assert refused.status == 403 and "[publish.certificate-name]" in refused.get("Warning")
        der = own(alice, "alice@localhost")
        published = alice.publish(der, "application/pkix-cert")
        assert published.status == 200 and int(published.get("Expires")) <= 5 * 86400  # not beyond its own end
        assert alice.subscribe("alice@localhost", expires=0).status == 200
        assert alice.told(site.ca) == [der] and alice.state.startswith("terminated")


def test_a_revoked_certificate_is_taken_back_from_who_holds_it_and_its_key_gets_no_other(site):
    def run(*words):
        return subprocess.run([BUILD / "sealine", *words, "--state", site.server.state], capture_output=True, text=True)

    with Device(site) as alice, Device(site, "bob") as bob:
        assert alice.publish().status == 200
        assert bob.subscribe("alice@localhost").status == 200
        (der,) = bob.told(site.ca)
        digest = hashlib.sha256(der).hexdigest()
        assert re.search(rf"alice@localhost {digest} for (29|30) ", run("cert", "list").stdout)
        (listed,) = json.loads(run("cert", "list", "alice@localhost", "--json").stdout)["certificates"]
        assert listed["sha256"] == digest and not listed["revoked"]
        assert run("cert", "revoke", "alice@localhost", "00").returncode == 2
        assert run("cert", "revoke", "alice@localhost", "0" * 64).returncode == 1
        assert run("cert", "revoke", "alice@localhost", digest).returncode == 0
        assert bob.told(site.ca) == []
        assert run("cert", "list").stdout == f"alice@localhost {digest} revoked\n"
        refused = alice.publish()
        assert refused.status == 403 and "[publish.revoked]" in refused.get("Warning")
        alice.key = alice.key.with_suffix(".new")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", alice.key)
        assert alice.publish().status == 200
        assert len(bob.told(site.ca)) == 1
        assert site.control("user-remove", aor="alice@localhost")["ok"]
        assert bob.told(site.ca) == []  # the account is gone, and so are they
    assert run("cert", "list", "alice@localhost").returncode == 1


def test_certificates_outlive_the_server(site):
    with Device(site) as alice:
        published = alice.publish()
        assert published.status == 200
        tag = published.get("SIP-ETag")
    with Device(site, "bob") as bob:
        assert bob.subscribe("alice@localhost", expires=0).status == 200
        before = bob.told(site.ca)
    site.server.signal(signal.SIGKILL)
    site.server.process.wait()
    site.server = Server(site.server.state, options=["--workers", "2"])
    with Device(site, "bob") as bob, Device(site) as alice:
        assert bob.subscribe("alice@localhost", expires=0).status == 200
        assert bob.told(site.ca) == before and len(before) == 1
        assert alice.publish(b"", expires=0, tag=tag).status == 200  # the tag is still good


def test_who_has_no_account_is_told_as_little_as_who_has_no_certificate(site):
    with Device(site) as alice:
        for name in ("bob", "nobody"):
            assert alice.subscribe(f"{name}@localhost", expires=0).status == 200
            assert alice.told(site.ca) == []
        elsewhere = alice.ask("SUBSCRIBE", "sip:bob@localhost", headers=["Event: certificate"], call_id="clear")
        assert elsewhere.status == 480 and "[certificate.sips]" in elsewhere.get("Warning")


class Wire:
    """A TCP connection's way to a port, which can be cut for good."""

    def __init__(self, port):
        self.target, self.ends = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()
        except OSError:
            pass

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def cut(self):
        for end in [self.listener, *self.ends]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


@contextlib.contextmanager
def alice_and_bob(tmp_path, ports, ways):
    """Phones of a.example and b.example, whose servers reach each other at the ports in ways; and the file of the CA that all of them trust."""
    ca = CA(tmp_path / "ca")
    site = Site.__new__(Site)
    site.path, site.ca = tmp_path, ca.pem
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, peer, who in (("b", "a", "bob"), ("a", "b", "alice")):
            pem, key = ca.issue(f"{name}.example")
            config = tmp_path / f"{name}.yaml"
            config.write_text(
                f"domains: [{name}.example]\nlisten: ['127.0.0.1:{ports[name]}']\ncertificate: {pem}\nkey: {key}\ntrust: {ca.pem}\nworkers: 1\n"
                f"peers:\n  {peer}:\n    domains: {peer}.example\n    address: '127.0.0.1:{ways[peer]}'\n    proves: {peer}.example\n"
            )
            server = servers[name] = Server(tmp_path / name, listen=(), options=("-c", config), name=f"{name}.example")
            stack.callback(server.stop)
            assert control(server.state, "user-add", **digests(f"{who}@{name}.example", f"{who}-sesame"))["ok"]
        site.server = servers["a"]
        alice = stack.enter_context(Device(site, "alice", servers["a"], "a.example"))
        bob = stack.enter_context(Device(site, "bob", servers["b"], "b.example"))
        yield alice, bob, ca.pem


def test_another_domain_is_dialled_when_its_connection_is_gone(tmp_path):
    """b.example has something to tell after the connection by which a.example had asked is lost."""
    ports = dict(zip("ab", free_ports(2)))
    wire = Wire(ports["b"])
    try:
        with alice_and_bob(tmp_path, ports, {"a": ports["a"], "b": wire.port}) as (alice, bob, ca):
            assert alice.subscribe("bob@b.example").status == 200
            assert alice.told(ca) == []
            wire.cut()
            assert bob.publish().status == 200
            (der,) = alice.told(ca, 20)
            assert "sip:bob@b.example" in names(der)
    finally:
        wire.cut()


def test_another_domain_is_told_over_its_proven_connection(tmp_path):
    """alice of a.example asks a.example, which asks b.example; what comes back is signed by b.example, whom she checks herself."""
    ports = dict(zip("ab", free_ports(2)))
    with alice_and_bob(tmp_path, ports, ports) as (alice, bob, ca):
        assert alice.subscribe("bob@b.example").status == 200
        assert alice.told(ca) == []
        assert "b.example" in alice.signer and "a.example" not in alice.signer
        assert bob.publish().status == 200
        (der,) = alice.told(ca)
        assert "sip:bob@b.example" in names(der)
