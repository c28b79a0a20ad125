"""The programs as a person at a terminal has them: passwords that are not shown, and the phone that is typed at."""

import pytest

from programs import BUILD, Phone, Server
from terminal import Terminal


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("terminal") / "server", options=("--workers", "2")) as running:
        for user in ("alice", "bob"):
            running.add_account(f"{user}@localhost", f"{user}-sesame")
        yield running


@pytest.fixture
def on_terminal():
    """Starts programs, each on a terminal of its own."""
    terminals = []

    def start(*argv):
        terminals.append(Terminal(argv, env={"LANG": "C.UTF-8"}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def sealphone(server, on_terminal, tmp_path):
    def start(user, *words):
        return on_terminal(
            BUILD / "sealphone", "--aor", f"sips:{user}@localhost", "--server", f"127.0.0.1:{server.port()}",
            "--ca", server.ca, "--device", "null", "--smime", "off", "--state", tmp_path / user, *words,
        )

    return start


def test_the_phone_s_password_is_asked_for_and_not_shown(sealphone):
    phone = sealphone("alice", "--for", "1", "register")
    phone.wait_for("Password of sips:alice@localhost: ")
    assert not phone.echoes
    phone.type("alice-sesame\n")
    phone.wait_for("Registered as sips:alice@localhost")
    assert phone.echoes and phone.end() == 0
    assert b"sesame" not in phone.seen


def test_whatever_ends_the_asking_leaves_the_phone_s_terminal_as_it_was(on_terminal):
    for keys, status in (("ali\x03", 130), ("ali\x1c", 130), ("\x04", 3), ("x" * 1025 + "\n", 3)):
        phone = on_terminal(BUILD / "sealphone", "--aor", "sips:alice@localhost", "register")
        phone.wait_for("Password of sips:alice@localhost: ")
        phone.type(keys)
        assert phone.end() == status
        assert phone.echoes and phone.is_plain


def test_an_interrupt_leaves_the_tool_s_terminal_as_it_was(on_terminal, tmp_path):
    tool = on_terminal(BUILD / "sealine", "user", "add", "alice@localhost", "--state", tmp_path / "state")
    tool.wait_for("Password for alice@localhost: ")
    assert not tool.echoes
    tool.type("first\n")
    tool.wait_for("Once more: ")
    tool.type("fi\x03")
    assert tool.end() == 130
    assert tool.echoes and b"fi" not in tool.seen.split(b"more: ")[1]


def test_a_person_at_the_phone_takes_a_call_and_makes_one(server, sealphone, tmp_path):
    bob = sealphone("bob")
    bob.wait_for("Password of sips:bob@localhost: ")
    bob.type("bob-sesame\n")
    bob.wait_for("Registered as sips:bob@localhost")
    assert not bob.is_plain
    port = f"127.0.0.1:{server.port()}"
    with Phone(tmp_path / "alice", "sips:alice@localhost", "alice-sesame", ["call", "bob"], port, server.ca,
               ["--device", "null"]) as alice:
        bob.wait_for("A call from somebody who claims to be sips:alice@localhost; answer or reject")
        bob.type("ansxx\x7f\x7fwer\n")  # what was mistyped is taken back
        bob.wait_for("The call with sips:alice@localhost stands")
        bob.wait_for("media: SRTP with AEAD_AES_128_GCM")
        bob.type("hold\n")
        bob.wait_for("The other side is on hold")
        bob.type("status\n")
        bob.wait_for("Call with sips:alice@localhost, on hold")
        bob.type("hangup\n")
        bob.wait_for(r"The call is over \(we hung up\)")
        assert alice.wait(15) == 0
    with Phone(tmp_path / "alice", "sips:alice@localhost", "alice-sesame", ["answer"], port, server.ca,
               ["--device", "null"]) as alice:
        alice.wait_event("registered", 15)
        bob.type("call alice\n")
        bob.wait_for("The call with sips:alice@localhost stands")
        bob.type("dtmf 1#\n")
        assert [alice.wait_event("media", 10, state="digit", digit=digit) for digit in "1#"]
        alice.stop()
        bob.wait_for(r"The call is over \(the other side hung up\)")
    bob.type("\x1b[A\x1b[A\n")  # the last line but one once more
    bob.wait_for("The other side cannot be reached now")
    bob.type("quit\n")
    assert bob.end() == 0 and bob.is_plain and bob.echoes


def test_what_happens_leaves_alone_what_is_being_typed(server, sealphone, tmp_path):
    bob = sealphone("bob")
    bob.wait_for("Password of")
    bob.type("bob-sesame\n")
    bob.wait_for("Registered as")
    bob.type("message alice gr\u00fc\u00df")
    bob.wait_for("message alice gr\u00fc\u00df")
    with Phone(tmp_path / "alice", "sips:alice@localhost", "alice-sesame", ["message", "bob", "hello"],
               f"127.0.0.1:{server.port()}", server.ca) as alice:
        assert alice.wait(15) == 0
    bob.wait_for("Message from somebody who claims to be sips:alice@localhost: hello\r\n")
    bob.wait_for("> message alice gr\u00fc\u00df")  # the line that was begun is shown again below it
    with Phone(tmp_path / "alice", "sips:alice@localhost", "alice-sesame", ["register"],
               f"127.0.0.1:{server.port()}", server.ca) as alice:
        alice.wait_event("registered", 15)
        bob.type("e\n")
        assert alice.wait_event("message", 10)["text"] == "gr\u00fc\u00dfe"
        bob.wait_for("The message has arrived")
    bob.type("\x04")
    assert bob.end() == 0 and bob.is_plain


@pytest.mark.parametrize(
    "words, status, said",
    [
        (("--aor", "alice"), 2, "--aor: an address looks like sips:alice@example.org"),
        (("--aor", "sips:a@b", "--transport", "tcp"), 2, "--transport: a sips: address needs tls; nothing was sent in clear"),
        (("--aor", "sips:a@b", "--for", "soon"), 2, "--for soon: that is none of its values (see sealphone --help)"),
        (("--aor", "sips:a@b", "--play", "/none.wav"), 3, "--play /none.wav: No such file or directory; name a WAV file that can be read"),
        (("--aor", "sips:a@b", "--play", "/etc/passwd"), 3, "/etc/passwd: this is no WAV file of 16-bit PCM, mono or stereo; convert it to one"),
        (("--aor", "sips:a@b", "--record", "/none/x.wav"), 3, "--record /none/x.wav: No such file or directory; name a file that can be written"),
        (("--aor", "sips:a@b", "--record", "/"), 3, "--record /: Is a directory; name a file that can be written"),
        (("--aor", "sips:a@b", "--ca", "/none.pem"), 3, "--ca /none.pem: No such file or directory; name a file with certificates (PEM)"),
        (("--aor", "sips:a@b", "--password-file", "/none"), 3, "/none: No such file or directory; --password-file names a file whose first line is the password"),
    ],
    ids=("aor", "transport", "for", "play", "no-wav", "record", "record-directory", "ca", "password-file"),
)
def test_what_is_wrong_is_said_before_anybody_types_a_password(on_terminal, words, status, said):
    phone = on_terminal(BUILD / "sealphone", *words, "register")
    assert phone.end() == status
    assert phone.seen.decode() == f"sealphone: {said}\r\n"


def test_a_refused_account_and_a_server_that_is_not_there_are_told_with_what_to_do(server, tmp_path, on_terminal):
    (tmp_path / "wrong").write_text("not-it-at-all\n")
    common = ("--aor", "sips:alice@localhost", "--ca", server.ca, "--state", tmp_path, "--password-file", tmp_path / "wrong")
    phone = on_terminal(BUILD / "sealphone", *common, "--server", f"127.0.0.1:{server.port()}", "register")
    phone.wait_for("The password is wrong, or there is no such account: the server refused the password; "
                   "see whether address and password are right, or have the password set anew")
    assert phone.end() == 6
    phone = on_terminal(BUILD / "sealphone", *common, "--server", "127.0.0.1:1", "call", "bob")
    phone.wait_for(r"The server is not reached: 127.0.0.1 \(127.0.0.1:1\): nobody listens there \(connection refused\); "
                   "see whether the server runs, and name it with --server if it is elsewhere")
    assert phone.end() == 4
