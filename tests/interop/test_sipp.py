"""Debian's SIPp over UDP and TCP, bounded, without a failed call: phones that register with MD5, all that it knows; and its built-in
scenarios, which know neither passwords nor route sets, as peers."""

import pathlib
import socket
import time

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


def bind(address, transport, port=0):
    """The port, which is free; OSError if somebody has it."""
    with socket.socket(type=socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind((address, port))
        return probe.getsockname()[1]


def wait_until_taken(address, transport, port):
    for _ in range(200):
        try:
            bind(address, transport, port)
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {address}:{port}")


def built_in(scenario, transport, path, address, port, *options):
    path.mkdir()
    argv = ["sipp", "-sn", scenario, "-i", address, "-p", port, "-t", f"{transport[0]}1", "-m", CALLS, "-nostdin"]
    argv += ["-timeout", "40s", "-timeout_error", "-trace_err", "-error_file", path / "errors", *options]
    return programs.Program([str(word) for word in argv], name=scenario, cwd=path)


@pytest.mark.parametrize("scenario", ["uac", "regexp"])
def test_built_in_scenarios_call_each_other_as_peers(scenario, transport, tmp_path):
    """Two servers that are known by their addresses; the caller may relay, and so do without a route set."""
    caller, callee = "127.0.0.2", "127.0.0.3"
    port, callers_port = bind(callee, transport), bind(caller, transport)
    peers = (
        "peers:\n"
        f"  caller: {{domains: {caller}, address: '{caller}:{callers_port}', transport: {transport}, from: {caller}, relay: yes}}\n"
        f"  callee: {{domains: {callee}, address: '{callee}:{port}', transport: {transport}, from: {callee}}}\n"
    )
    with start(tmp_path, transport, "debug", peers) as server:
        proxy = f"127.0.0.1:{server.port(transport)}"
        with built_in("uas", transport, tmp_path / "callee", callee, port) as answering:
            wait_until_taken(callee, transport, port)
            calls = ("-rsa", proxy, "-r", "25", "-l", CALLS, "-d", "100", f"{callee}:{port}")
            with built_in(scenario, transport, tmp_path / "caller", caller, callers_port, *calls) as calling:
                assert calling.wait(60) == 0, calling.output + server.output[-5000:]
            assert answering.wait(20) == 0, answering.output
        assert server.output.count(" call.answered ") == CALLS
        assert server.stop() == 0
