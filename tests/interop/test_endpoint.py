"""
What a small device has: the phone without what it can do without (`make endpoint`), and libsealine in a program of others.
"""

import pathlib
import shutil
import subprocess

import pytest
from conftest import DOMAIN, need
from programs import ROOT, run

SMALL = ROOT / "build-endpoint"
LEFT_OUT = ("libunbound", "libidn2", "libasound", "libedit", "libwslay", "libsqlite3", "libyaml", "libseccomp", "libsystemd")
PROGRAM_AND_LIBRARY_MAX = 1 << 20

pytestmark = pytest.mark.skipif(not (SMALL / "sealphone").exists(), reason="make endpoint was not run")
TONE = ("--device", "tone", "--srtp", "require")


@pytest.fixture
def server(make_server):
    server = make_server()
    for user in ("alice", "bob"):
        server.add_account(f"{user}@{DOMAIN}", f"secret-of-{user}")
    return server


def test_it_calls_the_whole_phone_and_is_called_by_it(server, make_phone):
    whole = make_phone("bob", options=TONE, scheme="sips", talks=True)
    small = make_phone("alice", options=TONE, scheme="sips", talks=True, program=SMALL / "sealphone")
    for phone in (whole, small):
        phone.wait_event("registered", 15)
        phone.wait_event("certificate-obtained", 15)  # whoever is called before he has one is told so, and asks again later
    for nth, caller, callee, whom in ((1, small, whole, "bob"), (2, whole, small, "alice")):
        caller.send_line(f"call {whom}")
        callee.wait_event("incoming", 15)
        callee.send_line("answer")
        for phone in (caller, callee):
            assert phone.wait_event("established", 15, nth=nth)["srtp"]
            phone.wait_event("media", 15, nth=nth, state="receiving")
        caller.send_line("hangup")
        callee.wait_event("ended", 15, nth=nth)
        caller.wait_event("ended", 15, nth=nth)


def test_it_says_what_it_was_built_without(server, make_phone, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    words = ["--aor", f"sips:alice@{DOMAIN}", "--password-file", tmp_path / "password", "--state", tmp_path / "state", "register"]
    status, _, errors = run([SMALL / "sealphone", *words])
    assert status == 2 and "-Dresolver=false" in errors and "--server" in errors
    words[1] = "sips:alice@bücher.example"
    status, _, errors = run([SMALL / "sealphone", *words])
    assert status == 2 and "-Didn=false" in errors and "A-labels" in errors
    callee = make_phone("bob", "answer", options=TONE, scheme="sips")
    callee.wait_event("registered", 15)
    phone = make_phone("alice", "call", f"sips:bob@{DOMAIN}", options=("--device", "hw:0"), scheme="sips", program=SMALL / "sealphone")
    assert "-Dsound=false" in phone.wait_event("media", 15, state="failed")["text"]


def test_it_needs_no_library_of_what_it_was_built_without():
    needed = subprocess.run(["readelf", "-d", SMALL / "sealphone"], capture_output=True, text=True, check=True).stdout
    assert "libsrtp2" in needed and not [name for name in LEFT_OUT if name in needed]


def test_program_and_library_are_a_megabyte_at_most(tmp_path):
    program, library = tmp_path / "sealphone", tmp_path / "libsealine.a"
    subprocess.run(["strip", "-o", program, SMALL / "sealphone"], check=True)
    shutil.copy(SMALL / "libsealine.a", library)
    sizes = subprocess.run(["size", "-t", library], capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    assert program.stat().st_size + int(sizes[3]) <= PROGRAM_AND_LIBRARY_MAX


def test_a_program_of_others_embeds_the_library(tmp_path):
    need("pkg-config", "meson")
    subprocess.run(["meson", "install", "-C", SMALL, "--no-rebuild", "--quiet", "--destdir", tmp_path], check=True)
    [found] = tmp_path.rglob("sealine.pc")
    env = {"PKG_CONFIG_PATH": str(found.parent), "PKG_CONFIG_SYSROOT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sealine"], env=env, capture_output=True, text=True, check=True).stdout.split()
    source = pathlib.Path(__file__).with_name("embedder.c")
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", source, "-o", tmp_path / "embedder", *flags], check=True)
    said = subprocess.run([tmp_path / "embedder"], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[0].endswith("example.org"), said
