"""sealine load against a proxy that breaks the protocol, one rule at a time: what is wrong is counted, and nothing else is."""

import copy
import json
import re
import socket
import threading
import time

import pytest

from programs import BUILD, run, sealine

N = 2
NONCE = "c8b1"
RECORD_ROUTE = "<sip:127.0.0.1:5060;lr>"
CHALLENGE = f'Proxy-Authenticate: Digest realm="localhost", nonce="{NONCE}", algorithm=SHA-256, qop="auth"'


class Message:
    """A start line, fields in their order, a body."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.fields = [tuple(line.split(": ", 1)) for line in lines if not line.startswith("Content-Length")]
        self.method = self["CSeq"].split()[1]
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    def __getitem__(self, name):
        return next((value for found, value in self.fields if found == name), "")

    def __setitem__(self, name, value):
        """In the place of the first that there is; without a value the first goes."""
        at = next((i for i, (found, _) in enumerate(self.fields) if found == name), len(self.fields))
        self.fields[at : at + 1] = [(name, value)] if value else []

    def with_first(self, name, value):
        self.fields.insert(0, (name, value))
        return self

    def __str__(self):
        lines = [self.start, *(f"{name}: {value}" for name, value in self.fields), f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines) + "\r\n\r\n" + self.body


def answer(request, status, *lines):
    to = request["To"] if "tag=" in request["To"] else request["To"] + ";tag=proxy"
    fields = [f"{name}: {value}" for name, value in request.fields if name in ("Via", "From", "Call-ID", "CSeq")]
    return Message("\r\n".join([f"SIP/2.0 {status} Said So", *fields, f"To: {to}", *lines]) + "\r\n\r\n")


def as_it_is(message):
    return [message]


class Proxy:
    """Between two phones, over UDP or TCP; twist(message) is asked of each message that leaves, and returns what leaves in its place."""

    def __init__(self, transport, twist=None, challenges=False, expires=3600):
        self.twist, self.challenges, self.is_udp = twist or as_it_is, challenges, transport == "udp"
        self.seen, self.phones, self.caller, self.expires = [], {}, None, expires
        if self.is_udp:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 0))
        else:
            self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.take_datagrams if self.is_udp else self.accept, daemon=True).start()

    def take_datagrams(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            self.take(Message(data.decode()), lambda text, sender=sender: self.socket.sendto(text, sender))

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, connection):
        data = b""
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while more := connection.recv(65536):
                data += more
                while found := re.match(rb"(.*?\r\n\r\n)", data, re.S):
                    size = len(found[1]) + int(re.search(rb"Content-Length: (\d+)", found[1])[1])
                    if len(data) < size:
                        break
                    self.take(Message(data[:size].decode()), connection.sendall)
                    data = data[size:]

    def send(self, to, *messages):
        for message in messages:
            for twisted in self.twist(message):
                to(str(twisted).encode())

    def take(self, message, sender):
        self.seen.append(copy.deepcopy(message))
        if message.status:
            message["Via"] = ""
            self.send(self.caller, message)
        elif message.method == "REGISTER" and message["Expires"] == "0":
            self.send(sender, answer(message, 200))
        elif message.method == "REGISTER":
            self.phones[message["From"].split("@")[0]] = sender, message["Contact"].strip("<>"), time.monotonic() + self.expires
            self.send(sender, answer(message, 200, f"Contact: {message['Contact']};expires={self.expires}"))
        elif message.method == "OPTIONS":
            self.send(sender, answer(message, 200))
        elif self.challenges and message.method != "ACK" and not message["Proxy-Authorization"]:
            self.send(sender, answer(message, 407, CHALLENGE))
        elif "tag=proxy" not in message["To"]:
            self.forward(message, sender)

    def forward(self, request, sender):
        self.caller = sender
        callee, contact, until = self.phones["<sip:user1"]
        if time.monotonic() > until:
            self.send(sender, answer(request, 480))
            return
        request.start = f"{request.method} {contact} SIP/2.0"
        request["Max-Forwards"] = "69"
        request["Route"] = ""
        if request.method == "INVITE":
            request.with_first("Record-Route", RECORD_ROUTE)
        request.with_first("Via", f"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{len(self.seen)}")
        self.send(callee, request)


def load(directory, proxy, mode, *options):
    (directory / "password").write_text("secret\n")
    transport = "udp" if proxy.is_udp else "tcp"
    words = ["load", mode, f"127.0.0.1:{proxy.port}", "--transport", transport, "--users", "user%d@localhost", "--number", str(N)]
    status, out, errors = sealine(*words, "--password-file", directory / "password", "--json", *options, seconds=60)
    assert out, errors
    return status, json.loads(out)


def change(method, status, name, old, new):
    """In all messages of this kind."""

    def twist(message):
        if (message.method, message.status) == (method, status):
            message[name] = re.sub(old, new, message[name])
        return [message]

    return twist


def drop(method):
    return lambda message: [] if message.method == method else [message]


def add(method, status, another):
    """Another response behind each of these."""

    def twist(message):
        if (message.method, message.status) != (method, status):
            return [message]
        return [message, str(message).replace(f"SIP/2.0 {status}", f"SIP/2.0 {another}")]

    return twist


def as_a_b2bua(message):
    """A Call-ID of its own towards the callee, longer than those of the phones, and all its hops before it."""
    if message.method not in ("INVITE", "ACK", "BYE"):
        return [message]
    own = "of-somebody-who-is-in-the-midst-of-it-and-says-so-in-his-own-words-"
    if message.status:
        message["Call-ID"] = message["Call-ID"].replace(own, "")
    else:
        message["Call-ID"] = own + message["Call-ID"]
        message["Max-Forwards"] = "70"
    return [message]


@pytest.mark.parametrize(
    "transport, twist",
    [("tcp", as_it_is), ("udp", as_it_is), ("tcp", as_a_b2bua), ("udp", as_a_b2bua), ("udp", add("INVITE", 200, 180))],
    ids=["proxy, tcp", "proxy, udp", "B2BUA, tcp", "B2BUA, udp", "180 that was overtaken"],
)
def test_what_is_right_is_no_violation(tmp_path, transport, twist):
    status, report = load(tmp_path, Proxy(transport, twist), "call", "--count", "3")
    assert (report["done"], report["failures"], report["violations"], status) == (3, {}, {}, 0), report


@pytest.mark.parametrize(
    "transport, mode, twist, violations",
    [
        ("tcp", "options", change("OPTIONS", 200, "To", "localhost", "example.org"), {"other-fields": 3}),  # RFC3261:8.2.6.2
        ("tcp", "options", change("OPTIONS", 200, "From", "localhost", "example.org"), {"other-fields": 3}),
        ("tcp", "options", change("OPTIONS", 200, "Via", "127.0.0.1", "192.0.2.1"), {"more-vias": 3}),  # RFC3261:18.1.2
        ("tcp", "call", change("BYE", 200, "To", "tag=", "tag=x"), {"other-fields": 3}),
        ("tcp", "call", drop("ACK"), {"no-ack": 3}),  # RFC3261:13.2.2.4
        ("tcp", "call", change("ACK", 0, "CSeq", r"\d+", "4711"), {"no-ack": 3}),
        ("udp", "call", change("ACK", 0, "To", "tag=", "tag=x"), {"stray-request": 3}),  # RFC3261:12
        ("udp", "options", add("OPTIONS", 200, 486), {"stray-response": 3}),  # RFC3261:17.2.2
        ("udp", "call", add("INVITE", 200, 486), {"stray-response": 3}),
    ],
    ids=["To", "From", "Via", "To within the dialog", "no ACK", "ACK of another CSeq", "ACK of another dialog", "second final response", "refusal behind the 200"],
)
def test_what_is_wrong_is_counted(tmp_path, transport, mode, twist, violations):
    # the last one may come when the run is over, so there is one more
    status, report = load(tmp_path, Proxy(transport, twist), mode, "--count", "4", "--rate", "20")
    found = {kind: min(n, 3) for kind, n in report["violations"].items()}
    assert (report["done"], report["failures"], found, status) == (4, {}, violations, 1), report


@pytest.mark.parametrize("name", ["From", "To"])
def test_a_bye_of_another_dialog_is_a_violation_and_refused(tmp_path, name):  # RFC3261:12 RFC3261:12.2.2
    status, report = load(tmp_path, Proxy("udp", change("BYE", 0, name, "tag=", "tag=x")), "call", "--count", "1")
    assert (status, report["done"], report["failures"]) == (1, 0, {"refused": 1}), report
    assert report["violations"]["stray-request"] == 1


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_an_ack_has_the_credentials_of_its_invite(tmp_path, transport):  # RFC3261:13.2.2.4
    proxy = Proxy(transport, challenges=True)
    status, report = load(tmp_path, proxy, "call", "--count", "2")
    assert (report["done"], report["failures"], report["violations"], status) == (2, {}, {}, 0), report
    invites = [message for message in proxy.seen if message.method == "INVITE" and not message.status and message["Proxy-Authorization"]]
    acks = [message for message in proxy.seen if message.method == "ACK" and "tag=proxy" not in message["To"]]
    assert len(acks) == 2
    assert [ack["Proxy-Authorization"] for ack in acks] == [invite["Proxy-Authorization"] for invite in invites]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_phone_registers_anew_before_its_time_is_over(tmp_path, transport):  # RFC3261:10.2.4
    proxy = Proxy(transport, expires=4)
    status, report = load(tmp_path, proxy, "message", "--rate", "2", "--count", "14", "--ramp", "1")
    assert (report["done"], report["failures"], report["violations"], status) == (14, {}, {}, 0), report
    assert len([message for message in proxy.seen if message.method == "REGISTER" and message["Expires"] != "0"]) >= 2 * N


@pytest.mark.parametrize("nearest, further", [("<sip:127.0.0.1:5060;method=INVITE?Subject=x>", "<sip:192.0.2.7;lr>"), ("<sip:127.0.0.1:5060;lr>", "<sip:192.0.2.7>")], ids=["nearest", "further"])
def test_a_strict_router_is_a_violation_and_followed(tmp_path, nearest, further):  # RFC3261:12.2.1.1 RFC3261:16.6
    def twist(message):
        if (message.method, message.status) == ("INVITE", 200):
            message["Record-Route"] = f"{further}, {nearest}"
        return [message]

    proxy = Proxy("tcp", twist)
    status, report = load(tmp_path, proxy, "call", "--count", "2")
    assert (report["done"], report["failures"], report["violations"], status) == (2, {}, {"strict-route": 2}, 1), report
    sent = [message for message in proxy.seen if message.method in ("ACK", "BYE") and not message.status]
    assert [message.method for message in sent] == ["ACK", "BYE"] * 2
    contact = proxy.phones["<sip:user1"][1]
    uri, routes = ("sip:127.0.0.1:5060", [further, f"<{contact}>"]) if "lr" not in nearest else (contact, [nearest, further])
    for message in sent:
        assert message.start == f"{message.method} {uri} SIP/2.0"
        assert [value for name, value in message.fields if name == "Route"] == routes


class Forgetful:
    """Over TCP: registers everybody at once, but the first two times closes one phone's connection, and lets another one come in late."""

    def __init__(self):
        self.listener, self.n = socket.create_server(("127.0.0.1", 0)), {}
        self.port, self.is_udp = self.listener.getsockname()[1], False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection:
            while text := connection.recv(65536).decode():
                request = Message(text)
                user = request["From"].split("@")[0][-1]
                self.n[user] = self.n.get(user, 0) + 1
                if user == "1" and self.n[user] == 1:
                    time.sleep(4)
                    return
                connection.sendall(str(answer(request, 200, *([f"Contact: {request['Contact']}"] if request["Expires"] != "0" else []))).encode())
                if user == "0" and self.n[user] < 3:
                    return


