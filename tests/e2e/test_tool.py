"""sealine as a program: accounts with and without a running server, its terminal, its reports."""

import json
import os
import pty
import subprocess
import time

import pytest

from programs import BUILD, Server, slow
from sealine_e2e import Client


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def tool(state, *words, text=""):
    """Runs the tool; exit status, standard output, standard error."""
    done = subprocess.run(
        [BUILD / "sealine", *words, "--state", state], input=text, capture_output=True, text=True, timeout=slow(60)
    )
    return done.returncode, done.stdout, done.stderr


def users(state):
    status, out, _ = tool(state, "user", "list", "--json")
    assert status == 0
    return {user["aor"]: user for user in json.loads(out)["users"]}


@pytest.fixture(params=["files", "server"])
def anywhere(request, state):
    """A state directory on which no server runs, and one on which one does."""
    if request.param == "files":
        yield state
        return
    with Server(state):
        yield state


def test_accounts_are_the_same_through_both_doors(anywhere):
    assert tool(anywhere, "user", "add", "sips:alice@LocalHost", "--password-stdin", text="secret\n") == (0, "", "")
    status, out, err = tool(anywhere, "user", "add", "alice@localhost", "--generate")
    assert (status, out) == (1, "") and err.startswith("sealine: alice@localhost: there is such an account already; ")
    status, password, _ = tool(anywhere, "user", "passwd", "alice@localhost", "--generate")
    assert status == 0 and len(password.strip()) == 24
    status, out, err = tool(anywhere, "user", "passwd", "bob@localhost", "--generate")
    assert (status, out) == (1, "") and err.startswith("sealine: bob@localhost: there is no such account; ")
    assert users(anywhere) == {"alice@localhost": {"aor": "alice@localhost", "md5": False, "bindings": []}}
    assert tool(anywhere, "user", "remove", "alice@localhost") == (0, "", "")
    assert users(anywhere) == {}


def test_what_a_phone_calls_itself_is_told_as_it_is_through_both_doors(state):
    """JSON has its own way with quotes: they are not escaped twice."""
    agent = 'Phone/1 (the "red" one, \\o/ \u00fc)'
    with Server(state) as server:
        tool(state, "user", "add", "alice@localhost", "--password-stdin", text="secret\n")
        with Client(server.port(), ca=server.ca, aor="alice@localhost", password="secret") as alice:
            assert alice.register(headers=[f"User-Agent: {agent}"]).status == 200
            by_server, shown = users(state), tool(state, "user", "list")[1]
    assert by_server["alice@localhost"]["bindings"][0]["user_agent"] == agent
    assert users(state)["alice@localhost"]["bindings"][0]["user_agent"] == agent
    for text in (shown, tool(state, "user", "list")[1]):
        assert text.endswith('secure, Phone/1 (the \\"red\\" one, \\\\o/ \u00fc)\n')


def test_a_policy_is_said_line_by_line_and_kept(anywhere):
    tool(anywhere, "user", "add", "alice@localhost", "--generate")
    plain = "alice@localhost: nothing is asked of it beyond what its domain asks\n"
    assert tool(anywhere, "user", "policy", "alice@localhost") == (0, plain, "")
    said = ("least-digest=sha-256", "calls-out=sips", "may-use=sales@localhost boss@localhost")
    assert tool(anywhere, "user", "policy", "sip:alice@localhost", *said) == (0, "".join(f"{line}\n" for line in said), "")
    status, out, _ = tool(anywhere, "user", "policy", "alice@localhost", "calls-out=", "md5-until=2027-01-31", "--json")
    policy = {"least-digest": "sha-256", "md5-until": "2027-01-31", "may-use": "sales@localhost boss@localhost"}
    assert (status, json.loads(out)) == (0, {"aor": "alice@localhost", "policy": policy})
    status, out, err = tool(anywhere, "user", "policy", "alice@localhost", "calls-in=tls")
    assert (status, out) == (2, "") and '"calls-in=tls": it is none of digest, sips, smime' in err
    status, out, err = tool(anywhere, "user", "policy", "bob@localhost", "calls-in=sips")
    assert (status, out) == (1, "") and "bob@localhost: there is no such account" in err


def test_a_policy_holds_from_now_on_and_leaves_the_phones(state):
    """The registration stays, also when it was refreshed without the disk; what is sent is judged anew."""
    with Server(state) as server:
        for name in ("alice", "bob"):
            tool(state, "user", "add", f"{name}@localhost", "--password-stdin", text="secret\n")
        ca = state / "ca.pem"
        with Client(server.port(), ca=ca, aor="alice@localhost", password="secret") as alice:
            for _ in range(2):
                assert alice.ask("REGISTER", "sips:localhost", to="sips:alice@localhost").status == 200
            before = users(state)["alice@localhost"]["bindings"]
            assert alice.ask("MESSAGE", "sip:bob@localhost").status == 480
            assert tool(state, "user", "policy", "alice@localhost", "calls-out=sips")[0] == 0
            answer = alice.ask("MESSAGE", "sip:bob@localhost")
            assert answer.status == 403 and "policy.out-sips" in answer.get("Warning")
            after = users(state)["alice@localhost"]["bindings"]
            assert len(after) == 1 and abs(after[0]["expires"] - before[0]["expires"]) < 30
        assert server.stop() == 0
    with Server(state):
        assert tool(state, "user", "policy", "alice@localhost")[1] == "calls-out=sips\n"


