"""sealined as a program: first start, registration, calls between workers, kill -9, reload, bad input."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import time

import pytest

from programs import BUILD, Program, Server, run, slow
from sealine_e2e import Client, Closed, control, digests, h


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def serve(state, *options, workers=2, **more):
    return Server(state, options=["--workers", str(workers), *options], **more)


def add(state, aor, password="secret", **more):
    reply = control(state, "user-add", **digests(aor, password, **more))
    assert reply["ok"], reply


@pytest.fixture
def server(state):
    with serve(state, "--log-level", "debug") as running:
        add(state, "alice@localhost")
        add(state, "bob@localhost")
        yield running


def client(server, user="alice", **more):
    return Client(server.port(), ca=server.state / "ca.pem", aor=f"{user}@localhost", **more)


# -- the program ---------------------------------------------------------------------------------------------------------


def test_first_start_makes_a_private_state_and_says_what_to_do(state):
    with serve(state) as server:
        assert stat.S_IMODE(os.stat(state).st_mode) == 0o700
        for file in state.iterdir():
            assert stat.S_IMODE(os.stat(file).st_mode) == 0o600, file
        for event in ("about.protected", "about.not-protected", "about.accounts"):
            server.wait_for(event)
        assert server.stop() == 0


def test_serves_tls_1_2_and_1_3_only_with_a_chain_that_verifies(server):
    ca = server.state / "ca.pem"
    for version, offered in (("TLSv1.2", True), ("TLSv1.3", True), ("TLSv1", False), ("TLSv1_1", False)):
        option = "-" + version.lower().replace(".", "_").replace("tlsv", "tls")
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port()}", "-CAfile", ca, "-servername", "localhost"]
        command += ["-verify_return_error", "-cipher", "DEFAULT@SECLEVEL=0", option]
        status, text, _ = run(command)
        assert ("Verify return code: 0 (ok)" in text and status == 0) == offered, (version, text)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--workers", "0"], "it is no number from 1 to 64"),
        (["--listen", "localhost:5061"], "[TRANSPORT:]ADDRESS:PORT"),
        (["--listen", "127.0.0.1"], "it has no IP address and port"),
        (["--domain", "a b"], "it is no domain name"),
        (["--certificate", "/nonexistent"], "there is a certificate, but no key"),
        (["--certificate", "/nonexistent", "--key", "/nonexistent"], "there is no such file"),
        (["-c", "/nonexistent.yaml"], "there is no such file"),
        (["-c", ""], "-c needs a file"),
        (["--trust-anchor", "/nonexistent"], "/nonexistent: it cannot be read, or is no trust anchor"),
        (["--trust-anchor", "/etc/passwd"], "/etc/passwd: it cannot be read, or is no trust anchor"),
        (["--colour"], "unrecognized option"),
        (["extra"], "what is"),
    ],
)
def test_refuses_what_it_does_not_understand(state, options, said):
    status, _, errors = run([BUILD / "sealined", "--state", state, *options])
    assert status == 2, errors
    assert said in errors
    assert not state.exists()


def test_checks_a_configuration_without_starting(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("domains:\n  - name: example.org\n    md5: allow\nworkers: 2\n")
    bad.write_text("# a comment\nworkers: 2\nlisen:\n  - 127.0.0.1:5061\n")
    assert run([BUILD / "sealined", "-t", "-c", good])[0] == 0
    status, _, errors = run([BUILD / "sealined", "-t", "-c", bad])
    assert status == 2
    assert f'{bad}:3:1: there is no key "lisen"; is "listen" meant?' in errors
    bad.write_text("domains:\n  - name: a.example\n    certificate: [/none.pem]\n    key: /none.key\n")
    assert f"{bad}:3:19: /none.pem: there is no such file" in run([BUILD / "sealined", "-t", "-c", bad])[2]
    words = ["--certificate", "/none.pem", "--key", "/none.key"]
    assert "sealined: /none.pem: there is no such file" in run([BUILD / "sealined", "-t", "-c", good, *words])[2]
    bad.write_text("trust-anchor: /none.key\n")
    assert f"{bad}:1:15: /none.key: it cannot be read" in run([BUILD / "sealined", "-t", "-c", bad])[2]
    bad.write_text("staple: /none.der\n")
    assert f"{bad}:1:9: /none.der: there is no such file" in run([BUILD / "sealined", "-t", "-c", bad])[2]
    for option in ("--trust", "--crl"):  # also where the certificate is the development CA's
        status, _, errors = run([BUILD / "sealined", "-t", option, "/none.pem"])
        assert (status, errors) == (2, "sealined: /none.pem: there is no such file\n")


def test_refuses_a_name_that_its_certificate_does_not_prove(state, tmp_path):
    with serve(state) as server:
        server.stop()
    pair = ["--certificate", state / "server.pem", "--key", state / "server.key"]
    status, _, errors = run([BUILD / "sealined", "--state", tmp_path / "other", *pair, "--advertise", "sip.example.org"])
    assert status == 2
    assert "sip.example.org" in errors and "localhost" in errors


def test_lets_one_server_at_a_time_use_a_state_directory(server):
    status, _, errors = run([BUILD / "sealined", "--state", server.state, "--listen", "127.0.0.1:0"])
    assert status == 1
    assert f'path="{server.state}"' in errors and "a server runs already" in errors


def test_says_which_state_directory_is_open_to_others(tmp_path):
    tmp_path.chmod(0o755)
    status, _, errors = run([BUILD / "sealined", "--state", tmp_path, "--listen", "127.0.0.1:0"])
    assert status == 1
    assert f'what="the state directory" path="{tmp_path}"' in errors


def test_says_that_a_port_is_taken(server, tmp_path):
    status, _, errors = run([BUILD / "sealined", "--state", tmp_path / "other", "--listen", f"127.0.0.1:{server.port()}"])
    assert status == 1
    assert "another program listens there" in errors


def test_logs_json_lines_on_demand(state):
    with Program([BUILD / "sealined", "--state", state, "--listen", "127.0.0.1:0", "--log-format", "json"]) as server:
        server.wait_for('"event":"ready","listen":"tls:127.0.0.1:')
        server.stop()
        events = [json.loads(line) for line in server.lines]
    assert {"ready", "ended"} <= {event["event"] for event in events}
    assert all({"ts", "level", "event"} <= set(event) for event in events)


def test_tells_systemd_when_it_is_ready_reloading_and_stopping(state, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(slow(10))
        environment = {**os.environ, "NOTIFY_SOCKET": path}
        process = subprocess.Popen([BUILD / "sealined", "--state", state, "--listen", "127.0.0.1:0"], env=environment, stderr=subprocess.DEVNULL)
        try:
            assert b"READY=1" in notify.recv(1000)
            process.send_signal(signal.SIGHUP)
            assert b"RELOADING=1" in notify.recv(1000)
            assert b"READY=1" in notify.recv(1000)
            process.send_signal(signal.SIGTERM)
            assert b"STOPPING=1" in notify.recv(1000)
            assert process.wait(slow(15)) == 0
        finally:
            process.kill()
            process.wait()


# -- registration --------------------------------------------------------------------------------------------------------


def test_challenges_and_registers(server):
    with client(server) as alice:
        alice.send(alice.request("REGISTER", "sips:localhost", to="sips:alice@localhost"))
        challenge = alice.final()
        assert challenge.status == 401
        assert [value.split()[0] for value in challenge.all("WWW-Authenticate")] == ["Digest"]
        assert "algorithm=SHA-256" in challenge.get("WWW-Authenticate") and 'qop="auth,auth-int"' in challenge.get("WWW-Authenticate")
        response = alice.register()
        assert response.status == 200, response
        assert "expires=600" in response.get("Contact")
        status = control(server.state, "status")
        assert status["bindings"] == 1 and status["flows"]["account"] == 1
        users = {user["aor"]: user for user in control(server.state, "user-list")["users"]}
        assert users["alice@localhost"]["bindings"][0]["secure"] is True
        assert users["bob@localhost"]["bindings"] == []


def test_refuses_a_wrong_password_an_unknown_user_and_another_name(server):
    with client(server, password="wrong") as alice:
        assert alice.register().status == 401
    with client(server, user="nobody") as nobody:
        assert nobody.register().status == 401
    with client(server) as alice:
        alice.aor = "bob@localhost"  # alice's credentials for bob's address
        assert alice.register().status in (401, 403)


def test_refuses_a_replay_and_a_nonce_of_another_flow(server):
    with client(server) as alice:
        assert alice.register().status == 200
        uri, to = "sips:localhost", "sips:alice@localhost"
        alice.send(alice.request("REGISTER", uri, to=to))
        challenge = alice.final()
        line = alice.answer_to(challenge, "REGISTER", uri)
        alice.send(alice.request("REGISTER", uri, to=to, headers=[line]))
        assert alice.final().status == 200
        alice.send(alice.request("REGISTER", uri, to=to, headers=[line]))
        replayed = alice.final()
        assert replayed.status == 401
        with client(server) as other:
            other.send(other.request("REGISTER", uri, to=to, headers=[other.answer_to(challenge, "REGISTER", uri)]))
            stale = other.final()
            assert stale.status == 401 and "stale=true" in stale.get("WWW-Authenticate").lower()


def test_speaks_md5_only_where_it_is_allowed(state, tmp_path):
    file = tmp_path / "sealined.yaml"
    file.write_text("domains:\n  - localhost\n  - name: old.example\n    md5: allow\n")
    with serve(state, "-c", str(file)) as server:
        refused = control(state, "user-add", **digests("alice@localhost", "secret", md5=True))
        assert refused["error"] == "denied" and "MD5" in refused["message"]
        add(state, "alice@old.example", md5=True)
        with Client(server.port(), ca=state / "ca.pem", aor="alice@old.example") as alice:
            alice.send(alice.request("REGISTER", "sips:old.example", to="sips:alice@old.example"))
            challenge = alice.final()
            offered = [value.partition("algorithm=")[2].partition(",")[0] for value in challenge.all("WWW-Authenticate")]
            assert offered == ["SHA-256", "MD5"]
            assert alice.register(algorithm="MD5").status == 200


def test_answers_options_only_with_a_proof(server):
    with client(server) as alice:
        alice.send(alice.request("OPTIONS", "sips:bob@localhost"))
        assert alice.final().status in (401, 407)


# -- what must survive ---------------------------------------------------------------------------------------------------


def test_a_binding_and_an_account_survive_kill_9(state):
    with serve(state) as server:
        add(state, "alice@localhost")
        with client(server) as alice:
            assert alice.register().status == 200
            add(state, "bob@localhost")
            server.kill()
    with serve(state) as server:
        users = {user["aor"]: user for user in control(state, "user-list")["users"]}
        assert len(users["alice@localhost"]["bindings"]) == 1
        with client(server, user="bob") as bob:
            assert bob.register().status == 200
            # alice is not back yet
            response = bob.ask("INVITE", "sips:alice@localhost")
            assert response.status == 480 and int(response.get("Retry-After").split()[0]) > 0, response
            bob.ack_failure(response, "sips:alice@localhost")
            with client(server) as alice:
                assert alice.register().status == 200
                bob.send(bob.request("OPTIONS", "sips:alice@localhost", headers=[bob.answer_to(unproven(bob), "OPTIONS", "sips:alice@localhost")]))
                alice.reply(alice.expect(lambda m: m.method == "OPTIONS"), 200, "OK")
                assert bob.final().status == 200


def test_a_refresh_that_only_moves_the_end_is_not_written_and_not_lost(state):
    database = [state / "sealine.db", state / "sealine.db-wal"]
    with serve(state) as server:
        add(state, "alice@localhost")
        with client(server) as alice:
            assert alice.register().status == 200
            before = [path.read_bytes() for path in database if path.exists()]
            for _ in range(5):
                assert alice.register().status == 200
            assert [path.read_bytes() for path in database if path.exists()] == before
            server.kill()
    with serve(state) as server:
        users = {user["aor"]: user for user in control(state, "user-list")["users"]}
        assert len(users["alice@localhost"]["bindings"]) == 1
        with client(server) as alice:
            assert alice.register().status == 200
            assert alice.register(expires=0).status == 200
            server.kill()
    with serve(state):
        users = {user["aor"]: user for user in control(state, "user-list")["users"]}
        assert [binding["contact"] for binding in users["alice@localhost"]["bindings"]].count(alice.contact.strip("<>")) == 0


def unproven(who):
    """A challenge for the next request to alice."""
    who.send(who.request("OPTIONS", "sips:alice@localhost"))
    challenge = who.final()
    assert challenge.status == 407
    return challenge


def test_thousands_of_accounts_are_imported_at_once(server):
    users = [digests(f"user{i}@localhost", "x") for i in range(3000)] + [digests("alice@localhost", "x"), {"aor": "nonsense"}]
    reply = control(server.state, "user-import", users=users)
    assert reply["ok"] and reply["added"] == 3000
    assert sorted((one["index"], one["error"]) for one in reply["refused"]) == [(3000, "exists"), (3001, "syntax")]
    first = control(server.state, "user-list")
    assert len(first["users"]) == 3002 and not first["more"]


def fill(state, n):
    """Accounts with two phones each, which have much to say, and eight certificates."""
    with contextlib.closing(sqlite3.connect(state / "sealine.db")) as database, database:
        for i in range(1, n + 1):
            database.execute("INSERT INTO account (id, name, version) VALUES (?, ?, 1)", (i, f"user{i:05}@localhost"))
            for phone in range(2):
                texts = [f"sip:{i}@192.0.2.1:{phone + 1}", b"", b"", f"{i}.{phone}", b"", b"x" * 600, b"192.0.2.1"]
                contact, params, instance, call_id, path, agent, received = (text.encode() if isinstance(text, str) else text for text in texts)
                values = (i, phone, contact, params, instance, 0, call_id, 1, 1000, int(time.time()) + 3600, 1, 1, path, agent, received)
                database.execute(f"INSERT INTO binding VALUES ({', '.join('?' * len(values))})", values)
            for device in range(8):
                until = int(time.time()) + 86400
                values = (i, device, b"der", os.urandom(32), os.urandom(32), i << 8 | device, until, until, 0)
                database.execute(f"INSERT INTO certificate VALUES ({', '.join('?' * len(values))})", values)


def test_accounts_are_listed_however_much_there_is_to_say_of_them(state):
    with serve(state):
        pass
    fill(state, 4000)
    with serve(state):
        for noun, name, n in (("user", "users", 4000), ("cert", "certificates", 32000)):
            status, text, errors = run([BUILD / "sealine", noun, "list", "--json", "--state", state])
            assert (status, errors) == (0, "")
            listed = json.loads(text)[name]
            assert len(listed) == n and len({one["aor"] for one in listed}) == 4000


@pytest.mark.parametrize("request_name", ["user-passwd", "user-remove"])
def test_who_lost_his_password_is_dropped_at_once(server, request_name):
    with client(server) as alice, client(server, user="bob") as bob:
        assert alice.register().status == 200 and bob.register().status == 200
        members = digests("alice@localhost", "new")
        assert control(server.state, request_name, **members)["ok"]
        assert alice.is_closed()
        assert control(server.state, "status")["bindings"] == 1
        assert bob.register().status == 200
    with client(server) as again:
        assert again.register().status == 401
    if request_name == "user-passwd":
        with client(server, password="new") as alice:
            assert alice.register().status == 200


def test_the_control_socket_explains_what_is_wrong(server):
    assert control(server.state, "dance")["error"] == "unknown"
    assert control(server.state, "user-add", aor="alice@localhost")["error"] == "syntax"
    assert control(server.state, "user-add", **digests("alice@localhost", "x"))["error"] == "exists"
    assert control(server.state, "user-add", **digests("alice@example.org", "x"))["error"] == "denied"
    assert control(server.state, "user-remove", aor="carol@localhost")["error"] == "not-found"


# -- reload and end ------------------------------------------------------------------------------------------------------


def test_a_reload_takes_what_is_good_and_leaves_what_is_bad(state, tmp_path):
    file = tmp_path / "sealined.yaml"
    file.write_text("domains: [localhost]\n")
    with serve(state, "-c", str(file)) as server:
        add(state, "alice@localhost")
        with client(server) as alice:
            assert alice.register().status == 200
            file.write_text("domains: [localhost]\nworkes: 2\n")
            server.signal(signal.SIGHUP)
            server.wait_for(r"reload.failed.*:2:1: there is no key .*workers.* meant")
            file.write_text("domains: [localhost, other.example]\n")
            server.signal(signal.SIGHUP)
            server.wait_for(r"info reloaded")
            assert alice.register().status == 200  # over the same connection
        add(state, "carol@other.example")
        with Client(server.port(), ca=state / "ca.pem", aor="carol@other.example") as carol:  # a new certificate proves it
            assert carol.register().status == 200
        file.write_text("domains: [localhost]\nlisten: ['127.0.0.1:1']\n")
        # the option says where to listen, so this changes nothing but the domains
        assert control(state, "reload")["ok"]


def test_a_reload_refuses_what_needs_a_restart(state, tmp_path):
    file = tmp_path / "sealined.yaml"
    good = "domains: [localhost]\ndns: 127.0.0.1:9\n"
    file.write_text(good)
    with serve(state, "-c", str(file)) as server:
        changes = {
            "dns": good.replace(":9", ":10"),
            "trust-anchor": good + "trust-anchor: none\n",
            "log-level": good + "log-level: debug\n",
        }
        for setting, text in changes.items():
            file.write_text(text)
            assert f"a change of {setting} needs a restart" in str(control(state, "reload"))
        file.write_text(good)
        assert control(server.state, "reload")["ok"]


def make_certificate(path, name):
    """A certificate that is its own CA, and its key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    command += ["-out", f"{path}.pem", "-keyout", f"{path}.key", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    assert run(command)[0] == 0


def test_a_reload_takes_new_certificates_and_connections_stay(state, tmp_path):
    for file, name in (("first", "localhost"), ("second", "localhost"), ("foreign", "other.example")):
        make_certificate(tmp_path / file, name)
    live, key = tmp_path / "live.pem", tmp_path / "live.key"

    def install(certificate, of_key):
        live.write_bytes((tmp_path / f"{certificate}.pem").read_bytes())
        key.write_bytes((tmp_path / f"{of_key}.key").read_bytes())

    def serves(certificate):
        try:
            Client(server.port(), ca=tmp_path / f"{certificate}.pem").close()
        except ssl.SSLCertVerificationError:
            return False
        return True

    install("first", "first")
    with serve(state, "--certificate", str(live), "--key", str(key)) as server:
        add(state, "alice@localhost")
        with Client(server.port(), ca=tmp_path / "first.pem") as alice:
            assert alice.register().status == 200
            bad = [
                (lambda: install("first", "second"), "the key is not the one of this certificate"),
                (lambda: install("foreign", "foreign"), "names other.example"),
                (lambda: live.write_text("nonsense"), "there is no certificate in it"),
                (live.unlink, "there is no such file"),
            ]
            for spoil, said in bad:
                since = len(server.lines)
                spoil()
                server.signal(signal.SIGHUP)
                assert said in server.wait_for("reload", since=since)
                assert serves("first")
            since = len(server.lines)
            install("second", "second")
            server.signal(signal.SIGHUP)
            server.wait_for("info reloaded", since=since)
            # Each worker takes the new ones in a turn of its own: what was accepted before that may still see the old.
            deadline = time.monotonic() + slow(10)
            while serves("first") and time.monotonic() < deadline:
                time.sleep(0.1)
            assert all(serves("second") and not serves("first") for _ in range(4))
            assert alice.register().status == 200  # over the old connection


def test_a_database_shows_no_digest(server):
    member = digests("alice@localhost", "secret")["sha256"]
    server.stop()
    for file in server.state.iterdir():
        if file.is_file():
            assert bytes.fromhex(member) not in file.read_bytes(), file


def test_strangers_leave_room_for_phones(server):
    with client(server) as alice:
        assert alice.register().status == 200
        strangers = [raw(server) for _ in range(20)]
        for one in strangers:
            for i in range(30):
                one.send(one.request("INVITE", "sips:alice@localhost", call_id=f"{i}", cseq=1))
        for one in strangers:
            assert {one.final().status for _ in range(30)} == {407, 503}
        assert sum(worker["transactions"] for worker in control(server.state, "status")["workers"]) <= 20 * 16 + 1
        assert alice.register().status == 200
        for one in strangers:
            one.close()


def test_runs_without_a_standard_error(state):
    """Nothing else may come to stand where the log is written: here a channel to the process that holds the keys."""
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", BUILD / "sealined", "--state", state, "--listen", "127.0.0.1:0"]
    with Program(command):
        end = time.monotonic() + slow(10)
        while run([BUILD / "sealine", "status", "--state", state])[0] != 0:
            assert time.monotonic() < end
        users = [{"aor": f"user{i}@localhost", "sha256": "00" * 32} for i in range(1000)]
        assert control(state, "user-import", users=users)["added"] == 1000  # a line each
        assert control(state, "reload") == {"ok": True}


def test_ends_when_it_is_told_to_and_at_once_when_told_twice(server):
    with client(server) as alice:
        assert alice.register().status == 200
        server.signal(signal.SIGTERM)
        assert alice.is_closed()
        assert server.wait() == 0


def test_waits_for_a_call_in_the_making_before_it_ends(server):
    with client(server) as alice, client(server, user="bob") as bob:
        assert alice.register().status == 200 and bob.register().status == 200
        bob.send(bob.request("INVITE", "sips:alice@localhost"))
        challenge = bob.final()
        bob.ack_failure(challenge, "sips:alice@localhost")
        bob.send(bob.request("INVITE", "sips:alice@localhost", headers=[bob.answer_to(challenge, "INVITE", "sips:alice@localhost")]))
        invite = alice.expect(lambda m: m.method == "INVITE")
        server.signal(signal.SIGTERM)
        server.wait_for("draining")
        refusal = control(server.state, "reload")
        assert refusal["error"] == "failed" and "is about to end" in refusal["message"]
        alice.reply(invite, 486, "Busy Here")
        assert bob.final().status == 486
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


# -- calls ---------------------------------------------------------------------------------------------------------------


def call(server, alice, bob):
    """bob calls alice, who answers; then bob hangs up."""
    uri = "sips:alice@localhost"
    body = "v=0\r\n"
    bob.send(bob.request("INVITE", uri, body=body))
    challenge = bob.final()
    assert challenge.status == 407, challenge
    bob.ack_failure(challenge, uri)
    bob.send(bob.request("INVITE", uri, body=body, headers=[bob.answer_to(challenge, "INVITE", uri)]))
    invite = alice.expect(lambda m: m.method == "INVITE")
    assert invite.body == body and invite.get("Record-Route")
    alice.reply(invite, 180, "Ringing")
    assert bob.expect(lambda m: m.status == 180)
    alice.reply(invite, 200, "OK", body=body)
    answer = bob.final()
    assert answer.status == 200
    routes = [f"Route: {route}" for route in reversed(answer.all("Record-Route"))]
    tag = answer.get("To").partition("tag=")[2]
    target = answer.get("Contact").strip("<>")
    bob.send(bob.request("ACK", target, to=uri, to_tag=tag, headers=routes, cseq=bob.cseq))
    assert alice.expect(lambda m: m.method == "ACK")
    bob.send(bob.request("BYE", target, to=uri, to_tag=tag, headers=routes))
    bye = alice.expect(lambda m: m.method == "BYE")
    alice.reply(bye, 200, "OK")
    assert bob.final().status == 200


def on_different_workers(server, count=20):
    """Two connections that the kernel gave to different workers."""
    clients = []
    for _ in range(count):
        before = [worker["accepted"] for worker in control(server.state, "status")["workers"]]
        clients.append(client(server, user="bob" if clients else "alice"))
        after = [worker["accepted"] for worker in control(server.state, "status")["workers"]]
        where = [i for i, (a, b) in enumerate(zip(before, after)) if a != b]
        clients[-1].worker = where
        if len(clients) > 1 and clients[-1].worker != clients[0].worker:
            for unused in clients[1:-1]:
                unused.close()
            return clients[0], clients[-1]
    raise AssertionError("all connections went to one worker")


def test_a_call_crosses_the_workers(server):
    alice, bob = on_different_workers(server)
    with alice, bob:
        assert alice.register().status == 200 and bob.register().status == 200
        for _ in range(5):
            bob.call_id = h("MD5", str(time.monotonic()))
            call(server, alice, bob)


def test_a_callee_that_vanishes_ends_the_call_on_the_other_worker(server):
    alice, bob = on_different_workers(server)
    with bob:
        with alice:
            assert alice.register().status == 200 and bob.register().status == 200
            bob.send(bob.request("INVITE", "sips:alice@localhost"))
            challenge = bob.final()
            bob.ack_failure(challenge, "sips:alice@localhost")
            bob.send(bob.request("INVITE", "sips:alice@localhost", headers=[bob.answer_to(challenge, "INVITE", "sips:alice@localhost")]))
            assert alice.expect(lambda m: m.method == "INVITE")
        assert bob.final().status >= 400


# -- bad input: each gets the RFC's answer or a closed connection with a logged reason, and calls go on --------------------


def raw(server):
    return client(server, user="mallory")


BAD = {
    "garbage": (b"\x00\xff" * 500 + b"\r\n\r\n", "message.malformed"),
    "text that is no SIP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "message.malformed"),
    "a NUL in a header": (b"OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TLS a\x00b;branch=z9hG4bK1\r\n\r\n", "message.malformed"),
    "a header of 100 KB": (b"OPTIONS sip:localhost SIP/2.0\r\nSubject: " + b"x" * 100_000 + b"\r\n\r\n", "message.malformed"),
    "a Content-Length that is no number": (b"OPTIONS sip:localhost SIP/2.0\r\nContent-Length: many\r\n\r\n", "message.malformed"),
    "a Content-Length beyond all": (b"OPTIONS sip:localhost SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n", "message.malformed"),
}


@pytest.mark.parametrize("label", BAD)
def test_bad_input_is_answered_or_closed_with_a_reason(server, label):
    data, event = BAD[label]
    with client(server) as alice, client(server, user="bob") as bob, raw(server) as mallory:
        assert alice.register().status == 200 and bob.register().status == 200
        since = len(server.lines)
        try:
            mallory.send(data)
        except (ConnectionError, ssl.SSLError):
            pass  # closed before all of it was sent
        try:
            assert mallory.read().status in (400, 413, 513)
        except Closed:
            pass
        server.wait_for(event, since=since)
        call(server, alice, bob)


def test_what_is_left_over_by_a_wrong_content_length_is_refused(server):
    with client(server) as alice, client(server, user="bob") as bob, raw(server) as mallory:
        assert alice.register().status == 200 and bob.register().status == 200
        text = mallory.request("MESSAGE", "sips:alice@localhost", body="0123456789, and more than was said\r\n\r\n")
        mallory.send(re.sub(r"Content-Length: \d+", "Content-Length: 10", text))
        assert mallory.read().status == 407
        assert mallory.is_closed()
        server.wait_for("message.malformed")
        call(server, alice, bob)


def test_a_message_in_pieces_is_one_message(server):
    with client(server) as alice:
        text = alice.request("REGISTER", "sips:localhost", to="sips:alice@localhost")
        for i in range(0, len(text), 50):
            alice.send(text[i : i + 50])
            time.sleep(0.005)
        assert alice.final().status == 401


def test_half_a_message_does_no_harm(server):
    with client(server) as alice, raw(server) as mallory:
        assert alice.register().status == 200
        mallory.send("INVITE sips:alice@localhost SIP/2.0\r\nVia: SIP/2.0/TLS")
        mallory.close()
        assert alice.register().status == 200


def test_a_clear_text_client_on_the_tls_port_is_sent_away_with_a_reason(server):
    with Client(server.port(), tls=False) as clear:
        clear.send(clear.request("OPTIONS", "sip:localhost"))
        assert clear.is_closed()
    line = server.wait_for("handshake.refused")
    assert "does not speak TLS" in line and "OPTIONS sip:localhost" in line


def test_a_handshake_that_never_ends_is_ended(server):
    with socket.create_connection(("127.0.0.1", server.port())) as silent, client(server) as alice:
        assert alice.register().status == 200
        silent.settimeout(slow(15))
        assert silent.recv(10) == b""
        server.wait_for("handshake.refused")
        assert alice.register().status == 200


def test_many_half_open_connections_leave_room_for_phones(server):
    silent = [socket.create_connection(("127.0.0.1", server.port())) for _ in range(300)]
    with client(server) as alice, client(server, user="bob") as bob:
        assert alice.register().status == 200 and bob.register().status == 200
        call(server, alice, bob)
    for one in silent:
        one.close()


def test_who_does_not_read_what_he_asked_for_is_closed(server):
    with client(server, user="bob") as bob, raw(server) as mallory:
        assert bob.register().status == 200
        text = mallory.request("OPTIONS", "sips:bob@localhost", headers=["X: " + "x" * 4000])
        try:
            mallory.sock.settimeout(slow(60))
            for i in range(20000):
                mallory.send(text.replace("z9hG4bK", f"z9hG4bK{i}x", 1))
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        assert bob.register().status == 200
        server.wait_for("flow.lost.*(does not read|takes nothing)", 40)


def test_plain_tcp_serves_only_when_it_is_asked_for(state):
    with serve(state, "--listen", "tcp:127.0.0.1:0") as server:
        server.wait_for("about.clear")
        add(state, "alice@localhost")
        with Client(server.port("tcp"), tls=False) as alice:
            assert alice.register().status == 200
            assert control(state, "status")["flows"]["clear"] == 1
            assert not control(state, "user-list")["users"][0]["bindings"][0]["secure"]


def test_no_secret_is_ever_logged(server):
    with client(server) as alice:
        assert alice.register().status == 200
        assert alice.register(headers=["X-Test: 1"]).status == 200
    server.stop()
    log = server.output
    assert "message.in" in log  # it is the most talkative log there is
    assert h("SHA-256", "alice:localhost:secret") not in log
    assert "response=" not in log and "cnonce" not in log
