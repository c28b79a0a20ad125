"""sealine load against sealined: small bounded runs, in which nothing may fail and nothing may break the protocol."""

import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from programs import BUILD, Program, Server, run, sealine, slow
from sealine_e2e import Client

N = 6


def serve(directory):
    """A server with N accounts and a password file beside its state; listens for TLS, TCP and UDP."""
    state = directory / "state"
    accounts = "".join(f"user{i:02d}@localhost\tsecret\n" for i in range(N))
    (directory / "accounts").write_text(accounts)
    (directory / "password").write_text("secret\n")
    assert sealine("user", "import", directory / "accounts", "--state", state)[0] == 0
    server = Server(state, listen=("127.0.0.1:0", "tcp:127.0.0.1:0", "udp:127.0.0.1:0"), options=("--workers", "2"))
    server.directory = directory
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("load")) as server:
        yield server


@pytest.fixture(scope="module")
def udp_server(tmp_path_factory):
    """One of its own: over UDP there is no connection whose end would end a binding, and an account has at most ten."""
    with serve(tmp_path_factory.mktemp("load-udp")) as server:
        yield server


def load(server, mode, *options, transport="tls", who=None, port=None):
    """Runs the load: exit status, report, standard error."""
    who = who or ("--users", "user%02d@localhost", "--password-file", server.directory / "password")
    words = ["load", mode, f"127.0.0.1:{port or server.port(transport)}", "--transport", transport, *who, "--json"]
    if "--number" not in options:
        words += ["--number", str(N)]
    if transport == "tls":
        words += ["--ca", server.ca]
    status, out, errors = sealine(*words, *options, seconds=60)
    return status, json.loads(out) if out else None, errors


