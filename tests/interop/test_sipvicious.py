"""
Debian's sipvicious looks for accounts over UDP, as those who sell other people's minutes do. (Its svcrack guesses nothing here:
it fails on a challenge with qop. The guesses, over UDP and TLS, are those of tests/e2e/test_abuse.py.)
"""

import re

import pytest
from conftest import need
from programs import Server, run

THERE = ("105", "110")


@pytest.fixture
def server(tmp_path):
    need("svwar")
    with Server(tmp_path / "state", listen=("udp:127.0.0.1:0", "127.0.0.1:0")) as server:
        for name in THERE:
            server.add_account(f"{name}@localhost", f"secret of {name}")
        yield server
        assert server.stop() == 0


def scan(server, *command):
    status, output, errors = run(["timeout", "40", *command, "127.0.0.1"])
    assert status == 0, output + errors
    return output + errors


def test_svmap_learns_that_somebody_speaks_sip_and_no_more(server):
    told = scan(server, "svmap", f"-p{server.port('udp')}")
    assert "127.0.0.1" in told and "unknown" in told
    assert "sealine" not in told.lower()


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
def test_svwar_finds_no_account(server, method):
    """It says what it makes of the answers: the name that is none is answered like the others, whatever it asks."""
    told = scan(server, "svwar", "--force", "--domain", "localhost", f"-p{server.port('udp')}", "-e100-120", "-m", method)
    assert "found nothing" in told
    # not a row of its table; the digits alone stand in many a Call-ID that it shows
    assert not [name for name in THERE if re.search(rf"\b{name}\b", told)]
