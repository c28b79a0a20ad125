"""Internationalised domains: people write bücher.example, and all that the programs say to each other has A-labels."""

import netns
import pytest
import zone

from pki import CA
from programs import BUILD, Phone, Server, run, sealine

NAMES = "bücher.example", "münchen.example"
ASCII = "xn--bcher-kva.example", "xn--mnchen-3ya.example"

RECORDS = """
_sips._tcp.xn--bcher-kva   SRV 10 0 5061 pbx.xn--bcher-kva
pbx.xn--bcher-kva          A 127.0.0.2
_sips._tcp.xn--mnchen-3ya  SRV 10 0 5061 pbx.xn--mnchen-3ya
pbx.xn--mnchen-3ya         A 127.0.0.3
"""


@pytest.mark.skipif(netns.can_be_made() or zone.can_be_served(), reason=str(netns.can_be_made() or zone.can_be_served()))
def test_phones_of_two_domains_with_umlauts_call_each_other(tmp_path):
    ca = CA(tmp_path / "ca")
    space = netns.Namespace()
    names = zone.NameServer(tmp_path / "names", "example", RECORDS, space)
    servers = []
    for n, (name, ascii_name) in enumerate(zip(NAMES, ASCII)):
        pem, key = ca.issue(ascii_name)
        config = tmp_path / f"{n}.yaml"
        config.write_text(
            f"domains: [{name}]\nlisten: ['127.0.0.{2 + n}:5061']\ncertificate: {pem}\nkey: {key}\ntrust: {ca.pem}\n"
            f"dns: 127.0.0.1\ntrust-anchor: {names.anchor}\nworkers: 1\n"
        )
        servers.append(Server(tmp_path / f"state-{n}", listen=(), options=("-c", config), netns=space, name=ascii_name))

    def phone(aor, *command, options=()):
        options = ("--dns", "127.0.0.1", "--trust-anchor", names.anchor, "--device", "null", *options)
        return Phone(tmp_path / aor[5:8], aor, "sesame", command, ca=ca.pem, options=options, netns=space)

    for server, aor in zip(servers, (f"alice@{NAMES[0]}", f"bob@{NAMES[1]}")):
        server.add_account(aor, "sesame")
    with phone(f"sips:bob@{NAMES[1]}", "answer") as bob:
        assert bob.wait_event("registered")["aor"] == f"sips:bob@{ASCII[1]}"
        with phone(f"sips:alice@{NAMES[0]}", "call", f"sips:bob@{NAMES[1]}", options=("--for", "1")) as alice:
            alice.wait_event("established", 20)
            assert alice.wait(20) == 0
        assert bob.wait_event("incoming")["from"] == f"sips:alice@{ASCII[0]}"
    assert servers[0].wait_for(rf'flow.opened.*verified="{ASCII[1]}"')
    assert servers[1].wait_for(rf'flow.opened.*verified="{ASCII[0]}"')
    for server in servers:
        server.stop()
        assert not [line for line in server.lines if not line.isascii()]
    names.stop()
    space.close()


def test_what_people_read_has_the_letters_beside_the_a_label(tmp_path):
    """The development CA writes A-labels; a phone that is told to speak to people shows both, and a look-alike as it is."""
    with Server(tmp_path / "state", options=["--domain", NAMES[0], "--domain", "аpple.example"]) as server:
        server.add_account(f"alice@{NAMES[0]}", "sesame")
        _, status, _ = sealine("status", "--state", server.state)
        assert f"domain        {ASCII[0]} ({NAMES[0]}) (MD5: refuse)" in status
        assert "domain        xn--pple-43d.example (MD5: refuse)" in status
        _, users, _ = sealine("user", "list", "--state", server.state)
        assert users == f"alice@{ASCII[0]} ({NAMES[0]}): not registered\n"
        password = tmp_path / "password"
        password.write_text("sesame\n")
        words = ["--aor", f"sips:alice@{NAMES[0]}", "--server", f"127.0.0.1:{server.port()}", "--ca", server.ca, "--password-file", password]
        _, said, _ = run([BUILD / "sealphone", *words, "--state", tmp_path / "phone", "--for", "1", "register"])
        assert f"Registered as sips:alice@{ASCII[0]} ({NAMES[0]})." in said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("☃.example", "string contains a disallowed character"),
        ("xn--a.example", "domain label has character forbidden"),
        ("-ü.example", "string start/ends with forbidden hyphen"),
        ("a；b.ü.example", "there is a character that no name has"),
    ],
    ids=["snowman", "no-a-label", "hyphen", "semicolon"],
)
def test_what_is_no_internationalised_name_is_refused_with_its_reason(tmp_path, name, why):
    config = tmp_path / "sealined.yaml"
    config.write_text(f"domains: ['{name}']\n")
    said = f"it is no internationalised domain name (RFC 5891): {why}"
    for command, code in (
        ([BUILD / "sealined", "--state", tmp_path / "state", "-c", config], 2),
        ([BUILD / "sealined", "--state", tmp_path / "state", "--domain", name], 2),
        ([BUILD / "sealine", "user", "add", f"alice@{name}", "--generate", "--state", tmp_path], 2),
        ([BUILD / "sealphone", "--aor", f"sips:alice@{name}", "--state", tmp_path, "register"], 2),
        ([BUILD / "sealphone", "--aor", "sips:alice@a.example", "--state", tmp_path, "cert", "show", f"bob@{name}"], 2),
    ):
        status, _, errors = run(command)
        assert status == code and said in errors, (command, errors)
