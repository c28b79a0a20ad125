"""Debian's SIPp over UDP and TCP: registers with MD5, all that it knows, and calls, bounded, without a failed call."""

import pathlib

import programs
import pytest
from conftest import need

SCENARIOS = pathlib.Path(__file__).parent / "sipp"
CALLS = 50


@pytest.fixture(params=["udp", "tcp"])
def transport(request):
    return request.param


def start(path, transport, log_level, more=""):
    need("sipp")
    config = path / "sealined.yaml"
    config.write_text("domains:\n  - name: localhost\n    md5: only\n" + more)
    options = ("-c", config, "--workers", "2", "--log-level", log_level)
    server = programs.Server(path / "state", listen=(f"{transport}:127.0.0.1:0",), options=options)
    for user in ("alice", "bob"):
        server.add_account(f"{user}@localhost", f"secret-of-{user}", "--md5")
    return server


@pytest.fixture
def server(tmp_path, transport):
    with start(tmp_path, transport, "debug") as running:
        yield running


def sipp(server, transport, path, scenario, auth_uri, *options):
    """The uri of its digest would be that of the address it talks to, if it were not told."""
    path.mkdir()
    argv = ["sipp", f"127.0.0.1:{server.port(transport)}", "-sf", SCENARIOS / scenario, "-i", "127.0.0.1", "-t", f"{transport[0]}1"]
    argv += ["-auth_uri", auth_uri, "-nostdin", "-trace_err", "-error_file", path / "errors", *options]
    return programs.Program(argv, name=scenario, cwd=path)


def bob(server, transport, path, seconds):
    """Registers, and takes calls for so long."""
    answer = ("-m", "1", "-d", str(1000 * seconds), "-oocsf", SCENARIOS / "answer.xml")
    return sipp(server, transport, path, "register.xml", "localhost", *answer)


def test_bob_takes_fifty_calls_of_alice(server, transport, tmp_path):
    with bob(server, transport, tmp_path / "bob", 60):
        server.wait_for(r"register\.ok.*bob@localhost", 15)
        calls = ("-m", str(CALLS), "-r", "25", "-l", "10", "-timeout", "40s", "-timeout_error")
        with sipp(server, transport, tmp_path / "alice", "call.xml", "bob@localhost", *calls) as alice:
            errors = tmp_path / "alice" / "errors"
            assert alice.wait(60) == 0, errors.read_text() if errors.exists() else alice.output
    assert server.output.count(" call.answered ") == CALLS
    assert server.stop() == 0
