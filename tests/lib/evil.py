"""Somebody on the way: ends TLS towards a phone in the server's name, and passes on what comes after a look, or a change."""

import re
import select
import socket
import ssl
import threading


def take_message(buffer):
    """(the first message or keep-alive of a stream, the rest), or None while it is not complete."""
    if buffer[:2] == b"\r\n":
        size = 4 if buffer[:4] == b"\r\n\r\n" else 2
        return buffer[:size], buffer[size:]
    head, gap, rest = buffer.partition(b"\r\n\r\n")
    if not gap:
        return None
    length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
    size = int(length.group(1)) if length else 0
    if len(rest) < size:
        return None
    return head + gap + rest[:size], rest[size:]


def with_body(message, content_type, body):
    """The message with another body; everything that described the old one is taken out."""
    head = message.partition(b"\r\n\r\n")[0]
    lines = [line for line in head.split(b"\r\n") if not re.match(rb"(?i)content-", line)]
    lines += [b"Content-Type: " + content_type, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Locked:
    """A TLS connection that one thread reads from while another writes to it, which OpenSSL has no lock for."""

    def __init__(self, connection):
        self.connection, self._lock = connection, threading.Lock()

    def receive(self):
        while True:
            with self._lock:
                self.connection.settimeout(0)  # what is readable may be a session ticket, and no data
                try:
                    return self.connection.recv(65536)
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self.connection.settimeout(None)
            select.select([self.connection], [], [])

    def send(self, data):
        with self._lock:
            self.connection.sendall(data)


def untouched(message):
    return [message]


class Evil:
    """
    change(message): what a phone gets in the place of what the server sent it, a list; upwards(message): the other way.
    certificate: (file, key).
    """

    def __init__(self, certificate, target, ca, change=untouched, upwards=untouched):
        self.change, self.upwards, self.seen = change, upwards, []
        self._target, self._ca = target, ca
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            phone = self._context.wrap_socket(connection, server_side=True)
            context = ssl.create_default_context(cafile=self._ca)
            server = context.wrap_socket(socket.create_connection(("127.0.0.1", self._target)), server_hostname="localhost")
        except OSError:
            connection.close()
            return
        ends = Locked(phone), Locked(server)
        threading.Thread(target=self._pass, args=(*ends, lambda message: self.upwards(message)), daemon=True).start()
        self._pass(*reversed(ends), self._look)

    def _look(self, message):
        self.seen.append(message)
        return self.change(message)

    @staticmethod
    def _pass(source, sink, change):
        buffer = b""
        try:
            while data := source.receive():
                buffer += data
                while taken := take_message(buffer):
                    message, buffer = taken
                    for one in change(message):
                        sink.send(one)
        except (OSError, ValueError):
            pass
        for end in (source, sink):
            try:
                end.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._socket.close()
