"""The signing process: private keys are in it, and nowhere else."""

import os
import signal
import subprocess
import time

import pytest

from pki import CA, fingerprint, private_numbers, shown
from processes import children, is_alive, memory_has
from programs import BUILD, Server, slow
from sealine_e2e import Client, control, digests

RSA_ONLY = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]


def signer_of(server):
    return children(server.pid)["sealine-signer"]


def secrets_of(key):
    lines = [line.encode() for line in key.read_text().splitlines() if not line.startswith("-----")]
    return private_numbers(key) | {line for line in lines if len(line) > 40}


@pytest.mark.timeout(600)  # a sanitizer's process has a lot of memory to look through
def test_a_private_key_is_in_no_process_but_the_signer(tmp_path):
    ca = CA(tmp_path / "ca")
    ec, ec_key = ca.issue("a.example")
    rsa, rsa_key = ca.issue("a.example", rsa=True, file="rsa")
    options = ["--domain", "a.example", "--workers", "2", "--state", str(tmp_path / "state")]
    for pem, key in ((ec, ec_key), (rsa, rsa_key)):
        options += ["--certificate", str(pem), "--key", str(key)]
    with Server(tmp_path / "state", options=options) as server:
        for _ in range(2):
            assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(ec), True)
            assert shown(server.port(), "a.example", *RSA_ONLY, ca=ca.pem) == (fingerprint(rsa), True)
        server.signal(signal.SIGHUP)
        server.wait_for("info reloaded")
        assert shown(server.port(), "a.example", ca=ca.pem) == (fingerprint(ec), True)
        for key in (ec_key, rsa_key):
            assert memory_has(server.pid, secrets_of(key)) == set()
            assert memory_has(signer_of(server), private_numbers(key))  # so the search finds what is there
        assert memory_has(server.pid, {rsa.read_bytes()[100:160]})  # here too


@pytest.mark.timeout(600)
def test_the_keys_of_the_development_ca_are_made_in_the_signer(tmp_path):
    state = tmp_path / "state"
    with Server(state, options=["--workers", "1"]) as server:
        assert control(state, "user-add", **digests("alice@localhost", "secret"))["ok"]
        with Client(server.port(), ca=state / "ca.pem") as alice:
            assert alice.register().status == 200
        for name in ("ca.key", "server.key"):
            assert memory_has(server.pid, secrets_of(state / name)) == set()
        assert memory_has(signer_of(server), private_numbers(state / "server.key"))
    before = fingerprint(state / "server.pem")
    with Server(state, options=["--workers", "1", "--domain", "localhost", "--domain", "other.example"]) as server:
        assert shown(server.port(), "other.example", ca=state / "ca.pem") == (fingerprint(state / "server.pem"), True)
    assert fingerprint(state / "server.pem") != before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_signer_ends_with_the_server(tmp_path, how):
    with Server(tmp_path / "state", options=["--workers", "1"]) as server:
        signer = signer_of(server)
        assert signer != server.pid and is_alive(signer)
        server.signal(how)
        server.wait()
        deadline = time.monotonic() + slow(5)
        while is_alive(signer) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_alive(signer)


def test_the_server_ends_when_the_signer_is_lost(tmp_path):
    with Server(tmp_path / "state", options=["--workers", "1"]) as server:
        os.kill(signer_of(server), signal.SIGKILL)
        server.wait_for("error signer.lost")
        assert server.wait() == 1


def test_signals_of_a_terminal_leave_the_signer_to_the_server(tmp_path):
    with Server(tmp_path / "state", options=["--workers", "1"]) as server:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(signer_of(server), number)
        assert shown(server.port(), "localhost", ca=tmp_path / "state" / "ca.pem")[1]
        assert server.stop() == 0


def test_a_check_of_the_configuration_leaves_nothing_behind(tmp_path):
    ca = CA(tmp_path / "ca")
    pem, key = ca.issue("a.example")
    command = [BUILD / "sealined", "-t", "--domain", "a.example", "--certificate", pem, "--key", key]
    assert subprocess.run(command, capture_output=True, timeout=slow(20)).returncode == 0
