"""The examples of docs/secure-sip.md are what the programs print. SEALINE_WRITE_DOCS=1 writes them into the page anew."""

import json
import os
import re

import pytest

from pki import CA
from programs import BUILD, ROOT, Phone, Server, run, sealine
from sealine_e2e import Client

PAGE = ROOT / "docs/secure-sip.md"
EXAMPLE = re.compile(r"<!-- example: ([a-z-]+) -->\n```\n(.*?)```", re.S)


def settled(text):
    """Without what differs from one run to the next."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z ", "", text)
    text = re.sub(r"flow=[0-9a-f]+", "flow=1", text)
    text = re.sub(r'call_id="[^"]*"', 'call_id="…"', text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:5061", text)
    text = re.sub(r"urn:uuid:[0-9a-f-]+", "urn:uuid:…", text)
    text = re.sub(r"Next try in \d+ s", "Next try in 1 s", text)
    return text.strip()


# What the page is about is the hops; certificates of users have a page of their own.
HOPS = ("--device", "null", "--smime", "off")


def sealphone(server, path, aor, *words, ca=None):
    """What it says to people."""
    path.mkdir(exist_ok=True)
    secret = path / "password"
    secret.touch(mode=0o600)
    secret.write_text("sesame\n")
    argv = [BUILD / "sealphone", "--state", path, "--aor", aor, "--password-file", secret, "--ca", ca or server.ca, *HOPS]
    status, said, _ = run([*argv, "--server", f"127.0.0.1:{server.port()}", *words], seconds=30)
    return status, said


def event(line):
    """A line of --json, as one reads it."""
    text = json.dumps(line, indent=2, ensure_ascii=False)
    return re.sub(r'"retry_ms": \d+', '"retry_ms": 1000', text)


def not_allowed(server, path):
    bob = Phone(path / "bob", "sip:bob@localhost", "sesame", ["register"], f"127.0.0.1:{server.port()}", server.ca, HOPS)
    bob.wait_event("registered")
    status, said = sealphone(server, path / "alice", "sips:alice@localhost", "call", "sips:bob@localhost")
    assert status != 0
    yield "phone-not-allowed", said
    yield "log-not-allowed", server.wait_for("code=sips.not-allowed")
    alice = Phone(path / "alice", "sips:alice@localhost", "sesame", ["call", "sips:bob@localhost"], f"127.0.0.1:{server.port()}", server.ca, HOPS)
    yield "json-not-allowed", event(alice.wait_event("ended"))
    bob.stop()


def wrong_server(server, path):
    status, said = sealphone(server, path / "stranger", "sips:alice@b.example", "register")
    assert status != 0
    yield "phone-wrong-server", said
    phone = Phone(path / "stranger", "sips:alice@b.example", "sesame", ["register"], f"127.0.0.1:{server.port()}", server.ca)
    yield "json-wrong-server", event(phone.wait_event("error"))
    phone.kill()


def warnings(server, _):
    with Client(server.port("tcp"), tls=False, password="sesame") as client:
        client.send(client.request("MESSAGE", "sips:bob@localhost"))
        answer = client.read()
        yield "warning-clear", f"{answer.start}\nWarning: {answer.get('Warning')}"
    with Client(server.port(), server.ca, password="sesame") as client:
        client.contact = client.contact.replace("sips:", "sip:")
        answer = client.register()
        yield "warning-sip-contact", f"{answer.start}\nWarning: {answer.get('Warning')}"


def serve(ca, path, domain, peers):
    pem, key = ca.issue(domain)
    config = path / f"{domain}.yaml"
    config.write_text(f"domains: [{domain}]\ncertificate: {pem}\nkey: {key}\ntrust: {ca.pem}\nworkers: 1\npeers:\n  {peers}\n")
    return Server(path / domain, options=("-c", config), name=domain)


def edge(_, path):
    """a.example behind edge.example, which it has declared first for nobody, then for its phones."""
    ca = CA(path / "ca")
    words = ("--outbound-proxy", "edge.example", "register")
    with serve(ca, path, "a.example", "edge: {domains: edge.example}") as home:
        home.add_account("alice@a.example", "sesame")
        port = home.port()
        with serve(ca, path, "edge.example", f"home: {{domains: a.example, address: '127.0.0.1:{port}', proves: a.example, registers: yes}}") as proxy:
            status, said = sealphone(proxy, path / "behind", "sips:alice@a.example", *words, ca=ca.pem)
            assert status != 0
            yield "phone-edge-undeclared", said
            yield "log-edge-undeclared", home.wait_for("code=edge.undeclared")


LINKS = """\
listen: ["127.0.0.1:0", "tcp:127.0.0.1:0"]
peers:
  branch: {domains: branch.example, address: "192.0.2.7:5060", transport: tcp, link: tunnel}
