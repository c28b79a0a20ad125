"""What the programs say of themselves is what their manual pages say."""

import functools
import re

import pytest

from programs import BUILD, ROOT, run

COMMANDS = (
    "user add", "user import", "user list", "user passwd", "user remove", "user policy", "ban list", "ban add", "ban lift",
    "cert list", "cert revoke",
    "ca show", "ca export", "status", "parse", "load",
)


@functools.cache
def help_of(*words):
    status, out, err = run([BUILD / words[0], *words[1:], "--help"])
    assert status == 0 and err == "" and out.startswith("usage: "), words
    assert max(map(len, out.splitlines())) <= 120, "wider than a terminal"
    return out


def options_in(text):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", text))


def page(name):
    return (ROOT / "man" / name).read_text()


def options_of(lines):
    """The options in lines of mdoc: Fl -state is --state, Fl c is -c."""
    return {"-" + option for line in lines for option in re.findall(r"\bFl (-?[a-z][a-z0-9-]*)", line)}


def described(text):
    return options_of(line for line in text.splitlines() if line.startswith(".It Fl"))


def synopsis(text):
    return text.split(".Sh SYNOPSIS", 1)[1].split(".Sh ", 1)[0]


@pytest.mark.parametrize("program, name", [("sealined", "sealined.8"), ("sealphone", "sealphone.1")])
def test_each_option_of_the_help_is_in_the_manual_and_the_other_way_round(program, name):
    text, described_there = help_of(program), described(page(name))
    told = options_in(text.split("example:")[0].split("An account:")[0])
    assert told == described_there | {"--help", "--version"}
    if program == "sealined":
        assert options_of(synopsis(page(name)).splitlines()) == described_there - {"--help", "--version"}


def test_each_command_of_the_tool_has_its_help_and_its_line_of_synopsis():
    overview, text = help_of("sealine"), page("sealine.1")
    lines = {re.search(r"\.Cm ([a-z ]+)", part).group(1).strip(): part for part in synopsis(text).split(".Nm\n")[1:] if ".Cm" in part}
    assert set(lines) == set(COMMANDS)
    for command in COMMANDS:
        told = options_in(help_of("sealine", *command.split()).split("Example:")[0])
        assert f"\n  {command} " in overview
        assert told - described(text) == set(), command
        if command == "load":
            continue
        usage = help_of("sealine", *command.split()).splitlines()[0]
        assert options_in(usage) == options_of(lines[command].splitlines()), command
        assert f".It Cm {command}" in text, command


def test_each_event_of_the_phone_is_in_its_manual():
    sources = "".join(path.read_text() for path in (ROOT / "src/sealphone").glob("*.c"))
    told = set(re.findall(r'(?:"event", |event_object\(|finish\(cert, |{ UA_CERTIFICATE_[A-Z]+, )"([a-z-]+)"', sources))
    events = page("sealphone.1").split(".Ss Events", 1)[1].split(".Ss ", 1)[0]
    listed = {name for line in re.findall(r"^\.It (.*)$", events, re.M) for name in re.findall(r"\b[a-z-]+\b", line.removeprefix("Li "))}
    assert told == listed
    media = (ROOT / "src/media/mailbox.c").read_text().split("media_event_name", 1)[1]
    states = set(re.findall(r'= "([a-z-]+)"', media))
    assert len(states) > 10
    assert {state for state in states if not re.search(rf"(?<![\w-]){state}(?![\w-])", events)} == set()


def test_each_key_of_the_configuration_is_in_its_manual():
    """The reader's own lists of keys: every one has an entry of its own, alone or with others."""
    sources = "".join((ROOT / "src/sealined" / name).read_text() for name in
                      ("config.c", "config_domain.c", "config_file.c", "config_peer.c", "config_numbers.c", "quotas.c"))
    keys = set(re.findall(r'\[(?:SETTING|DOMAIN|PEER|LIMIT|MESSAGES|REGISTRAR)\w*\]\s*=\s*\{?\s*SLICE_INIT\("([a-z-]+)"\)', sources))
    keys |= set(re.findall(r'\{\s*SLICE_INIT\("([a-z-]+)"\)', sources))
    assert len(keys) > 30
    text = page("sealined.yaml.5")
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