def test_a_phone_that_comes_back_twice_is_not_two_phones(tmp_path):
    server = Forgetful()
    status, report = load(tmp_path, server, "storm")
    assert (report["done"], report["failures"], report["retries"], status) == (N, {"lost": 2}, 1, 1), report
    assert server.n == {"0": 4, "1": 3} and report["seconds"] > 4    # the last of each takes the binding back


class Caller:
    """Over UDP: registers everybody, and calls the first one with an offer that no answer of a phone has room for."""

    def __init__(self):
        self.is_udp, self.seen = True, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            data, phone = self.socket.recvfrom(65536)
            message = Message(data.decode())
            self.seen.append((message.method, message.status))
            if message.status:
                continue
            self.socket.sendto(str(answer(message, 200, *([f"Contact: {message['Contact']}"] if message["Expires"] != "0" else []))).encode(), phone)
            if len(self.seen) == 1:
                fields = [f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKx", "Max-Forwards: 69", "From: <sip:x@localhost>;tag=x", f"To: {message['To']}", "Call-ID: x", "CSeq: 1 INVITE"]
                fields.append(f"Contact: <sip:127.0.0.1:{self.port}>")
                self.socket.sendto(str(Message("\r\n".join([f"INVITE {message['Contact'].strip('<>')} SIP/2.0", *fields]) + "\r\n\r\n" + "a=x\r\n" * 1000)).encode(), phone)


def test_what_was_to_be_answered_is_over_when_the_phone_begins_anew(tmp_path):
    server = Caller()
    report = load(tmp_path, server, "idle", "--duration", "3")[1]
    assert (report["failures"], report["violations"], report["bindings_left"]) == ({"lost": 1}, {}, 0), report
    assert sorted(server.seen) == [("INVITE", 180)] + [("REGISTER", 0)] * (N + 1 + N), server.seen


def test_the_time_is_that_of_the_operations(tmp_path):
    """A run that is over when all is done is not longer than the operations took."""
    proxy = Proxy("udp")
    assert min(load(tmp_path, proxy, "options", "--count", "4")[1]["seconds"] for _ in range(5)) < 0.08


def test_the_reason_that_a_server_gives_is_shown(tmp_path):  # RFC3261:20.43
    def twist(message):
        message.start = "SIP/2.0 480 Away"
        message["Warning"] = '399 localhost "has gone \\"home\\", like all", 399 localhost "and so on"'
        return [message]

    status, report = load(tmp_path, Proxy("tcp", twist), "options", "--count", "1")
    assert (report["failures"], report["violations"], status) == ({"refused": 1}, {}, 1), report
    assert report["first_failure"].startswith("refused: 480 Away to OPTIONS, has gone ") and report["first_failure"].endswith("like all"), report


def still_bound(message):
    """A 200 to the REGISTER that takes a binding back, which lists it yet."""
    if (message.method, message.status, message["Contact"]) != ("REGISTER", 200, ""):
        return [message]
    user = message["From"].split("@")[0]
    return [str(message).replace("Content-Length", f"Contact: <{still_bound.proxy.phones[user][1]}>\r\nContent-Length")]


def refused(message):
    if (message.method, message.status, message["Contact"]) == ("REGISTER", 200, ""):
        message.start = "SIP/2.0 403 Forbidden"
    return [message]


@pytest.mark.parametrize("twist", [still_bound, refused])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_binding_that_stays_is_told_of_and_no_part_of_what_is_measured(tmp_path, transport, twist):  # RFC3261:10.2.2 RFC3261:10.3
    still_bound.proxy = proxy = Proxy(transport, twist)
    status, report = load(tmp_path, proxy, "register", "--count", "4")
    assert (report["done"], report["failures"], report["violations"], report["bindings_left"], status) == (4, {}, {}, N, 1), report
    last = [message for message in proxy.seen if message["Expires"] == "0"]
    assert len(last) == N and {message["Contact"].strip("<>") for message in last} == {contact for _, contact, _ in proxy.phones.values()}
    status, report = load(tmp_path, proxy, "register", "--count", "4", "--keep-bindings")
    assert (report["bindings_left"], status) == (N, 0), report


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_report_that_cannot_be_written_is_an_error(options):
    words = ["load", "options", f"127.0.0.1:{Proxy('udp').port}", "--transport", "udp", "--users", "user%d@localhost", "--count", "2"]
    status, _, errors = run(["sh", "-c", 'exec "$0" "$@" >/dev/full', BUILD / "sealine", *words, *options])
    assert status == 1 and "standard output: No space left on device" in errors
