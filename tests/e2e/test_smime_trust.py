"""The phone gets, keeps and judges certificates (RFC 6072): sealphone with the certificate service of sealined."""

import json
import stat
import subprocess
import time

import pytest

from programs import BUILD
from test_calls import Site


@pytest.fixture
def site(tmp_path):
    place = Site(tmp_path)
    yield place
    place.close()


def cert(state, *words, code=0):
    command = [BUILD / "sealphone", "--aor", "sips:alice@localhost", "--state", state, "--json", "cert", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == code, done.stderr
    assert code == 0 or done.stderr.startswith("sealphone: cert ")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_new_phone_has_a_key_and_a_certificate_and_keeps_them(site, tmp_path):
    state = tmp_path / "state"
    cert(state, "show", code=1)
    alice = site.talking("alice", "--state", state)
    told = alice.wait_event("certificate-obtained")
    assert len(told["fingerprint"].replace(" ", "")) == 64
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    kept = state / "alice@localhost=key.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    key = kept.read_bytes()

    (own,) = [entry for entry in cert(state, "show") if entry["whose"] == "own"]
    assert own["fingerprint"] == told["fingerprint"] and len(own["words"].split()) == 12
    assert "BEGIN CERTIFICATE" in cert(state, "export")[0]["pem"]
    cert(state, "show", "bob", code=14)
    cert(state, "trust", "bob", code=14)
    cert(state, "forget", "bob", code=14)
    cert(state, "trust", "alice", "12", code=2)

    alice = site.talking("alice", "--state", state)
    alice.send_line("status")
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    assert kept.read_bytes() == key and "certificate-failed" not in alice.output


def test_another_phone_on_the_account_is_told(site):
    first = site.talking("alice")
    first.wait_event("certificate-obtained")
    second = site.talking("alice")
    fingerprint = second.wait_event("certificate-obtained")["fingerprint"]
    changed = first.wait_event("certificate-changed")
    assert changed["of"] == "alice@localhost" and changed["fingerprint"] == fingerprint and changed["believed"]


def test_two_new_users_write_to_each_other_signed_and_encrypted(site):
    """The new user's count: two accounts, no further step; the seconds are printed."""
    bob = site.talking("bob")
    began = time.monotonic()
    bob.wait_event("certificate-obtained")
    alice = site.phone("alice", "message", "bob", "hello from end to end")
    assert alice.wait() == 0, alice.output
    message = bob.wait_event("message")
    print(f"a message between two new users arrived signed and encrypted after {time.monotonic() - began:.1f} s")
    assert message["text"] == "hello from end to end"
    assert message["smime"]["trust"] == "vouched", message
