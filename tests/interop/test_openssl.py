"""Debian's openssl looks at the TLS port: protocol versions, the chain, the name."""

import netns as network
import pytest
import programs
from conftest import DOMAIN, need


@pytest.fixture
def server(make_server):
    need("openssl")
    return make_server()


def s_client(netns, certificate, *options):
    return programs.run(
        [
            *("openssl", "s_client", "-connect", f"{network.ADDRESS}:5061", "-servername", DOMAIN),
            *("-CAfile", certificate / "ca.pem", "-verify_return_error", "-verify_hostname", DOMAIN, *options),
        ],
        seconds=10,
        netns=netns,
    )


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_tls_1_2_and_1_3_are_spoken_and_the_chain_verifies(server, netns, certificate, version):
    status, text, errors = s_client(netns, certificate, version)
    assert status == 0, text + errors
    assert "Verify return code: 0 (ok)" in text


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_older_versions_are_refused_by_the_server(server, netns, certificate, version):
    # Level 0, because Debian's openssl would not even offer them otherwise, and the refusal would be its own.
    status, text, errors = s_client(netns, certificate, version, "-cipher", "ALL:@SECLEVEL=0")
    assert status != 0
    assert "alert protocol version" in errors


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"])
def test_suites_without_forward_secrecy_or_aead_are_refused(server, netns, certificate, cipher):
    status, text, errors = s_client(netns, certificate, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
    assert status != 0
    assert "alert handshake failure" in errors


def test_no_renegotiation_and_no_compression(server, netns, certificate):
    status, text, _ = s_client(netns, certificate, "-tls1_2")
    assert status == 0
    assert "Compression: NONE" in text
    # "R" asks for a renegotiation: the server must not grant one.
    _, text, errors = programs.run(
        ["sh", "-c", f"(echo R; sleep 1) | openssl s_client -tls1_2 -connect {network.ADDRESS}:5061 -CAfile {certificate}/ca.pem"],
        seconds=10,
        netns=netns,
    )
    assert "no renegotiation" in errors or "alert" in errors or "handshake failure" in errors, text + errors
