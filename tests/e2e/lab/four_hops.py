"""The servers and phones of the lab, the zone that they find each other by, and a capture of each link."""

import pathlib
import subprocess
import sys

from network import LINKS, SERVERS, Machine, Network, hub_address, name_server

import capture
import zone
from pki import CA, key_digest
from programs import Phone, Program, Server, run
from sealine_e2e import control, digests

HERE = pathlib.Path(__file__).parent

# The edge is e.example, by which alice, who is of a.example, reaches her home. In "forged" an address is another than was signed; of "stripped"
# the records that say that it has TLS are gone. The certificate of d.example leads to no CA that is trusted, and its key is in the DNS; g.example has a
# good one, and the DNS has the key of another; h.example has no key there.
RECORDS = f"""
_sips._tcp.e        SRV 10 0 5061 pbx.e
pbx.e               A {SERVERS["edge"]}
_sips._tcp.a        SRV 10 0 5061 pbx.a
pbx.a               A {SERVERS["a"]}
_sips._tcp.f        SRV 10 0 5061 pbx.e
b                   NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.b
_sips._tcp.b        SRV 10 0 5061 pbx.b
pbx.b               A {SERVERS["b"]}
_sips._tcp.c        SRV 10 0 5061 pbx.b
_sips._tcp.forged   SRV 10 0 5061 pbx.forged
pbx.forged          A 192.0.2.99
stripped            NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.stripped
_sips._tcp.stripped SRV 10 0 5061 pbx.stripped
_sip._tcp.stripped  SRV 10 0 5060 pbx.stripped
pbx.stripped        A {SERVERS["b"]}
stripped            A {SERVERS["b"]}
_sips._tcp.d        SRV 10 0 5061 pbx.d
pbx.d               A {SERVERS["b"]}
_sips._tcp.g        SRV 10 0 5061 pbx.g
pbx.g               A {SERVERS["b"]}
_5061._tcp.pbx.g    TLSA 3 1 1 {"0123456789abcdef" * 4}
_sips._tcp.h        SRV 10 0 5061 pbx.b
"""
FORGED = [
    (r"^(pbx\.forged\.example\.\s.*\sA\s+)192\.0\.2\.99$", rf"\g<1>{SERVERS['b']}"),
    (r"^stripped\.example\.\s.*\sNAPTR\s.*$", ""),
    (r"^_sips\._tcp\.stripped\.example\.\s.*\sSRV\s.*$", ""),
]

PEERS = {
    "edge": f"""
  a: {{domains: a.example, address: '{SERVERS["a"]}:5061', proves: a.example, registers: yes}}
  kamailio: {{domains: c.example, address: '{SERVERS["kamailio"]}:5061', proves: k.example}}
""",
    "a": f"""
  edge: {{domains: e.example, address: '{SERVERS["edge"]}:5061', proves: e.example, edge-for: a.example}}
  strict: {{domains: [d.example, h.example], dane: require}}
""",
    "b": f"""
  kamailio: {{domains: f.example, address: '{SERVERS["kamailio"]}:5061', proves: k.example}}
""",
}
DOMAINS = {"edge": ["e.example", "f.example"], "a": ["a.example"], "b": ["b.example", "c.example", "g.example", "h.example"]}

PASSWORD = "open sesame"


