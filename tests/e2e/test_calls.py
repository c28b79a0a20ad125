"""sealphone against sealined: registration, calls with sound, every way in which a call comes to nothing, restarts."""

import json
import os
import signal
import time
import wave

import audio
import numpy as np
import pytest

from programs import BUILD, Phone, Program, run, slow
from sealine_e2e import control
from sealine_peer import Peer
from sealine_site import Site

# -- the makings ----------------------------------------------------------------------------------------------------------


def write_sentence(path, seed, seconds=4):
    """Something like speech: a voice whose pitch and loudness change from syllable to syllable, by the seed."""
    chance = np.random.default_rng(seed)
    rate, syllable = 16000, 0.2
    pitches, levels = chance.uniform(90, 240, int(seconds / syllable) + 1), chance.uniform(0.2, 1, int(seconds / syllable) + 1)
    at = np.arange(int(seconds * rate)) / rate
    places = np.arange(len(pitches)) * syllable
    phase = 2 * np.pi * np.cumsum(np.interp(at, places, pitches)) / rate
    tones = sum(np.sin(n * phase + chance.uniform(0, 6)) / n for n in range(1, 12))
    sound = tones * np.interp(at, places, levels) * np.abs(np.sin(np.pi * at / syllable))
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes((sound / np.abs(sound).max() * 12000).astype("<i2").tobytes())
    return path


@pytest.fixture
def sentence(tmp_path):
    return write_sentence(tmp_path / "sentence.wav", 1)


def assert_heard(sentence, recording, tmp_path):
    figure = audio.correlate_files(sentence, recording)
    wrong = audio.correlate_files(write_sentence(tmp_path / "other.wav", 2), recording)
    assert figure >= audio.PRESENT, f"the sentence was heard with a correlation of {figure:.2f} only"
    assert wrong <= audio.ABSENT, f"another sentence was heard, with a correlation of {wrong:.2f}"


# -- registration -----------------------------------------------------------------------------------------------------------


def bindings(site, user):
    users = control(site.server.state, "user-list")["users"]
    return next(found["bindings"] for found in users if found["aor"] == f"{user}@localhost")


def test_a_phone_registers_and_takes_its_binding_back(site):
    phone = site.phone("alice", "register")
    assert phone.wait_event("connected")["verified"] == "localhost"
    assert phone.wait_event("registered")["aor"] == "sips:alice@localhost"
    assert len(bindings(site, "alice")) == 1
    assert phone.stop() == 0
    assert not bindings(site, "alice")


def test_a_wrong_password_has_its_exit_code(site):
    phone = site.phone("alice", "register", password="guess")
    assert phone.wait() == 6, phone.output
    assert phone.wait_event("error")["cause"] == "wrong-password"


def test_an_untrusted_certificate_has_its_exit_code_and_sees_no_password(site):
    phone = site.phone("alice", "register", ca=False)
    assert phone.wait() == 5, phone.output
    assert phone.wait_event("error")["cause"] == "certificate"
    assert "REGISTER" not in site.server.output


def test_a_certificate_for_another_domain_is_refused(site):
    phone = Phone(
        site.path / "eve", "sips:alice@elsewhere.example", "x", ["register"],
        server=f"127.0.0.1:{site.server.port()}", ca=site.server.state / "ca.pem",
    )
    assert phone.wait() == 5, phone.output
    error = phone.wait_event("error")
    assert "localhost" in error["text"] and "elsewhere.example" in error["text"], error


def test_a_server_that_is_not_there_has_its_exit_code(site):
    port = site.server.port()
    assert site.server.stop() == 0
    phone = site.phone("alice", "call", "sips:bob@localhost", port=port)
    assert phone.wait() == 4, phone.output


# -- calls ------------------------------------------------------------------------------------------------------------------


