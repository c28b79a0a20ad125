"""What scripts/demo shows: a call in the clear for comparison, a sealed call, and what an eavesdropper gets of each."""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import audio
import capture
from programs import Phone, Server

SENTENCE = "Alice tells Bob that the meeting is moved to nine, at the old harbour, and that nobody else may know."
OTHER = "The weather will be fine on Thursday, with a light wind from the west and some clouds in the evening."
NAMES = ["alice@localhost", "bob@localhost"]

_failed = []


def check(holds, text):
    print(f"  {'ok  ' if holds else 'FAIL'} {text}")
    if not holds:
        _failed.append(text)


def title(text):
    print(f"\n== {text}")


def speak(sentence, path):
    subprocess.run(["espeak-ng", "-s", "150", "-w", path, sentence], check=True)
    return audio.read_wav(path)


def call(path, scheme, listen, options, spoken):
    """One call from alice to bob through a server of its own; gives the server, the phones and the packets."""
    path.mkdir()
    where = ["--listen", listen] if listen else []
    server = Server(path / "server", listen=(), options=[*where, "--log-level", "debug"])
    for user in ("alice", "bob"):
        server.add_account(f"{user}@localhost", f"{user}-says-sesame")
    wire = capture.Capture(path / "loopback.pcap")
    common = {"ca": server.ca, "server": options.pop("server", None)}
    seconds = str(int(audio_length(spoken) + 2))
    bob = Phone(
        path / "bob", f"{scheme}:bob@localhost", "bob-says-sesame", ["answer"],
        options=[*options["phone"], "--record", path / "bob-heard.wav"], **common,
    )
    bob.wait_event("registered", 15)
    alice = Phone(
        path / "alice", f"{scheme}:alice@localhost", "alice-says-sesame", ["call", f"{scheme}:bob@localhost"],
        options=[*options["phone"], "--play", spoken, "--for", seconds], **common,
    )
    status = alice.wait(60)
    bob.wait_event("ended", 10)
    bob.stop()
    packets = wire.stop()
    server.stop()
    return server, alice, bob, status, packets


def audio_length(path):
    return len(audio.read_wav(path)) / audio.RATE


def fields(line):
    """The key=value pairs of a log line."""
    found = dict(re.findall(r'([a-z_.]+)=("(?:[^"\\]|\\.)*"|\S+)', line))
    return {key: value.strip('"') for key, value in found.items()}


def ladder(server):
    """The messages of the call as the server saw them, each with what protected its hop."""
    flows, steps = {}, []
    for line in server.lines:
        about = fields(line)
        if " flow.opened " in line:
            flows[about["flow"]] = {"who": about["peer"], "tls": about.get("tls"), "cipher": about.get("cipher")}
        elif " flow.proven " in line and about["flow"] in flows:
            flows[about["flow"]]["who"] = about["account"].split("@")[0]
        elif (m := re.search(r" message\.(in|out) ", line)) and not about.get("cseq", "").endswith("REGISTER"):
            steps.append((m.group(1), about["flow"], about["start"]))
    print(f"  {'alice':<24}{'sealined':<31}{'bob':<6}protection of this hop")
    for direction, flow, start in steps:
        hop = flows.get(flow, {"who": "?", "tls": None, "cipher": None})
        what = re.sub(r" SIP/2\.0$", "", re.sub(r"^SIP/2\.0 ", "", start))
        what = re.sub(r"^([A-Z]+) (sips?:)\S*?([a-z]+)@\S+$", r"\1 \2\3@…", what)[:22]
        left, right = " " * 23, ""
        if hop["who"] == "alice":
            left = f"--{what}{'-' * (22 - len(what))}>" if direction == "in" else f"<-{what}{'-' * (22 - len(what))}-"
        else:
            right = f"--{what}{'-' * (22 - len(what))}>" if direction == "out" else f"<-{what}{'-' * (22 - len(what))}-"
        how = f"{hop['tls']} {hop['cipher']}" if hop["tls"] else "none"
        print(f"  |{left:<27}|{right:<27}|    {how}")
    return steps, flows