@pytest.mark.parametrize(
    "mode, options, done, connections",
    [
        ("register", ["--count", "60"], 60, N),
        ("register", ["--count", "30", "--challenged"], 30, N),
        ("call", ["--count", "30"], 30, N),
        ("message", ["--count", "60"], 60, N),
        ("options", ["--count", "60"], 60, N),
        ("handshake", ["--count", "12"], 12, 0),
        ("idle", ["--duration", "1"], 0, N),
        ("storm", [], N, N),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_nothing_fails_and_nothing_breaks_the_protocol(server, mode, options, done, connections):
    status, report, errors = load(server, mode, *options, "--server-pid", str(server.pid))
    assert report, errors
    assert (report["failures"], report["violations"], status) == ({}, {}, 0), errors
    assert (report["done"], report["connections"]) == (done, connections)
    assert report["server"]["pid"] == server.pid and report["server"]["pss_kb"] > 0
    assert "latency_ms" not in report or 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["max"]


def test_sips_addresses_and_a_file_of_accounts_work_too(server):
    status, report, errors = load(server, "call", "--count", "10", who=("--users", "sips:user%02d@localhost", "--password-file", server.directory / "password"))
    assert (status, report["done"]) == (0, 10), errors
    status, report, errors = load(server, "message", "--count", "10", who=("--accounts", server.directory / "accounts"))
    assert (status, report["done"]) == (0, 10), errors


@pytest.mark.parametrize("option, what", [("--password-file", "secret\n"), ("--accounts", "".join(f"user{i:02d}@localhost\tsecret\n" for i in range(N)))])
def test_what_is_read_may_come_through_a_pipe(server, option, what):
    """As from --password-file <(...)."""
    who = [*(["--users", "user%02d@localhost"] if option == "--password-file" else []), option, "/dev/stdin"]
    words = ["load", "register", f"127.0.0.1:{server.port()}", *who, "--number", N, "--count", "6", "--ca", server.ca, "--json"]
    status, out, errors = sealine(*words, stdin=what)
    assert status == 0 and json.loads(out)["done"] == 6, errors


def test_numbers_have_no_more_digits_than_are_known(server):
    words = ("load", "options", f"127.0.0.1:{server.port()}", "--users", "user%02d@localhost", "--count", "200", "--ca", server.ca, "--json")
    status, out, errors = sealine(*words)
    assert status == 0 and max(len(number.replace(".", "").lstrip("0")) for number in re.findall(r"\d+\.\d+", out.split('"seconds"')[1])) <= 12, (out, errors)


def test_a_process_that_is_not_there_is_noticed_before_anything_is_sent(server):
    status, report, errors = load(server, "options", "--count", "1", "--server-pid", str(2**31 - 1))
    assert (status, report) == (1, None) and "there is no process 2147483647 to be looked at" in errors


def test_a_clear_connection_is_loaded_as_well(server):
    status, report, errors = load(server, "call", "--count", "10", transport="tcp")
    assert (status, report["done"], report["transport"]) == (0, 10, "tcp"), (report, errors)


@pytest.mark.parametrize("mode, options, done", [("register", ["--count", "60"], 60), ("call", ["--count", "30"], 30), ("message", ["--count", "60"], 60), ("storm", [], N)], ids=["register", "call", "message", "storm"])
def test_datagrams_are_loaded_as_well(udp_server, mode, options, done):
    status, report, errors = load(udp_server, mode, *options, transport="udp")
    assert (status, report["done"], report["failures"], report["violations"]) == (0, done, {}, {}), errors
    assert report["transport"] == "udp" and report["datagrams"]["unsent"] == 0


def bindings(server):
    out = sealine("user", "list", "--state", server.state, "--json")[1]
    return sorted(binding["contact"] for user in json.loads(out)["users"] for binding in user["bindings"])


@pytest.mark.parametrize("transport", ["tls", "tcp", "udp"])
@pytest.mark.parametrize("mode, options", [("register", ["--count", "12"]), ("call", ["--count", "6"]), ("message", ["--count", "6"]), ("idle", ["--duration", "1"]), ("storm", [])], ids=["register", "call", "message", "idle", "storm"])
def test_a_run_takes_its_bindings_back(server, mode, options, transport):  # RFC3261:10.2.2
    before = bindings(server)
    status, report, errors = load(server, mode, *options, transport=transport)
    assert (status, report["failures"], report["violations"], report["bindings_left"]) == (0, {}, {}, 0), errors
    assert bindings(server) == before


def test_bindings_stay_for_who_wants_them(udp_server):
    before = bindings(udp_server)
    status, report, errors = load(udp_server, "idle", "--duration", "1", "--keep-bindings", transport="udp")
    assert (status, report["bindings_left"]) == (0, N), errors
    assert len(bindings(udp_server)) == len(before) + N


def test_an_account_is_not_full_after_many_runs_over_udp(udp_server):
    for _ in range(12):
        status, report, errors = load(udp_server, "register", "--count", str(N), transport="udp")
        assert (status, report and report["done"]) == (0, N), errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("mode, transport", [("idle", "udp"), ("call", "tls"), ("register", "tcp")])
def test_an_interrupt_leaves_no_bindings(server, mode, transport, number):
    before = bindings(server)
    words = [BUILD / "sealine", "load", mode, f"127.0.0.1:{server.port(transport)}", "--transport", transport, "--users", "user%02d@localhost", "--password-file", server.directory / "password"]
    words += ["--number", N, "--duration", "60", "--json", *(["--ca", server.ca] if transport == "tls" else []), *(["--rate", "20"] if mode != "idle" else [])]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + slow(10)
        while len(bindings(server)) < len(before) + N and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(number)
        out, _ = process.communicate(timeout=slow(20))
    report = json.loads(out)
    assert (process.returncode, report["failures"], report["violations"], report["bindings_left"]) == (130, {}, {}, 0)
    assert bindings(server) == before


class Lossy:
    """Passes datagrams on, a socket towards the server for each phone; but every seventh of each direction is lost."""

    def __init__(self, port):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.server, self.phones, self.backs = ("127.0.0.1", port), {}, {}
        self.n, self.lost, self.over = [0, 0], 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for sock in (self.front, *self.backs):
            sock.close()

    def is_lost(self, direction):
        self.n[direction] += 1
        self.lost += self.n[direction] % 7 == 0
        return self.n[direction] % 7 == 0

    def back_of(self, phone):
        if phone not in self.phones:
            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.connect(self.server)
            self.phones[phone], self.backs[back] = back, phone
        return self.phones[phone]

    def run(self):
        while not self.over.is_set():
            for sock in select.select([self.front, *self.backs], [], [], 0.1)[0]:
                data, sender = sock.recvfrom(65536)
                if sock is self.front:
                    back = self.back_of(sender)
                    if not self.is_lost(0):
                        back.send(data)
                elif not self.is_lost(1):
                    self.front.sendto(data, self.backs[sock])


@pytest.mark.parametrize("mode, count", [("register", 12), ("message", 6), ("call", 6)], ids=["register", "message", "call"])
def test_what_is_lost_is_sent_again_and_counted(udp_server, mode, count):  # RFC3261:17.1.1.2 RFC3261:17.1.2.2 RFC3261:13.3.1.4
    with Lossy(udp_server.port("udp")) as between:
        status, report, errors = load(udp_server, mode, "--count", str(count), transport="udp", port=between.port)
    assert (report["done"], report["failures"], report["violations"], status) == (count, {}, {}, 0), (report, errors)
    assert between.lost > 0 and report["datagrams"]["sent_again"] > 0
    assert report["latency_ms"]["max"] >= 500 or mode == "call"


def test_datagrams_to_nobody_are_a_failure_and_not_a_wait(udp_server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    status, report, errors = load(udp_server, "options", "--count", "1", "--duration", "1", transport="udp", port=port)
    assert status == 1 and report["failures"].get("lost", 0) > 0, errors
    assert report["first_failure"] == "the connection ended: connection refused"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_no_way_to_the_server_is_said_in_words(transport):
    alone = ["unshare", "--map-root-user", "--net"]    # where not even the loopback interface is up
    if run([*alone, "true"])[0] != 0:
        pytest.skip("there can be no network namespace")
    status, _, errors = run([*alone, BUILD / "sealine", "load", "options", "127.0.0.1:5060", "--transport", transport, "--users", "a@localhost", "--duration", "1"])
    assert status == 1 and "there is no route to it, or this machine has no port left" in errors


def test_sessions_are_taken_up_again_by_whichever_worker(server):
    status, report, errors = load(server, "handshake", "--count", "40", "--resumed")
    assert (status, report["done"], report["failures"], report["violations"]) == (0, 40, {}, {}), errors
    assert 40 - N <= report["resumed"] < 40
    status, report, errors = load(server, "handshake", "--count", "5")
    assert status == 0 and "resumed" not in report, errors


def test_a_terminal_shows_how_it_goes_and_an_interrupt_ends_it_with_the_report(server):
    words = [BUILD / "sealine", "load", "options", f"127.0.0.1:{server.port()}", "--users", "user%02d@localhost", "--number", str(N), "--ca", server.ca]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], [str(word) for word in [*words, "--rate", "50", "--duration", "60"]])
    shown, interrupted = b"", False
    while select.select([terminal], [], [], slow(20))[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if b" requests " in shown and not interrupted:
            interrupted = os.write(terminal, b"\x03") == 1
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert interrupted and status == 130, shown
    assert b"users ready" in shown and b"failures  0 violations  p50" in shown and b"\r\ndone " in shown


def test_a_rate_is_kept(server):
    status, report, errors = load(server, "options", "--rate", "50", "--count", "50")
    assert (status, report["done"] + report["missed"]) == (0, 50), errors
    assert report["seconds"] >= 0.9


@pytest.mark.parametrize("rate, seconds, begun", [(1, 1, 1), (1, 2, 2), (10, 1, 10)])
def test_as_many_are_begun_as_rate_and_duration_say(server, rate, seconds, begun):
    """The first one at once, and none when the time is over."""
    status, report, errors = load(server, "options", "--rate", str(rate), "--duration", str(seconds))
    assert (status, report["done"] + report["missed"]) == (0, begun), errors


def test_what_the_server_refuses_is_counted(server):
    (server.directory / "wrong").write_text("wrong\n")
    who = ("--users", "user%02d@localhost", "--password-file", server.directory / "wrong")
    status, report, errors = load(server, "register", "--count", "6", who=who)
    assert status == 1 and report is None
    assert "no user could register" in errors and "the server refused the password" in errors


def test_a_storm_says_why_it_was_not_let_in(server):
    (server.directory / "wrong").write_text("wrong\n")
    who = ("--users", "user%02d@localhost", "--password-file", server.directory / "wrong")
    status, report, errors = load(server, "storm", "--duration", "1", who=who)
    assert (status, report["failures"]) == (1, {"timeout": N}), errors
    assert report["retries"] >= N and "401 Unauthorized to REGISTER, the server refused the password" in report["first_retry"]


def test_a_certificate_that_nobody_trusts_is_refused(server):
    words = ("load", "handshake", f"127.0.0.1:{server.port()}", "--users", "a@localhost", "--count", "1", "--duration", "1", "--json")
    status, out, errors = sealine(*words)
    assert status == 1 and json.loads(out)["failures"] == {"handshake": 1}


@pytest.mark.parametrize(
    "words, why",
    [
        (["options", "192.0.2.1:5061", "--users", "a@localhost"], "192.0.2.1:5061 is not this machine; load only what is yours"),
        (["options", "localhost:5061", "--users", "a@localhost"], "is no address; write it in numbers"),
        (["frobnicate", "127.0.0.1:5061", "--users", "a@localhost"], 'there is no mode "frobnicate"'),
        (["register", "127.0.0.1:5061", "--users", "a@localhost"], "give their password"),
        (["options", "127.0.0.1:5061"], "name the users"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--resumed"], "options takes no session up again, as handshake and storm do over TLS"),
        (["call", "127.0.0.1:5061", "--users", "u%d@localhost", "--number", "3", "--password-file", "/dev/null"], "/dev/null: it is empty"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--duration", "0"], "--duration takes a whole number from 1 to 3000"),
        (["handshake", "127.0.0.1:5061", "--users", "a@localhost", "--transport", "udp"], "over UDP there is no connection to be made"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--transport", "sctp"], "--transport is tls, tcp or udp"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--rate", "5"], "storm has no rate; leave out --rate"),
        (["idle", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--rate", "5"], "idle has no rate"),
        (["idle", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--count", "5"], "idle has no operations to be counted; leave out --count"),
        (["idle", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--challenged"], "idle uses no nonce a second time"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--challenged"], "storm uses no nonce a second time"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--new-call-id"], "storm does not send one REGISTER after the other"),
        (["call", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--new-call-id"], "call does not send one REGISTER after the other"),
        (["handshake", "127.0.0.1:5061", "--users", "a@localhost", "--ramp", "5"], "handshake does not ramp up"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--settle", "5"], "storm has no users who get ready before it begins"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--transport", "tcp", "--resumed"], "storm takes no session up again"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--transport", "tcp", "--ca", "x"], "options asks for certificates over TLS only; leave out --ca"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--realm", "x"], "options has no passwords whose realm it would be"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_wrong_use_is_refused_with_a_reason(words, why):
    status, out, errors = run([BUILD / "sealine", "load", *words], seconds=slow(10))
    assert (out, status) == ("", 2 if "/dev/null" not in words else 1), errors
    assert errors.startswith("sealine: ") and why in errors


FILLERS = 200_000


class Busy:
    """A server over TCP that answers the first REGISTER of each phone 503 with this Retry-After, and the next one 200."""

    def __init__(self, seconds):
        self.seconds, self.refused, self.listener = seconds, {}, socket.create_server(("127.0.0.1", 0))
        self.port, self.early = self.listener.getsockname()[1], 0
        threading.Thread(target=self.run, daemon=True).start()

    def answer(self, request):
        fields = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if line)
        phone, now = fields["Call-ID"], time.monotonic()
        lines = [f"{name}: {fields[name]}" for name in ("Via", "From", "Call-ID", "CSeq")] + [f"To: {fields['To']};tag=busy", "Content-Length: 0"]
        if phone not in self.refused:
            self.refused[phone] = now
            return ["SIP/2.0 503 Service Unavailable", f"Retry-After: {self.seconds}", *lines]
        self.early += now - self.refused[phone] < self.seconds
        return ["SIP/2.0 200 OK", *([f"Contact: {fields['Contact']}"] if fields["Expires"] != "0" else []), *lines]

    def serve(self, connection):
        with connection, connection.makefile("r", newline="") as lines:
            request = ""
            for line in lines:
                request += line
                if line == "\r\n":
                    connection.sendall("\r\n".join([*self.answer(request), "", ""]).encode())
                    request = ""

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()


def test_phones_in_a_storm_come_again_no_sooner_than_they_are_told(server):  # RFC3261:21.5.4
    busy = Busy(2)
    status, report, errors = load(server, "storm", transport="tcp", port=busy.port)
    assert (report["done"], report["retries"], report["failures"], report["violations"], status) == (N, N, {}, {}, 0), errors
    assert len(busy.refused) == N and busy.early == 0
    assert report["seconds"] >= 2


def let_nobody_in(listener):
    """Each connection ends after two seconds, without a word."""
    while True:
        connection = listener.accept()[0]
        threading.Timer(2, connection.close).start()


def test_users_who_never_get_ready_do_not_keep_it_waiting(server):
    """A server that takes connections and says nothing: 64 users at a time would wait ten seconds each."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:
        who = ("--users", "user%03d@localhost", "--password-file", server.directory / "password")
        began = time.monotonic()
        status, report, errors = load(server, "register", "--number", "200", "--settle", "2", who=who, transport="tcp", port=silent.getsockname()[1])
    assert (status, report) == (1, None) and "only 0 of 200 users were ready after 2 s, nothing was measured" in errors
    assert time.monotonic() - began < slow(8)


def test_users_who_try_again_keep_nobody_from_his_first_attempt(server):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    threading.Thread(target=let_nobody_in, args=(listener,), daemon=True).start()
    who = ("--users", "user%03d@localhost", "--password-file", server.directory / "password")
    status, report, errors = load(server, "register", "--number", "200", who=who, transport="tcp", port=listener.getsockname()[1])
    assert (status, report) == (1, None) and "no user could register; the connection ended" in errors


def fill(state):
    """Accounts that nobody uses, which are read before all others."""
    database = sqlite3.connect(state / "sealine.db")
    with database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO account (id, name, version, policy) SELECT -i, 'filler' || i || '@localhost', 1, '' FROM n",
            (FILLERS,),
        )
    database.close()


def test_phones_are_answered_while_the_accounts_are_read(tmp_path):  # RFC3261:21.5.4
    state = tmp_path / "state"
    with Server(state) as first:
        first.add_account("alice@localhost", "secret")
        ca = first.ca
    fill(state)
    with Program([BUILD / "sealined", "--state", state, "--listen", "127.0.0.1:0"]) as server:
        port = int(server.wait_for(r"listening listen=tls:127\.0\.0\.1:\d+", 30).split("tls:127.0.0.1:")[1].split()[0])
        with Client(port, ca) as alice:
            early = alice.register()
            was_early = " ready " not in server.output
            server.wait_for(r" ready ", 60)
            late = alice.register()
    assert late.status == 200
    assert was_early, "the accounts were read before the phone was answered; take more of them"
    assert (early.status, early.all("Retry-After")) == (503, ["5"])
