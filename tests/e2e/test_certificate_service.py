"""sealined as its domains' certificate service (RFC 6072): a client of the test publishes, subscribes, and checks with OpenSSL what it is told."""

import base64
import email
import re
import secrets
import signal
import subprocess
import time

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
