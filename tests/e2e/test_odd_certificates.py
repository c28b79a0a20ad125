"""Certificates good, bad and odd, made by lib/odd_certificates.py: what the phone and the server make of each, with its code.

The table is that of the unit test (tests/unit/tls/matrix_rows.h). sealphone meets a server that shows the certificate, sealined one that it
dials and one that connects to it.
"""

import concurrent.futures
import contextlib
import socket
import ssl
import threading

import odd_certificates
import pytest

from pki import CA
from programs import Phone, Server
from sealine_e2e import Client, Closed, Message, control, digests

pytestmark = pytest.mark.plain_only


def context_of(pki, protocol):
    context = ssl.SSLContext(protocol)
    if protocol == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # it shows what it is told to
    context.load_cert_chain(pki.certificate, pki.key)
    return context


class Shows(Client):
    """A server that shows the certificate to whoever connects, and answers each request with 200."""

    def __init__(self, pki):
        self.pki, self.n_requests = pki, 0
        self.context = context_of(pki, ssl.PROTOCOL_TLS_SERVER)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock):
        with contextlib.suppress(OSError), sock:
            self._answer(self.context.wrap_socket(sock, server_side=True))

    def _answer(self, sock):
        buffer = b""
        while data := sock.recv(65536):
            buffer += data
            while b"\r\n\r\n" in buffer:
                head, _, buffer = buffer.lstrip(b"\r\n").partition(b"\r\n\r\n")
                self.n_requests += 1
                request = Message(head.decode() + "\r\n\r\n")
                lines = [f"{name}: {value}" for name in ("Via", "From", "To", "Call-ID", "CSeq") for value in request.all(name)]
                sock.sendall("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())

    def close(self):
        self.listener.close()


class Site:
    def __init__(self, path):
        self.path = path
        self.all = odd_certificates.make(path / "odd")
        self.cas, self.crl = path / "cas.pem", path / "crl.pem"
        own = CA(path / "own")
        self.own = own.pem
        self.cas.write_text(own.pem.read_text() + "".join(pki.trusted for pki in self.all))
        self.crl.write_text("".join(pki.crl for pki in self.all))
        self.shows = [Shows(pki) for pki in self.all]
        pem, key = own.issue("a.example")
        peers = [
            f"  r{pki.row.number}: {{domains: r{pki.row.number}.example, address: '127.0.0.1:{one.port}', proves: {pki.row.asked}}}\n"
            for pki, one in zip(self.all, self.shows)
            if not is_address(pki.row.asked)
        ]
        config = path / "sealined.yaml"
        config.write_text(
            f"domains: [a.example]\nworkers: 1\ncertificate: {pem}\nkey: {key}\ntrust: {self.cas}\ncrl: {self.crl}\npeers:\n{''.join(peers)}"
        )
        self.server = Server(path / "server", options=("-c", config))
        assert control(self.server.state, "user-add", **digests("alice@a.example", "secret"))["ok"]

    def close(self):
        self.server.stop()
        for one in self.shows:
            one.close()


def is_address(name):
    return name.replace(".", "").isdigit()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("odd"))
    yield site
    site.close()


def differences(found):
    """Of pairs of a row and the code of a verdict, None where the certificate was accepted."""
    return [f"{row.label}: {code}, and not {row.code}" for row, code in found if code != row.code]


def test_there_are_as_many_as_were_asked_for(site):
    assert len(site.all) >= 40


def test_the_phone_judges_each(site):
    def judge(shows):
        row = shows.pki.row
        options = ("--crl", site.crl, "--smime", "off", "--device", "null")
        where, state = f"127.0.0.1:{shows.port}", site.path / f"phone-{row.number}"
        with Phone(state, f"sips:alice@{row.asked}", "sesame", ["register"], where, site.cas, options) as phone:
            phone.wait_for(lambda line: '"event":"connected"' in line or '"event":"error"' in line, 30)
            event = phone.events[0]
            phone.kill()
        assert event["event"] == "connected" or event["cause"] == "certificate", event
        return row, event["verdict"]["code"] if "verdict" in event else None

    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        found = list(workers.map(judge, site.shows))
    assert not differences(found)
    assert not [one.pki.row.label for one in site.shows if one.pki.row.code and one.n_requests]


def test_the_server_judges_each_that_it_dials(site):
    found = []
    with Client(site.server.port(), site.own, "alice@a.example") as alice:
        for shows in site.shows:
            if is_address(shows.pki.row.asked):
                continue  # there is no way to ask for one: the configuration refuses it
            before = shows.n_requests
            answer = alice.ask("MESSAGE", f"sips:bob@r{shows.pki.row.number}.example")
            code = None if answer.status == 200 else answer.get("Warning").rpartition("[")[2].rstrip(']"')
            assert shows.n_requests == before + (code is None), shows.pki.row.label
            found.append((shows.pki.row, code))
    assert not differences(found)


def test_the_server_judges_each_that_connects(site):
    """Of five hundred names not all are kept, and what is not kept is not proven."""
    found = []
    for pki in site.all:
        row = pki.row
        if is_address(row.asked) or row.odd == "MANY_NAMES":
            continue
        sock = socket.create_connection(("127.0.0.1", site.server.port()))
        client = Client.__new__(Client)
        client._start(f"bob@{row.asked}", "none", "sips", "TLS")
        client.contact = f"<sips:bob@{row.asked}>"
        try:
            client.sock = context_of(pki, ssl.PROTOCOL_TLS_CLIENT).wrap_socket(sock, server_hostname="a.example")
            client.send(client.request("MESSAGE", "sips:nobody@a.example"))
            answer = client.final()
        except (OSError, Closed) as error:
            raise AssertionError(f"{row.label}: {error}")
        client.close()
        print(row.label, answer.status, answer.get("Warning"))
        found.append((row, answer.status))
    assert not [f"{row.label}: {status}" for row, status in found if status != (404 if row.code is None else 403)]