class FourHops:
    def __init__(self, path):
        self.path, self.n = path, 0
        self.network = Network()
        self.ca = CA(path / "ca")
        self.unknown = CA(path / "unknown", "unknown CA").issue("d.example")
        records = RECORDS + f"_5061._tcp.pbx.d TLSA 3 1 1 {key_digest(self.unknown[0])}\n"
        self.names = zone.NameServer(path / "names", "example", records, self.network["hub"], address="0.0.0.0", forge=FORGED)
        self.servers = {name: self.serve(name) for name in DOMAINS}
        for aor, server in (("bob@d", "b"), ("alice@a", "a"), ("alice@f", "edge"), ("bob@b", "b"), ("bob@c", "b")):
            assert control(self.servers[server].state, "user-add", **digests(f"{aor}.example", PASSWORD))["ok"]

    def serve(self, name):
        domains = DOMAINS[name]
        pem, key = self.ca.issue(domains[0], names=domains)
        config = self.path / f"{name}.yaml"
        entries = [f"{{name: {domain}}}" for domain in domains]
        if name == "b":
            entries.append(f"{{name: d.example, certificate: {self.unknown[0]}, key: {self.unknown[1]}}}")
        listen = [SERVERS[name], hub_address(name)]
        config.write_text(
            f"domains: [{', '.join(entries)}]\nlisten: {[f'{address}:5061' for address in listen]}\ncertificate: {pem}\nkey: {key}\ntrust: {self.ca.pem}\n"
            f"dns: {name_server(name)}\ntrust-anchor: {self.names.anchor}\nworkers: 1\npeers:{PEERS[name]}"
        )
        return Server(self.path / name, listen=(), options=("-c", config), netns=self.network[name], name=name)

    def add_kamailio(self):
        path = self.path / "kamailio"
        (path / "run").mkdir(parents=True)
        pem, key = self.ca.issue("k.example")
        pair = f"method = TLSv1.2+\ncertificate = {pem}\nprivate_key = {key}\nca_list = {self.ca.pem}\n"
        (path / "tls.cfg").write_text(
            f"[server:default]\n{pair}verify_certificate = no\n[client:default]\n{pair}verify_certificate = yes\nrequire_certificate = yes\n"
        )
        text = (HERE / "kamailio.cfg").read_text()
        for name, value in (("ADDRESS", SERVERS["kamailio"]), ("B", SERVERS["b"]), ("EDGE", SERVERS["edge"]), ("TLS", path / "tls.cfg")):
            text = text.replace(f"@{name}@", str(value))
        (path / "kamailio.cfg").write_text(text)
        words = ["kamailio", "-f", path / "kamailio.cfg", "-DD", "-E", "-w", path, "-Y", path / "run", "-P", path / "pid"]
        kamailio = Program(words, netns=self.network["kamailio"])
        probe = f"import socket; socket.create_connection(('{SERVERS['kamailio']}', 5061), 1)"
        for _ in range(100):
            if run([sys.executable, "-c", probe], netns=self.network["kamailio"])[0] == 0:
                break
        else:
            raise AssertionError("kamailio does not listen:\n" + kamailio.output)
        self.servers["kamailio"] = kamailio

    def phone(self, machine, aor, *command, options=(), talks=False):
        """Found by the DNS; but for alice and bob nothing is configured."""
        self.n += 1
        words = ["--dns", name_server(machine), "--trust-anchor", self.names.anchor, "--device", "null", "--smime", "off", *options]
        if aor.endswith("@a.example"):
            words += ["--outbound-proxy", "e.example"]
        stdin = subprocess.PIPE if talks else subprocess.DEVNULL
        state = self.path / f"phone-{self.n}"
        command = command or (() if talks else ("register",))
        return Phone(state, aor, PASSWORD, command, ca=self.ca.pem, options=words, netns=self.network[machine], stdin=stdin)

    def talking(self, machine, aor):
        phone = self.phone(machine, aor, talks=True)
        phone.wait_event("registered", 20)
        return phone

    def captures(self):
        """One of each link, from now on."""
        return {name: self.capture(name, number) for name, number in LINKS.items()}

    def capture(self, name, number):
        self.n += 1
        machine: Machine = self.network[name.split("-")[0]]
        return capture.Capture(self.path / f"{name}-{self.n}.pcap", f"link{number}", machine)

    def mallory(self, how, link, names):
        """On the link, with a certificate for the names that leads to the CA that everybody trusts."""
        server = link.split("-")[1]
        ca = CA(self.path / "mallory", "nobody's CA") if how == "other-ca" else self.ca
        pem, key = (self.self_signed(names) if how == "self-signed" else ca.issue(names[0], names=names, file="mallory"))
        n = 5 if link.split("-")[0] in SERVERS else 3  # records of a handshake: a phone shows no certificate
        words = [sys.executable, HERE / "mallory.py", how, SERVERS[server], hub_address(server), pem, key, n]
        return Program(words, netns=self.network["hub"])

    def self_signed(self, names):
        pem, key = self.path / "self.pem", self.path / "self.key"
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=x"]
        words += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names), "-out", str(pem), "-keyout", str(key)]
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        return pem, key

    def close(self):
        for server in self.servers.values():
            server.stop()
        self.names.stop()
        self.network.close()