def test_a_sealed_call_carries_the_sentence(site, sentence, tmp_path):
    bob = site.answering("bob", "--record", tmp_path / "heard.wav")
    alice = site.phone("alice", "call", "sips:bob@localhost", options=("--play", sentence, "--for", "6"))
    for phone in (alice, bob):
        established = phone.wait_event("established")
        assert established["tls"].startswith("TLSv1.") and established["verified"] == "localhost"
        assert established["srtp"] == "AEAD_AES_128_GCM"
        assert established["beyond"] == "claimed"
        assert not any("is secure" in line for line in established["report"])
    assert bob.wait_event("incoming")["from"] == "sips:alice@localhost"
    assert alice.wait(20) == 0, alice.output
    assert bob.wait_event("ended")["cause"] == "hung-up-there"
    assert bob.wait_event("media", state="ended")["packets_refused"] == 0
    assert bob.stop() == 0
    assert_heard(sentence, tmp_path / "heard.wav", tmp_path)


def test_a_recording_is_told_by_its_whole_path(site, tmp_path):
    """However long it is, and whatever its bytes are."""
    directory = tmp_path / ("d" * 120) / ("e" * 120)
    directory.mkdir(parents=True)
    (directory / "heard.wav").write_bytes(b"something")
    bob = site.answering("bob", "--record", directory / "heard.wav")
    carol = site.answering("carol", "--record", os.fsdecode(os.fsencode(tmp_path) + b"/h\xe9ard.wav"))
    for whom in "bob", "carol":
        assert site.phone("alice", "call", whom, options=("--for", "1")).wait(20) == 0
    assert bob.wait_event("media", state="recording")["file"] == str(directory / "heard-2.wav")
    assert carol.wait_event("media", state="recording")["file"].endswith("/h\\xe9ard.wav")


def test_no_recording_is_overwritten(site, tmp_path):
    bob = site.answering("bob", "--record", tmp_path / "heard.wav")
    for nth, name in (1, "heard.wav"), (2, "heard-2.wav"):
        assert site.phone("alice", "call", "bob", options=("--for", "1")).wait(20) == 0
        assert bob.wait_event("media", state="recording", nth=nth)["file"] == str(tmp_path / name)
        bob.wait_event("media", state="ended", nth=nth)
    assert bob.stop() == 0
    for name in "heard.wav", "heard-2.wav":
        with wave.open(str(tmp_path / name)) as heard:
            assert heard.getnframes() > 0


def test_a_call_in_clear_is_told_as_such(tmp_path, sentence):
    site = Site(tmp_path, "tcp:127.0.0.1:0")
    try:
        options = ("--transport", "tcp")
        bob = site.answering("bob", *options, "--record", tmp_path / "heard.wav", scheme="sip")
        alice = site.phone(
            "alice", "call", "sip:bob@localhost", options=(*options, "--play", sentence, "--for", "6"), scheme="sip"
        )
        established = alice.wait_event("established")
        assert established["tls"] == "" and established["srtp"] == "" and established["beyond"] == "unknown"
        assert alice.wait(20) == 0, alice.output
        assert bob.stop() == 0
        assert_heard(sentence, tmp_path / "heard.wav", tmp_path)
        sips = site.phone("alice", "call", "sips:bob@localhost", options=options, scheme="sip")
        assert sips.wait() == 16, sips.output
    finally:
        site.close()


def test_busy(site):
    site.answering("bob")
    carol = site.phone("carol", "call", "bob", options=("--for", "20"))
    carol.wait_event("established")
    alice = site.phone("alice", "call", "bob")
    assert alice.wait() == 10, alice.output
    assert alice.wait_event("ended")["cause"] == "busy"


def test_decline(site):
    bob = site.talking("bob")
    alice = site.phone("alice", "call", "bob")
    bob.wait_event("incoming")
    alice.wait_event("ringing")
    bob.send_line("reject")
    assert alice.wait() == 11, alice.output


def test_no_answer(site):
    bob = site.talking("bob")
    alice = site.phone("alice", "call", "bob", options=("--ring", "2"))
    assert alice.wait() == 12, alice.output
    assert bob.wait_event("ended")["cause"] == "cancelled"


def test_the_caller_gives_up(site):
    bob = site.talking("bob")
    alice = site.phone("alice", "call", "bob")
    alice.wait_event("ringing")
    alice.signal(signal.SIGINT)
    assert alice.wait() == 130, alice.output
    assert bob.wait_event("ended")["cause"] == "cancelled"


def test_an_unknown_user(site):
    alice = site.phone("alice", "call", "nobody")
    assert alice.wait() == 14, alice.output