links:
  tunnel: {addresses: 192.0.2.7, mechanism: ipsec, interface: ipsec0, sips: yes}
"""


def links(_, path):
    config = path / "links.yaml"
    config.write_text(LINKS)
    yield "links-config", "".join(LINKS.splitlines(True)[1:])
    with Server(path / "linked", listen=(), options=("-c", config)) as server:
        yield "links-log", server.wait_for("about.link")
        with Client(server.port("tcp"), aor="carol@branch.example", tls=False) as client:
            client.send(client.request("MESSAGE", "sip:bob@localhost"))
            answer = client.read()
            yield "links-elsewhere", f"{answer.start}\nWarning: {answer.get('Warning')}"
        status, said, _ = sealine("status", "--state", server.state)
        assert status == 0
        yield "links-status", "\n".join(line for line in said.splitlines() if line.startswith(("peer ", "link ")))


def names(_, path):
    """Domains with letters that few have on their keyboards."""
    config = path / "names.yaml"
    config.write_text("domains: [bücher.example, аpple.example]\nworkers: 1\n")
    with Server(path / "named", options=("-c", config)) as server:
        status, said, _ = sealine("status", "--state", server.state)
        assert status == 0
        yield "idn-status", "\n".join(line for line in said.splitlines() if line.startswith("domain "))
    config.write_text("domains: [bücher.example, ☎.example]\n")
    status, _, errors = run([BUILD / "sealined", "-t", "-c", config])
    assert status == 2
    yield "idn-refused", errors.replace(str(config), "/etc/sealine/sealined.yaml")


STAPLE = """\
certificate: /etc/sealine/server.pem
key: /etc/sealine/server.key
staple: /etc/sealine/server.ocsp
"""


def staples(_, path):
    """A server that shows a word of its CA, or none, to a phone that wants one."""
    ca = CA(path / "stapling")
    pem, key = ca.issue("a.example", file="server")
    chain = ca.chain(pem)
    chain.rename(pem)
    staple = ca.staple(pem)
    config = path / "stapling.yaml"
    config.write_text("domains: [a.example]\nworkers: 1\n" + STAPLE.replace("/etc/sealine", str(ca.directory)))
    yield "staple-config", STAPLE
    words = ("--ocsp", "require", "--for", "1", "register")
    with Server(path / "stapled", options=("-c", config)) as server:
        server.add_account("alice@a.example", "sesame")
        status, said = sealphone(server, path / "stapled-phone", "sips:alice@a.example", *words, ca=ca.pem)
        assert status == 0 and "Registered" in said, said
        since = len(server.lines)
        staple.write_bytes(ca.staple(pem, revoked=True).read_bytes())
        yield "staple-refused", server.wait_for("certificates.refused", since=since).replace(str(config), "/etc/sealine/sealined.yaml").replace(str(ca.directory), "/etc/sealine")
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "staple" not in line))
    with Server(path / "unstapled", options=("-c", config)) as server:
        server.add_account("alice@a.example", "sesame")
        status, said = sealphone(server, path / "stapled-phone", "sips:alice@a.example", *words, ca=ca.pem)
        assert status == 5
        yield "staple-missing", said


@pytest.mark.plain_only
def test_the_examples_are_what_the_programs_print(tmp_path):
    made = {}
    with Server(tmp_path / "server", listen=("127.0.0.1:0", "tcp:127.0.0.1:0")) as server:
        for user in ("alice", "bob"):
            server.add_account(f"{user}@localhost", "sesame")
        for makes in (not_allowed, wrong_server, warnings, edge, links, names, staples):
            made.update({name: settled(text) for name, text in makes(server, tmp_path)})
    page = PAGE.read_text(encoding="utf-8")
    written = {name: text.strip() for name, text in EXAMPLE.findall(page)}
    assert set(written) == set(made)
    if os.environ.get("SEALINE_WRITE_DOCS"):
        PAGE.write_text(EXAMPLE.sub(lambda m: f"<!-- example: {m[1]} -->\n```\n{made[m[1]]}\n```", page), encoding="utf-8")
        return
    for name, text in made.items():
        assert text == written[name], f"{name} in {PAGE.name} should be:\n{text}"
