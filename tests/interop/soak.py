"""
What `make soak` runs: Debian's SIPp calls 200 times a second for SEALINE_SOAK seconds over UDP and over TCP. No call
fails, the rate is kept, and the server's memory does not grow with the calls that it has carried.
"""

import os
import pathlib
import re
import time

import programs
import pytest
from test_sipp import bob, sipp, start, transport  # noqa: F401

SECONDS = int(os.environ.get("SEALINE_SOAK", "60"))
RATE = 200
# Answered calls are remembered for 64*T1, and what remembers them is given back only then.
WARM_SECONDS = 40
# Each call is three requests of one sender, remembered for as long over UDP.
QUOTAS = "limits: {requests-per-sender: 50000, requests-per-second: 1000, calls-per-account: 1000}\n"


@pytest.fixture
def server(tmp_path, transport):  # noqa: F811
    with start(tmp_path, transport, "info", QUOTAS) as running:
        yield running


def memory_of(program):
    """Its resident memory in MB."""
    text = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) / 1024


def wait_until_registered(server):
    deadline = time.monotonic() + programs.slow(15)
    while '"bindings":1' not in programs.sealine("status", "--json", "--state", server.state)[1]:
        assert time.monotonic() < deadline, "bob has not registered"
        time.sleep(0.2)


def make_calls(server, transport, path, seconds):  # noqa: F811
    """How many calls a second it was in the end; none of them failed."""
    n = RATE * seconds
    limits = ("-m", str(n), "-r", str(RATE), "-l", str(5 * RATE), "-timeout", f"{2 * seconds + 60}s", "-timeout_error")
    began = time.monotonic()
    with sipp(server, transport, path, "call.xml", "bob@localhost", *limits) as alice:
        status = alice.wait(2 * seconds + 90)
    errors = path / "errors"
    assert status == 0, errors.read_text()[:4000] if errors.exists() else alice.output[-4000:]
    return n / (time.monotonic() - began)


@pytest.mark.timeout(4 * (WARM_SECONDS + SECONDS) + 600)
def test_two_hundred_calls_a_second(server, transport, tmp_path, capsys):  # noqa: F811
    with bob(server, transport, tmp_path / "bob", 4 * (WARM_SECONDS + SECONDS) + 600):
        wait_until_registered(server)
        make_calls(server, transport, tmp_path / "warm", WARM_SECONDS)
        before = memory_of(server)
        rate = make_calls(server, transport, tmp_path / "alice", SECONDS)
        after = memory_of(server)
    with capsys.disabled():
        print(f"\n{transport}: {rate:.0f} calls a second for {SECONDS} s, none failed; {before:.0f} MB, then {after:.0f} MB")
    assert rate >= 0.9 * RATE
    assert after < 1.2 * before + 10
    assert server.stop() == 0