def report(phone, name):
    event = next(event for event in phone.events if event["event"] == "established")
    print(f"  {name}:")
    for line in event["report"]:
        print(f"    {line}")
    return event


def show_sealed(path, spoken, other):
    title("A sealed call: sips over TLS, media under SRTP")
    print(f"  alice says: {SENTENCE!r}")
    server, alice, bob, status, packets = call(path / "sealed", "sips", None, {"phone": []}, spoken)
    check(status == 0, f"alice's phone ended with exit status {status}")

    title("The ladder, hop by hop (from the server's log)")
    steps, flows = ladder(server)
    methods = {start.split()[0] for _, _, start in steps}
    check({"INVITE", "ACK", "BYE"} <= methods, "the server has seen INVITE, ACK and BYE of this call")
    check(all(hop["tls"] for hop in flows.values()), f"each of its {len(flows)} connections was TLS")

    title("The security report of both phones")
    for event in (report(alice, "alice's phone"), report(bob, "bob's phone")):
        check(event["tls"].startswith("TLSv1.") and event["verified"] == "localhost", f"{event['tls']} to a verified {event['verified']}")
        check(bool(event["srtp"]), f"media under {event['srtp']}")

    title("Did the sentence arrive?")
    heard = audio.read_wav(path / "sealed" / "bob-heard.wav")
    figure, wrong = audio.correlation(audio.read_wav(spoken), heard), audio.correlation(audio.read_wav(other), heard)
    check(figure >= audio.PRESENT, f"bob's recording correlates {figure:.2f} with what alice said (needed: {audio.PRESENT:.2f} or more)")
    check(wrong <= audio.ABSENT, f"and {wrong:.2f} with another sentence (allowed: {audio.ABSENT:.2f} or less)")
    return packets


def show_capture(what, packets, sentence, readable):
    found = capture.search(packets, NAMES, sentence)
    print(f"  {what}: {len(packets)} packets, {found['bytes']} bytes of payload")
    if readable:
        check(found["sip"] > 0, f"{found['sip']} SIP start lines can be read")
        check(found["names"] == NAMES, f"the names can be read: {', '.join(found['names']) or 'none'}")
        check(found["speech"] >= audio.PRESENT, f"the sentence can be heard: {found['speech']:.2f} (needed: {audio.PRESENT:.2f} or more)")
    else:
        check(found["sip"] == 0, f"{found['sip']} SIP start lines can be read")
        check(not found["names"], f"names that can be read: {', '.join(found['names']) or 'none'}")
        check(found["speech"] <= audio.ABSENT, f"the sentence cannot be heard: {found['speech']:.2f} (allowed: {audio.ABSENT:.2f} or less)")


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Two phones, one server, and the evidence.")
    parser.add_argument("--keep", metavar="DIR", type=pathlib.Path, help="leave logs, recordings and captures there")
    options = parser.parse_args()
    began = time.monotonic()
    path = pathlib.Path(tempfile.mkdtemp(prefix="sealine-demo-"))
    try:
        spoken, other = path / "sentence.wav", path / "other.wav"
        sentence = speak(SENTENCE, spoken)
        speak(OTHER, other)
        sealed = show_sealed(path, spoken, other)

        title("What an eavesdropper on the loopback interface gets of it")
        show_capture("the sealed call", sealed, sentence, readable=False)

        title("The same search in a capture of the same call in clear (TCP and RTP)")
        clear_options = {"phone": ["--transport", "tcp", "--srtp", "never"], "server": "127.0.0.1:5060"}
        *_, clear = call(path / "clear", "sip", "tcp:127.0.0.1:5060", clear_options, spoken)
        show_capture("the call in clear", clear, sentence, readable=True)
    finally:
        if options.keep:
            shutil.copytree(path, options.keep, dirs_exist_ok=True)
        shutil.rmtree(path)
    print(f"\n{'FAILED: ' + str(len(_failed)) + ' checks' if _failed else 'Every check held'}; {time.monotonic() - began:.0f} s after the build.")
    return 1 if _failed else 0


if __name__ == "__main__":
    sys.exit(main())
