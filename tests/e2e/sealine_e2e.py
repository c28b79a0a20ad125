"""A minimal SIP client over TLS (or TCP) with digest authentication, and the control socket: for tests of the server."""

import hashlib
import itertools
import json
import re
import secrets
import socket
import ssl

import evidence
from programs import slow

_numbers = itertools.count(1)


def h(algorithm, text):
    """H of RFC 7616 in hexadecimal."""
    return hashlib.new({"SHA-256": "sha256", "SHA-512-256": "sha512_256", "MD5": "md5"}[algorithm], text.encode()).hexdigest()


def control(state, request, **members):
    """Asks the running server; the whole reply."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(slow(20))
        sock.connect(str(state / "control.sock"))
        sock.sendall(json.dumps({"request": request, **members}).encode() + b"\n")
        return json.loads(sock.makefile("rb").readline())


def digests(aor, password, md5=False):
    """What the store keeps of an account."""
    evidence.note_password(aor, password)
    user, domain = aor.split("@")
    members = {"aor": aor, "sha256": h("SHA-256", f"{user}:{domain}:{password}")}
    if md5:
        members["md5"] = h("MD5", f"{user}:{domain}:{password}")
    return members


class Message:
    def __init__(self, text, raw=b""):
        self.raw = raw  # the body as it came
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        self.text = text

    def __repr__(self):
        return self.text

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self):
        return "" if self.start.startswith("SIP/2.0 ") else self.start.split()[0]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [""])[0]


class Closed(Exception):
    pass


class Client:
    """One connection of one account. Requests are made from parts, so that a test can send any of them wrong."""

    def __init__(self, port, ca=None, aor="alice@localhost", password="secret", tls=True, host="127.0.0.1", source=None, shows=None):
        self._start(aor, password, "sips" if tls else "sip", "TLS" if tls else "TCP")
        sock = socket.create_connection((host, port), slow(10), (source, 0) if source else None)
        if tls:
            context = ssl.create_default_context(cafile=str(ca))
            if shows:  # the files of a certificate of ours and its key
                context.load_cert_chain(*shows)
            sock = context.wrap_socket(sock, server_hostname=self.domain)
        self.sock = sock
        address, port = sock.getsockname()[:2]
        self.contact = f"<{self.scheme}:{self.user}@{f'[{address}]' if ':' in address else address}:{port}>"

    def _start(self, aor, password, scheme, via):
        self.aor, self.password, self.scheme, self.via = aor, password, scheme, via
        self.user, self.domain = aor.split("@")
        self.buffer = b""
        self.waiting = []
        self.nonce = None
        self.nc = 0
        self.call_id = secrets.token_hex(8)
        self.cseq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # bytes

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def _more(self, seconds):
        self.sock.settimeout(slow(seconds))
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLEOFError):
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def read(self, seconds=10):
        """The next message; keep-alives are skipped."""
        while True:
            self.buffer = self.buffer.lstrip(b"\r\n")
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
            size = int(length[1]) if length else 0
            if end and len(rest) >= size:
                self.buffer = rest[size:]
                return Message((head + end + rest[:size]).decode("utf-8", "replace"), rest[:size])
            self._more(seconds)

    def expect(self, accepts, seconds=10):
        """The first message that is accepted; others wait for a later call."""
        for message in self.waiting:
            if accepts(message):
                self.waiting.remove(message)
                return message
        while True:
            message = self.read(seconds)
            if accepts(message):
                return message
            self.waiting.append(message)

    def is_closed(self, seconds=10):
        """Waits for the other side to close; what it still says is kept in the buffer."""
        try:
            while True:
                self._more(seconds)
        except Closed:
            return True
        except TimeoutError:
            return False

    # requests

    def branch(self):
        return f"z9hG4bK{next(_numbers)}{secrets.token_hex(6)}"

    def request(self, method, uri, to=None, headers=(), body="", call_id=None, cseq=None, from_tag="f1", to_tag=None, branch=None, contact=True):
        self.cseq = cseq if cseq is not None else self.cseq + 1
        to = to or uri
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.via} {self.domain};branch={branch or self.branch()};rport",
            "Max-Forwards: 70",
            f"From: <{self.scheme}:{self.aor}>;tag={from_tag}",
            f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call_id or self.call_id}",
            f"CSeq: {self.cseq} {method}",
            *([f"Contact: {self.contact}"] if contact else []),
            *headers,
            f"Content-Length: {len(body.encode() if isinstance(body, str) else body)}",
        ]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head + body if isinstance(body, str) else head.encode() + body

    def answer_to(self, challenge, method, uri, header=None, algorithm="SHA-256", nc=None, password=None, qop="auth", body=""):
        """The line with the credentials for a challenge of this algorithm."""
        name = header or ("Authorization" if challenge.status == 401 else "Proxy-Authorization")
        source = "WWW-Authenticate" if challenge.status == 401 else "Proxy-Authenticate"
        for value in challenge.all(source):
            parameters = dict(re.findall(r'(\w[\w-]*)="?([^",]*)"?', value.partition(" ")[2]))
            if parameters.get("algorithm", "MD5") == algorithm:
                break
        else:
            raise AssertionError(f"no {algorithm} in {challenge}")
        if parameters["nonce"] != self.nonce:
            self.nonce, self.nc = parameters["nonce"], 0
        self.nc += 1
        count = f"{nc if nc is not None else self.nc:08x}"
        cnonce = secrets.token_hex(8)
        secret = h(algorithm, f"{self.user}:{parameters['realm']}:{password or self.password}")
        covered = f"{method}:{uri}" + (":" + h(algorithm, body) if qop == "auth-int" else "")
        response = h(algorithm, f"{secret}:{self.nonce}:{count}:{cnonce}:{qop}:" + h(algorithm, covered))
        opaque = f', opaque="{parameters["opaque"]}"' if "opaque" in parameters else ""
        return (
            f'{name}: Digest username="{self.user}", realm="{parameters["realm"]}", nonce="{self.nonce}", uri="{uri}", '
            f'response="{response}", algorithm={algorithm}, cnonce="{cnonce}", qop={qop}, nc={count}{opaque}'
        )

    def ask(self, method, uri, seconds=10, algorithm="SHA-256", **parts):
        """Sends a request, answers one challenge, and gives the final response."""
        headers = list(parts.pop("headers", ()))
        self.send(self.request(method, uri, headers=headers, **parts))
        response = self.final(seconds)
        if response.status in (401, 407):
            if method == "INVITE":
                self.ack_failure(response, uri)
            parts.pop("cseq", None)
            parts.pop("branch", None)
            line = self.answer_to(response, method, uri, algorithm=algorithm)
            self.send(self.request(method, uri, headers=headers + [line], **parts))
            response = self.final(seconds)
        return response

    def final(self, seconds=10):
        number = self.cseq
        return self.expect(lambda m: m.status >= 200 and m.get("CSeq").split()[0] == str(number), seconds)

    def ack_failure(self, response, uri):
        via = response.all("Via")[0]
        self.send(
            f"ACK {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {response.get('From')}\r\nTo: {response.get('To')}\r\n"
            f"Call-ID: {response.get('Call-ID')}\r\nCSeq: {response.get('CSeq').split()[0]} ACK\r\nContent-Length: 0\r\n\r\n"
        )

    def register(self, expires=600, headers=(), **more):
        uri = f"{self.scheme}:{self.domain}"
        return self.ask("REGISTER", uri, to=f"{self.scheme}:{self.aor}", headers=[f"Expires: {expires}", *headers], **more)

    def reply(self, request, status, reason, headers=(), body="", tag="t1"):
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {value}" for value in request.all("Via")]
        lines += [f"Record-Route: {value}" for value in request.all("Record-Route")]
        to = request.get("To")
        lines += [f"From: {request.get('From')}", f"To: {to}" + ("" if ";tag=" in to or status == 100 else f";tag={tag}")]
        lines += [f"Call-ID: {request.get('Call-ID')}", f"CSeq: {request.get('CSeq')}", f"Contact: {self.contact}"]
        lines += [*headers, f"Content-Length: {len(body.encode())}"]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
