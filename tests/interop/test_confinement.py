"""What Linux says of the server: the confinement that is in force, and whose processes they are."""

import os
import pathlib
import pwd
import re
import subprocess
import tempfile

import pytest
from pki import CA, fingerprint, private_numbers, shown
from processes import children, memory_has
from programs import BUILD, Server


def status(pid, field):
    return re.search(rf"^{field}:\s*(\S+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def test_both_processes_are_confined_and_serve(tmp_path):
    """The build is an ordinary one: under a sanitizer nothing is confined (src/sealined/confine.h)."""
    ca = CA(tmp_path / "etc")
    pem, key = ca.issue("a.example")
    options = ["--domain", "a.example", "--certificate", str(pem), "--key", str(key)]
    with Server(tmp_path / "state", options=options) as server:
        server.wait_for("info confined landlock=[1-9].* seccomp=yes")
        for pid in (server.pid, children(server.pid)["sealine-signer"]):
            assert status(pid, "NoNewPrivs") == "1"
            assert status(pid, "Seccomp") == "2"  # a filter
        for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
            assert re.search(r"^Seccomp:\s*2$", (task / "status").read_text(), re.M)
        assert shown(server.port(), "a.example", ca=ca.pem)[1]

        # a reload still reads what it needs, and nothing from elsewhere
        before = shown(server.port(), "a.example", ca=ca.pem)
        ca.issue("a.example")
        since = len(server.lines)
        server.process.send_signal(1)
        server.wait_for("info reloaded", since=since)
        after = shown(server.port(), "a.example", ca=ca.pem)
        assert after[1] and after != before
        assert server.stop() == 0


def test_what_a_confined_server_may_not_open_is_made_and_read_for_it(tmp_path):
    """The development CA's keys and certificates, and the configuration itself, at a reload."""
    file = tmp_path / "sealined.yaml"
    file.write_text("domains: [a.example]\n")
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        server.wait_for("info confined landlock=[1-9].* seccomp=yes")
        key = (server.state / "server.key").read_bytes()
        for text, said in (("domains: [a.example, b.example]\n", "info reloaded"),
                           ("domains: [a.example]\n# -----BEGIN PRIVATE KEY-----\n", "reload.failed .*private key"),
                           ("domains: [a.example, b.example]\n", "info reloaded")):  # fmt: skip
            since = len(server.lines)
            file.write_text(text)
            server.process.send_signal(1)
            server.wait_for(said, since=since)
        assert (server.state / "server.key").read_bytes() != key
        assert os.stat(server.state / "server.key").st_mode & 0o777 == 0o600
        assert shown(server.port(), "b.example", ca=server.state / "ca.pem")[1]
        server.add_account("alice@b.example", "sesame")  # the database is written on
        assert server.stop() == 0
        assert not (server.state / "control.sock").exists()


def stapled(server, ca):
    """When the response that is stapled ends, as openssl shows it; None: none is."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port()}", "-servername", "a.example", "-CAfile", str(ca.pem), "-status"]
    text = subprocess.run(command, capture_output=True, text=True, input="", timeout=60).stdout
    found = re.search(r"Next Update: (.*)", text)
    return found and found.group(1)


def test_a_confined_server_staples_what_its_ca_says_now(tmp_path):
    ca = CA(tmp_path / "etc")
    pem, key = ca.issue("a.example")
    file = tmp_path / "sealined.yaml"
    file.write_text(f"domains: [a.example]\ncertificate: {pem}\nkey: {key}\nstaple: {ca.staple(pem, days=5)}\n")
    # the certificate of the CA, whose word it is, has to stand behind ours
    pem.write_text(pem.read_text() + ca.pem.read_text())
    with Server(tmp_path / "state", options=["-c", str(file)]) as server:
        server.wait_for("info confined landlock=[1-9].* seccomp=yes")
        before = stapled(server, ca)
        assert before
        since = len(server.lines)
        ca.staple(pem, days=6)
        server.process.send_signal(1)
        server.wait_for("info reloaded", since=since)
        after = stapled(server, ca)
        assert after and after != before
        assert server.stop() == 0


def test_a_key_that_was_replaced_is_forgotten(tmp_path):
    """By the reload after the one that has replaced it: until then a worker may still have a handshake with it. (A sanitizer would keep what OpenSSL has freed.)"""
    ca = CA(tmp_path / "ca")
    pem, key = ca.issue("a.example")
    held = [private_numbers(key)]
    with Server(tmp_path / "state", options=["--domain", "a.example", "--workers", "1", "--certificate", str(pem), "--key", str(key)]) as server:
        assert memory_has(children(server.pid)["sealine-signer"], held[0])
        for _ in range(2):
            since = len(server.lines)
            ca.issue("a.example")
            held.append(private_numbers(key))
            server.process.send_signal(1)
            server.wait_for("info reloaded", since=since)
            assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(pem), True)
        assert memory_has(children(server.pid)["sealine-signer"], held[2])
        assert memory_has(children(server.pid)["sealine-signer"], held[0]) == set()


def test_what_a_confined_process_can_do():
    """The rows of tests/unit/sealined/test_confine.c, in a build that confines."""
    result = subprocess.run([BUILD / "test_sealined_confine"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert "# starts a program: " in result.stdout


@pytest.fixture
def state_of_nobody():
    """Where he may go, which is not where pytest keeps its directories."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="sealine-") as path:
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
        yield pathlib.Path(path), nobody


def test_started_as_root_it_becomes_another_user(state_of_nobody):
    state, nobody = state_of_nobody
    with Server(state, options=["--user", "nobody"]) as server:
        for pid in (server.pid, children(server.pid)["sealine-signer"]):
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            assert set(re.search(r"^Uid:\s*(.*)", text, re.M).group(1).split()) == {str(nobody.pw_uid)}
            assert set(re.search(r"^Gid:\s*(.*)", text, re.M).group(1).split()) == {str(nobody.pw_gid)}
            assert "0" not in re.search(r"^Groups:(.*)", text, re.M).group(1).split()
        assert not any(" about.root " in line for line in server.lines)
        assert server.stop() == 0


@pytest.mark.parametrize("user, why", [("root", "that is root, whose privileges are not needed"),
                                       ("nobody-of-that-name", "there is no such user"),
                                       ("n" * 100, "there is no such user")], ids=["root", "unknown", "long"])
def test_a_user_that_it_cannot_become(tmp_path, user, why):
    result = subprocess.run([BUILD / "sealined", "-t", "--user", user], capture_output=True, text=True, timeout=20)
    assert (result.returncode, why in result.stderr) == (2, True), result.stderr
