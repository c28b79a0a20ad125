"""The scripted client of sealine_e2e over UDP and over WebSockets."""

import base64
import os
import secrets
import socket
import struct

from programs import slow
from sealine_e2e import Client, Closed, Message


class UdpClient(Client):
    """A socket with one peer. Lost datagrams are not repeated: over loopback none is lost."""

    def __init__(self, port, aor="alice@localhost", password="secret", rport=True):
        self._start(aor, password, "sip", "UDP")
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.rport = rport
        self.sent_by = self.contact_host = "%s:%s" % self.sock.getsockname()
        self.contact = f"<sip:{self.user}@{self.contact_host}>"

    def request(self, *words, **parts):
        text = super().request(*words, **parts).replace(f"/UDP {self.domain};", f"/UDP {self.sent_by};", 1)
        return text if self.rport else text.replace(";rport\r\n", "\r\n", 1)

    def send(self, text):
        self.sock.send(text.encode() if isinstance(text, str) else text)

    def read(self, seconds=10):
        self.sock.settimeout(slow(seconds))
        return Message(self.sock.recv(65536).decode("utf-8", "replace"))

    def is_silent(self, seconds=1):
        try:
            self.read(seconds)
            return False
        except TimeoutError:
            return True


class WebClient(Client):
    """As JsSIP and its like: a Contact that nobody can reach, one message a frame."""

    def __init__(self, port, ca=None, aor="alice@localhost", password="secret", tls=True, origin="https://phone.example"):
        super().__init__(port, ca, aor, password, tls)
        self.scheme = "sip"
        self.via = "WSS" if tls else "WS"
        self.contact = f"<sip:{self.user}@{secrets.token_hex(6)}.invalid;transport=ws>"
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: {origin}\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._more(10)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def frame(self, opcode, payload, last=True):
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + struct.pack("!H", len(payload))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.sock.sendall(bytes([(0x80 if last else 0) | opcode]) + size + mask + masked)

    def send(self, text):
        self.frame(1, text.encode() if isinstance(text, str) else text)

    def _need(self, n, seconds):
        while len(self.buffer) < n:
            self._more(seconds)

    def read_frame(self, seconds=10):
        self._need(2, seconds)
        opcode, size, start = self.buffer[0] & 15, self.buffer[1], 2
        if size == 126:
            self._need(4, seconds)
            size, start = struct.unpack("!H", self.buffer[2:4])[0], 4
        self._need(start + size, seconds)
        payload, self.buffer = self.buffer[start : start + size], self.buffer[start + size :]
        return opcode, payload

    def read(self, seconds=10):
        opcode, payload = self.read_frame(seconds)
        if opcode == 8:
            raise Closed(payload)
        assert opcode in (1, 2), (opcode, payload)
        return Message(payload.decode("utf-8", "replace"))