def test_a_user_without_a_phone(site):
    alice = site.phone("alice", "call", "bob")
    assert alice.wait() == 15, alice.output


def test_an_interrupted_call_is_hung_up(site):
    bob = site.answering("bob")
    alice = site.phone("alice", "call", "bob")
    alice.wait_event("established")
    alice.signal(signal.SIGINT)
    assert alice.wait() == 130, alice.output
    assert bob.wait_event("ended")["cause"] == "hung-up-there"


def test_a_phone_that_nobody_reads_ends(site):
    """As after `sealphone --json register | head -2`."""
    alice = site.phone("alice", "register")
    alice.wait_event("registered")
    assert alice.stop() == 0
    script = '"$@" | head -n 2; exit ${PIPESTATUS[0]}'
    status, output, _ = run(["bash", "-c", script, "bash", *alice.argv])
    assert '"registered"' in output and status == 130
    assert bindings(site, "alice") == []


def test_hold_resume_and_digits(site):
    bob = site.answering("bob")
    alice = site.talking("alice")
    alice.send_line("call bob")
    alice.wait_event("established")
    bob.wait_event("established")
    alice.send_line("dtmf 7#")
    bob.wait_event("media", state="digit", digit="7")
    bob.wait_event("media", state="digit", digit="#")
    alice.send_line("hold")
    alice.wait_event("media", state="changed", on_hold=True)
    assert bob.wait_event("media", state="changed")["held"]
    alice.send_line("resume")
    alice.wait_event("media", state="changed", on_hold=False)
    assert not bob.wait_event("media", state="changed", nth=2)["held"]
    alice.send_line("status")
    assert alice.wait_event("status")["established"]
    alice.send_line("hangup")
    assert bob.wait_event("ended")["cause"] == "hung-up-there"
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output


def test_answer_without_a_connection_ends_no_call_that_stands(site):
    site.answering("bob")
    alice = site.talking("alice")
    alice.send_line("call bob")
    alice.wait_event("established")
    site.server.kill()
    alice.wait_event("error", cause="server-gone")
    alice.send_line("answer")
    alice.wait_event("error", text="there is no connection to the server")
    alice.send_line("status")
    assert alice.wait_event("status")["established"]


def test_a_call_that_is_refused_at_once_is_not_offered(site):
    alice = site.phone("alice", "register")
    alice.wait_event("registered")
    alice.stop()
    with Program([word for word in alice.argv if word != "--json"]) as alice:
        alice.wait_for("Registered")
        assert site.phone("bob", "call", "alice").wait() == 10
        told = alice.wait_for("A call from")
        assert "answer or reject" not in told


def test_digits_wait_for_the_call_to_be_heard(site):
    site.talking("bob")
    alice = site.talking("alice")
    alice.send_line("call bob")
    alice.wait_event("ringing")
    alice.send_line("dtmf 7#")
    assert "no call that stands" in alice.wait_event("error")["text"]


def test_a_line_that_is_too_long_is_no_command_in_any_part(site):
    alice = site.talking("alice")
    alice.send_line("message bob " + "x" * (4096 - len("message bob ")) + "quit")
    assert "long" in alice.wait_event("error")["text"]
    alice.send_line("status")
    assert alice.wait_event("status")["registered"]


def test_a_call_without_a_connection_says_so(site):
    alice = site.phone("alice", port=1, talks=True)
    alice.send_line("call bob")
    alice.wait_event("error", text="there is no connection to the server")


# -- messages ---------------------------------------------------------------------------------------------------------------


def test_a_message_arrives(site):
    bob = site.answering("bob")
    alice = site.phone("alice", "message", "sips:bob@localhost", "Meet me at the harbour, übermorgen")
    assert alice.wait() == 0, alice.output
    message = bob.wait_event("message")
    assert message["text"] == "Meet me at the harbour, übermorgen"
    assert message["from"] == "sips:alice@localhost"


