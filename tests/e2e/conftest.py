"""
Where the tests run in several processes (scripts/stages.py), each leaves what it knows of secrets and outputs in a
directory, and the search for secrets (test_zz_secrets.py), which runs alone after them, takes it all from there.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import evidence
import pytest
from sealine_peer import Peer
from sealine_site import Site

EVIDENCE = os.environ.get("SEALINE_EVIDENCE")


def pytest_sessionstart(session):
    if EVIDENCE and not hasattr(session.config, "workerinput"):
        evidence.load(pathlib.Path(EVIDENCE))


def pytest_sessionfinish(session):
    if EVIDENCE and hasattr(session.config, "workerinput"):
        evidence.save(pathlib.Path(EVIDENCE) / session.config.workerinput["workerid"])


@pytest.fixture
def site(tmp_path):
    place = Site(tmp_path)
    yield place
    place.close()


@pytest.fixture
def bob(site):
    """A phone that the test plays, registered."""
    with Peer(site.server.port(), site.server.state / "ca.pem", "bob@localhost", "bob-sesame") as peer:
        assert peer.register().status == 200
        yield peer
