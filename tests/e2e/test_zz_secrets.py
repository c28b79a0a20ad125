"""The last of all: no secret that a test has used is in anything that the programs have left behind."""

import base64
import json
import os
import pathlib
import subprocess
import urllib.parse

import pytest

import evidence
from programs import ROOT, Server

# What is written does not depend on how fast it is.
pytestmark = pytest.mark.plain_only

SECRET = b'a "planted" s\xc3\xabcret/+?'

PLANTED = {
    "as it is": SECRET,
    "in hexadecimal": SECRET.hex().encode(),
    "in upper-case hexadecimal": SECRET.hex().upper().encode(),
    "in hexadecimal with colons": b":".join(b"%02X" % byte for byte in SECRET),
    "in base64": base64.b64encode(SECRET),
    "in base64, behind something": base64.b64encode(b"Basic alice:" + SECRET + b"!"),
    "in base64, behind something else": base64.b64encode(b"Basic bob:" + SECRET),
    "in base64url": base64.urlsafe_b64encode(b"x" + SECRET),
    "percent-encoded": urllib.parse.quote_from_bytes(SECRET).replace("/", "%2F").encode(),
    "percent-encoded throughout": b"".join(b"%%%02x" % byte for byte in SECRET),
    "in a JSON text": json.dumps({"password": SECRET.decode("latin-1")}).encode(),
    "in JSON escapes": b"".join(b"\\u00%02X" % byte for byte in SECRET),
    "in our log's escapes": b"".join(b"\\x%02x" % byte for byte in SECRET),
}


@pytest.mark.parametrize("how", PLANTED)
def test_a_planted_secret_is_found(how):
    places = [("nothing", b"2026-11-26 flow.opened peer=127.0.0.1"), ("planted", b"why=\"" + PLANTED[how] + b"\" flow=7")]
    assert evidence.search({"it": SECRET, "another": b"something else"}, places) == [("it", "planted")]


def test_a_secret_on_a_command_line_or_in_an_environment_is_found(tmp_path):
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, "PASSWORD": "an environment's secret"})
    try:
        evidence.note_process("a planted process", process.pid)
    finally:
        process.kill()
        process.wait()
    found = evidence.search({"it": b"an environment's secret"}, evidence.of_this_run([]))
    assert {place for _, place in found} == {"environ of a planted process"}
    (tmp_path / "core.77").write_bytes(b"\0\1\2 a core's secret \0")
    assert evidence.search({"it": b"a core's secret"}, evidence.of_this_run([tmp_path])) == [("it", str(tmp_path / "core.77"))]


@pytest.mark.timeout(600)
def test_nothing_that_was_left_behind_holds_a_secret_of_this_run(tmp_path_factory, tmp_path):
    with Server(tmp_path / "state") as server:
        server.add_account("zoe@localhost", "one password at the very least")
    secrets = evidence.secrets_of_this_run()
    places = evidence.of_this_run([tmp_path_factory.getbasetemp(), ROOT, pathlib.Path.cwd()])
    assert len(secrets) >= 4 and len(places) >= 3
    assert evidence.search(secrets, places) == []