def test_an_import_says_which_lines_it_refused(anywhere):
    assert tool(anywhere, "user", "import", "-", text="a@localhost\tx\n") == (0, "1 accounts added, 0 lines refused\n", "")
    text = "".join(f"u{i}@localhost\tpw{i}\n" for i in range(6000)) + "a@localhost\ty\n"
    status, out, err = tool(anywhere, "user", "import", "-", "--json", text=text)
    report = json.loads(out)
    assert status == 1 and report["added"] == 6000
    assert [(line["line"], line["aor"]) for line in report["refused"]] == [(6001, "a@localhost")]
    status, out, err = tool(anywhere, "user", "import", "-", text="b@localhost\tx\nnothing\n")
    assert status == 1 and "sealine: line 2: " in err
    status, out, err = tool(anywhere, "user", "import", "/")
    assert (status, err) == (1, "sealine: /: Is a directory; nothing was changed\n")
    assert len(users(anywhere)) == 6001


def test_what_the_tool_sets_is_what_a_phone_proves(state):
    with Server(state) as server:
        tool(state, "user", "add", "alice@localhost", "--password-stdin", text="secret\n")
        with Client(server.port(), ca=state / "ca.pem", aor="alice@localhost", password="secret") as phone:
            assert phone.ask("REGISTER", "sips:localhost", to="sips:alice@localhost").status == 200
            assert len(users(state)["alice@localhost"]["bindings"]) == 1
            assert json.loads(tool(state, "status", "--json")[1])["bindings"] == 1
            assert tool(state, "user", "remove", "alice@localhost")[0] == 0
            assert phone.is_closed()


@pytest.mark.parametrize("words", [["ban", "add", "192.0.2.1", "5sm"], ["ban", "add", "192.0.2.1", "1hd"], ["ban", "add", "192.0.2.1", "m"], ["cert", "list", "a b"]], ids=" ".join)
def test_a_wrong_argument_is_a_wrong_use(state, words):
    status, out, errors = tool(state, *words)
    assert (status, out) == (2, "") and f'"{words[-1]}"' in errors


def test_status_needs_a_server(state):
    status, out, err = tool(state, "status")
    assert (status, out) == (1, "") and "no server runs there; start sealined" in err
    with Server(state):
        status, out, _ = tool(state, "status")
        assert status == 0 and "\ndomain        localhost" in out


def test_all_names_of_a_certificate_are_shown(state, tmp_path):
    """A hundred domains share the one that sealined makes for itself."""
    domains = [f"{'a' * 40}{i:03d}.example" for i in range(100)]
    names = ", ".join(f"DNS:{domain}, URI:sip:{domain}" for domain in domains)
    config = tmp_path / "sealined.yaml"
    config.write_text(json.dumps({"domains": domains}))
    with Server(state, options=("-c", config)):
        for words in (("ca", "show"), ("status",)):
            certificates = json.loads(tool(state, *words, "--json")[1])["certificates"]
            assert names in [certificate["names"] for certificate in certificates]
            assert names in tool(state, *words)[1]


def test_the_exported_certificate_is_the_one_that_is_shown(state, tmp_path):
    with Server(state):
        pass
    (tmp_path / "ca.pem").write_text(tool(state, "ca", "export")[1])
    shown = json.loads(tool(state, "ca", "show", "--json")[1])["certificates"][0]
    printed = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "ca.pem", "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True
    ).stdout
    assert printed.split("=")[1].strip().replace(":", "").lower() == shown["sha256"]


def on_terminal(state, *typed):
    """Adds an account on a terminal where somebody types; exit status and all that is to be seen."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(BUILD / "sealine", ["sealine", "user", "add", "alice@localhost", "--state", str(state)])
    seen = b""
    for line in typed:
        while not seen.endswith(b": "):
            seen += os.read(terminal, 1000)
        time.sleep(slow(0.1))
        os.write(terminal, line)
        seen += b"|"
    try:
        while more := os.read(terminal, 1000):
            seen += more
    except OSError:
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


def test_a_password_is_asked_for_twice_and_not_shown(state):
    status, seen = on_terminal(state, b"secret\n", b"secret\n")
    assert status == 0 and seen.startswith("Password for alice@localhost: |") and "secret" not in seen
    assert "alice@localhost" in users(state)


def test_two_passwords_that_differ_change_nothing(state):
    status, seen = on_terminal(state, b"secret\n", b"other\n")
    assert status == 1 and "the two passwords differ" in seen
