"""Programs that others wrote, met in a network namespace of the test's own. Skips, with the reason, where one cannot run."""

import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import netns as network  # noqa: E402
import programs  # noqa: E402
from pki import make_pki  # noqa: E402

DOMAIN = "sealine.test"


def need(*names):
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))


@pytest.fixture
def netns():
    reason = network.can_be_made()
    if reason:
        pytest.skip(reason)
    with network.Namespace(names=[DOMAIN]) as namespace:
        yield namespace


@pytest.fixture
def certificate(tmp_path):
    """A CA of the test's own and a certificate for DOMAIN: paths of the CA, the certificate, the key, and both in one file."""
    need("openssl")
    return make_pki(tmp_path / "pki", DOMAIN)


@pytest.fixture
def speech(tmp_path):
    """A spoken sentence as a WAV file with 8,000 samples a second."""
    need("espeak-ng", "sox")
    spoken, path = tmp_path / "spoken.wav", tmp_path / "speech.wav"
    sentence = "The harbour master keeps the keys, and nobody else shall open the gate tonight."
    subprocess.run(["espeak-ng", "-w", spoken, sentence], check=True)
    subprocess.run(["sox", spoken, "-r", "8000", "-c", "1", "-b", "16", path], check=True)
    return path


@pytest.fixture
def make_server(netns, certificate, tmp_path):
    """Starts a sealined for DOMAIN on the namespace's address; md5 is the domain's policy: refuse, allow or only."""
    running = []

    def make(md5="refuse"):
        config = tmp_path / "sealined.yaml"
        config.write_text(
            "domains:\n"
            f"  - name: {DOMAIN}\n"
            f"    md5: {md5}\n"
            f"listen: ['tls:{network.ADDRESS}:5061']\n"
            f"certificate: {certificate / 'server.pem'}\n"
            f"key: {certificate / 'server.key'}\n"
        )
        server = programs.Server(tmp_path / "state", listen=(), options=("-c", config, "--log-level", "debug"), netns=netns)
        running.append(server)
        return server

    yield make
    for server in running:
        if server.process.poll() is None:
            assert server.stop() == 0, server.output
        server.kill()


@pytest.fixture
def make_phone(netns, certificate, tmp_path):
    """Starts a sealphone for a user of DOMAIN whose password is secret-of-USER."""
    running = []

    def make(user, *command, scheme="sip", options=(), talks=False, program=None):
        phone = programs.Phone(
            tmp_path / f"phone-{user}-{len(running)}",
            f"{scheme}:{user}@{DOMAIN}",
            f"secret-of-{user}",
            command=command,
            server=f"{network.ADDRESS}:5061",
            ca=certificate / "ca.pem",
            options=options,
            netns=netns,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            program=program,
        )
        running.append(phone)
        return phone

    yield make
    for phone in running:
        phone.kill()
