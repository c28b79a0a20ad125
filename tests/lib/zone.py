"""A DNS zone, signed with keys of its own and served by nsd."""

import re
import shutil
import subprocess

from programs import Program

PROGRAMS = ("nsd", "ldns-keygen", "ldns-signzone")


def can_be_served():
    """None, or the reason why not."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    return f"{', '.join(missing)} not installed" if missing else None


def _sign(path, zone):
    """Makes keys and signs PATH/zone; gives the file with the trust anchor."""

    def run(*words):
        return subprocess.run(words, cwd=path, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    for_keys = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", zone)
    for_data = run("ldns-keygen", "-a", "ECDSAP256SHA256", zone)
    run("ldns-signzone", "-n", "-e", "20400101", "-f", "signed", "zone", for_data, for_keys)
    return path / (for_keys + ".key")


CONFIGURATION = """\
server:
	username: ""
	database: ""
	pidfile: ""
	zonesdir: "{path}"
	xfrdir: "{path}"
	xfrdfile: ""
	zonelistfile: "{path}/zone.list"
	ip-address: {address}@53
	server-count: 1
remote-control:
	control-enable: no
zone:
	name: {zone}
	zonefile: signed
"""


class NameServer(Program):
    """Serves the zone on port 53 of an address. forge: pairs of a pattern and what replaces it after signing."""

    def __init__(self, path, zone, records, netns, address="127.0.0.1", forge=()):
        path.mkdir(parents=True, exist_ok=True)
        (path / "zone").write_text(f"$ORIGIN {zone}.\n$TTL 300\n@ SOA ns admin 1 3600 600 86400 300\n@ NS ns\nns A {address}\n{records}\n")
        self.anchor = _sign(path, zone)
        signed = path / "signed"
        for pattern, forged in forge:
            text, n = re.subn(pattern, forged, signed.read_text(), flags=re.MULTILINE)
            assert n > 0, f"nothing to forge: {pattern}"
            signed.write_text(text)
        (path / "nsd.conf").write_text(CONFIGURATION.format(path=path, zone=zone, address=address))
        super().__init__(["/usr/sbin/nsd", "-d", "-c", path / "nsd.conf"], netns=netns)
        self.wait_for(r"nsd started")