def test_a_message_in_another_charset_is_shown_whole(site):
    """JSON has text in UTF-8 alone, so that the bytes of others are escaped; none of them is lost."""
    alice = site.talking("alice")
    with Peer(site.server.port(), site.server.state / "ca.pem", "bob@localhost", "bob-sesame") as bob:
        assert bob.register().status == 200
        body = "é".encode("latin-1") * 9000
        headers = ["Content-Type: text/plain;charset=iso-8859-1"]
        assert bob.ask("MESSAGE", "sips:alice@localhost", headers=headers, body=body).status == 200
    assert alice.wait_event("message")["text"] == r"\xe9" * 9000


def test_a_message_to_nobody(site):
    alice = site.phone("alice", "message", "nobody", "hello")
    assert alice.wait() == 14, alice.output


# -- restarts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_call_outlives_the_server_and_is_ended_over_the_next_one(site, sentence, tmp_path, how):
    bob = site.answering("bob", "--record", tmp_path / "heard.wav")
    alice = site.talking("alice", "--play", sentence)
    alice.send_line("call bob")
    alice.wait_event("established")
    bob.wait_event("established")
    site.restart(how)
    for phone in (alice, bob):
        phone.wait_event("error", cause="server-gone")
        phone.wait_event("registered", seconds=30, nth=2)
    alice.wait_event("media", state="played")
    time.sleep(slow(0.5))  # what is on its way arrives
    alice.send_line("hangup")
    assert bob.wait_event("ended")["cause"] == "hung-up-there"
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    assert bob.stop() == 0
    assert_heard(sentence, tmp_path / "heard.wav", tmp_path)


def test_after_kill_9_phones_hear_of_certificates_again(site):
    alice = site.answering("alice")
    alice.wait_event("certificate-obtained")
    site.restart(signal.SIGKILL)
    alice.wait_event("registered", seconds=30, nth=2)
    time.sleep(slow(1) + 3)  # it subscribes anew two seconds after it was refused
    site.answering("alice")
    alice.wait_event("certificate-changed", of="alice@localhost")  # her other phone's
    assert not [event for event in alice.events if event["event"] == "certificate-failed"]


def test_after_kill_9_phones_are_back_and_are_called_within_half_a_minute(site):
    bob = site.answering("bob")
    site.restart(signal.SIGKILL)
    bob.wait_event("registered", seconds=30, nth=2)
    alice = site.phone("alice", "call", "bob", options=("--for", "1"))
    assert alice.wait(20) == 0, alice.output


def test_a_server_that_stops_without_a_word_is_noticed_and_found_again(site):
    bob = site.phone("bob", "answer", options=("--keep-alive", "2"))
    bob.wait_event("registered")
    time.sleep(slow(5))  # some pings, all of them answered
    assert not [event for event in bob.events if event["event"] == "error"]
    site.server.signal(signal.SIGSTOP)
    error = bob.wait_event("error", cause="server-gone", seconds=20)
    assert "does not answer" in error["text"], error
    site.server.signal(signal.SIGCONT)
    bob.wait_event("registered", seconds=30, nth=2)
    alice = site.phone("alice", "call", "bob", options=("--for", "1"))
    assert alice.wait(20) == 0, alice.output


# -- the program ------------------------------------------------------------------------------------------------------------


def test_no_password_is_ever_shown(site):
    bob = site.answering("bob")
    alice = site.phone("alice", "call", "bob", options=("--for", "1"))
    assert alice.wait(20) == 0
    assert bob.stop() == 0
    for text in (alice.output, bob.output, site.server.output, " ".join(alice.argv)):
        assert "sesame" not in text
    memory = json.loads(next(alice.state.glob("*.json")).read_text())
    assert memory["algorithm"] == "SHA-256" and memory["instance"].startswith("urn:uuid:")
    assert "sesame" not in json.dumps(memory)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--aor", "alice"),
        ("--aor", "sips:alice@localhost", "--transport", "tcp"),
        ("--aor", "sips:alice@localhost", "dance"),
        ("--aor", "sips:alice@localhost", "call"),
        ("--aor", "sips:alice@localhost", "--srtp", "maybe"),
        ("--aor", "sips:alice@localhost", "--for", "soon"),
    ],
)
def test_wrong_words_are_usage_errors(tmp_path, words):
    secret = tmp_path / "password"
    secret.write_text("x\n")
    program = Program([BUILD / "sealphone", "--state", tmp_path, "--password-file", secret, *words])
    assert program.wait() == 2, program.output
