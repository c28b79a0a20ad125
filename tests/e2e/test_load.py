"""sealine load against sealined: small bounded runs, in which nothing may fail and nothing may break the protocol."""

import json

import pytest

from programs import Server, run, sealine, slow
from programs import BUILD

N = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with N accounts and a password file beside its state; listens for TLS and for TCP."""
    directory = tmp_path_factory.mktemp("load")
    state = directory / "state"
    accounts = "".join(f"user{i:02d}@localhost\tsecret\n" for i in range(N))
    (directory / "accounts").write_text(accounts)
    (directory / "password").write_text("secret\n")
    assert sealine("user", "import", directory / "accounts", "--state", state)[0] == 0
    with Server(state, listen=("127.0.0.1:0", "tcp:127.0.0.1:0"), options=("--workers", "2")) as server:
        server.directory = directory
        yield server


def load(server, mode, *options, transport="tls", who=None):
    """Runs the load: exit status, report, standard error."""
    who = who or ("--users", "user%02d@localhost", "--password-file", server.directory / "password")
    words = ["load", mode, f"127.0.0.1:{server.port(transport)}", "--transport", transport, *who, "--json"]
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


def test_a_clear_connection_is_loaded_as_well(server):
    status, report, errors = load(server, "call", "--count", "10", transport="tcp")
    assert (status, report["done"], report["transport"]) == (0, 10, "tcp"), (report, errors)


def test_sessions_are_taken_up_again_by_whichever_worker(server):
    status, report, errors = load(server, "handshake", "--count", "40", "--resumed")
    assert (status, report["done"], report["failures"], report["violations"]) == (0, 40, {}, {}), errors
    assert 40 - N <= report["resumed"] < 40
    status, report, errors = load(server, "handshake", "--count", "5")
    assert status == 0 and "resumed" not in report, errors


def test_a_rate_is_kept(server):
    status, report, errors = load(server, "options", "--rate", "50", "--count", "50")
    assert (status, report["done"] + report["missed"]) == (0, 50), errors
    assert report["seconds"] >= 0.9


def test_what_the_server_refuses_is_counted(server):
    (server.directory / "wrong").write_text("wrong\n")
    who = ("--users", "user%02d@localhost", "--password-file", server.directory / "wrong")
    status, report, errors = load(server, "register", "--count", "6", who=who)
    assert status == 1 and report is None
    assert "no user could register" in errors and "the server refused the password" in errors


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
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--resumed"], "only handshake and storm, over TLS"),
        (["call", "127.0.0.1:5061", "--users", "u%d@localhost", "--number", "3", "--password-file", "/dev/null"], "/dev/null: it is empty"),
        (["options", "127.0.0.1:5061", "--users", "a@localhost", "--duration", "0"], "--duration takes a whole number from 1 to 3000"),
        (["storm", "127.0.0.1:5061", "--users", "a@localhost", "--password-file", "x", "--rate", "5"], "storm has no rate"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_wrong_use_is_refused_with_a_reason(words, why):
    status, out, errors = run([BUILD / "sealine", "load", *words], seconds=slow(10))
    assert (out, status) == ("", 2 if "/dev/null" not in words else 1), errors
    assert errors.startswith("sealine: ") and why in errors
