"""Debian's openssl reads what is signed and encrypted here, and what it makes is read here, for each algorithm that both know."""

import os
import pathlib
import subprocess

import pytest
import programs
from conftest import need

CONTENT = b"Content-Type: message/sipfrag;version=2.0\r\n\r\nFrom: <sips:alice@a.example>;tag=1\r\n\r\nat nine\x00\xff"
QUIET = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}


def run(*words, data=b"", ok=True):
    done = subprocess.run([str(word) for word in words], input=data, capture_output=True, timeout=20, env=QUIET, check=False)
    assert (done.returncode == 0) == ok, (words, done.stderr)
    return done.stdout if ok else done.stderr


def openssl(*words, data=b"", ok=True):
    return run("openssl", *words, data=data, ok=ok)


def tool(*words, data=b"", ok=True):
    return run(pathlib.Path(programs.BUILD) / "tests/interop/smime_entity", *words, data=data, ok=ok)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """Certificates of one CA: name → (certificate, key). alice signs, bob is written to."""
    need("openssl")
    path = tmp_path_factory.mktemp("smime")
    kinds = {
        "ec": ("ec", "ec_paramgen_curve:P-256"),
        "p384": ("ec", "ec_paramgen_curve:P-384"),
        "rsa": ("rsa", "rsa_keygen_bits:2048"),
    }
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path / "ca.key", "-out", path / "ca.pem", "-subj", "/CN=CA", "-days", "2")
    found = {"ca": (path / "ca.pem", path / "ca.key")}
    for kind, (algorithm, option) in kinds.items():
        key, request, certificate = path / f"{kind}.key", path / f"{kind}.csr", path / f"{kind}.pem"
        usage = "digitalSignature,keyAgreement" if algorithm == "ec" else "digitalSignature,keyEncipherment"
        (path / "extensions").write_text(f"keyUsage=critical,{usage}\nextendedKeyUsage=emailProtection\n")
        openssl("req", "-newkey", algorithm, "-pkeyopt", option, "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={kind}")
        openssl(
            *("x509", "-req", "-in", request, "-CA", path / "ca.pem", "-CAkey", path / "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", path / "extensions", "-out", certificate),
        )
        found[kind] = (certificate, key)
    return found


def body_of(entity):
    head, _, body = entity.partition(b"\r\n\r\n")
    return head.decode(), body


def entity_of(smime_type, der):
    return f"Content-Type: application/pkcs7-mime;smime-type={smime_type}\r\n\r\n".encode() + der


# -- ours, read by openssl ---------------------------------------------------------------------------------------------------


# each algorithm at least once; which of the others it meets does not matter
SENT = [
    ("AES-128-GCM", "ec", "ec"),
    ("AES-128-GCM", "rsa", "p384"),
    ("AES-256-GCM", "p384", "rsa"),
    ("AES-128-CBC", "ec", "rsa"),
    ("AES-256-CBC", "p384", "ec"),
]


@pytest.mark.parametrize("cipher, signer, recipient", SENT)
def test_openssl_decrypts_and_verifies_what_is_sent(pki, tmp_path, cipher, signer, recipient):
    entity = tool("wrap", cipher, *pki[signer], pki[recipient][0], data=CONTENT)
    head, der = body_of(entity)
    assert ("authEnveloped-data" if "GCM" in cipher else "enveloped-data") in head
    certificate, key = pki[recipient]
    inside = openssl("cms", "-decrypt", "-inform", "DER", "-binary", "-recip", certificate, "-inkey", key, data=der)
    head, der = body_of(inside)
    assert "signed-data" in head
    content = openssl("cms", "-verify", "-inform", "DER", "-binary", "-CAfile", pki["ca"][0], "-purpose", "smimesign", data=der)
    assert content == CONTENT


def test_what_is_sent_has_the_algorithms_that_were_meant(pki):
    _, der = body_of(tool("wrap", "AES-128-GCM", *pki["ec"], pki["ec"][0], data=CONTENT))
    text = openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", data=der).decode()
    assert "dhSinglePass-stdDH-sha256kdf-scheme" in text  # OpenSSL's own choice would be SHA-1
    assert "id-aes128-wrap" in text
    assert "aes-128-gcm" in text


# -- openssl's, read here --------------------------------------------------------------------------------------------------------

SIGNERS = [
    ("ec", (), "signed ECDSA with SHA-256"),
    ("ec", ("-md", "sha384"), "signed ECDSA with SHA-384"),
    ("ec", ("-md", "sha512"), "signed ECDSA with SHA-512"),
    ("p384", (), "signed ECDSA with SHA-256"),
    ("rsa", (), "signed RSA with SHA-256"),
    ("rsa", ("-keyopt", "rsa_padding_mode:pss"), "signed RSA-PSS with SHA-256"),
]


@pytest.mark.parametrize("form", ["opaque", "clear"])
@pytest.mark.parametrize("signer, options, told", SIGNERS)
def test_a_signature_of_openssl_is_read(pki, signer, options, told, form):
    certificate, key = pki[signer]
    sign = ("cms", "-sign", "-binary", "-signer", certificate, "-inkey", key, *(options or ("-md", "sha256")))
    if "rsa_padding_mode:pss" in options:
        sign += ("-md", "sha256")
    if form == "opaque":
        entity = entity_of("signed-data", openssl(*sign, "-nodetach", "-outform", "DER", data=CONTENT))
    else:
        der = openssl(*sign, "-outform", "DER", data=CONTENT)
        entity = (
            b'Content-Type: multipart/signed;protocol="application/pkcs7-signature";micalg=sha-256;boundary=b\r\n\r\n--b\r\n'
            + CONTENT
            + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
            + der
            + b"\r\n--b--\r\n"
        )
    assert tool("open", *pki["ec"], data=entity) == told.encode() + b"\n" + CONTENT


CIPHERS = ["aes-128-gcm", "aes-256-gcm", "aes128", "aes192", "aes256"]
RECIPIENTS = [
    ("ec", ("-keyopt", "ecdh_kdf_md:sha256", "-aes128-wrap")),
    ("ec", ()),  # with the key derivation that OpenSSL chooses
    ("p384", ("-keyopt", "ecdh_kdf_md:sha384", "-aes256-wrap")),
    ("rsa", ()),
    ("rsa", ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256")),
]


ENVELOPES = [(cipher, *RECIPIENTS[0]) for cipher in CIPHERS] + [("aes-256-gcm", *recipient) for recipient in RECIPIENTS[1:]]


@pytest.mark.parametrize("cipher, recipient, options", ENVELOPES)
def test_an_envelope_of_openssl_is_read(pki, cipher, recipient, options):
    certificate, key = pki[recipient]
    key_options = [word for word in options if not word.endswith("-wrap")]
    wrap = [word for word in options if word.endswith("-wrap")]
    der = openssl(
        *("cms", "-encrypt", "-binary", f"-{cipher}", *wrap, "-outform", "DER", "-recip", certificate, *key_options), data=CONTENT
    )
    kind = "authEnveloped-data" if "gcm" in cipher else "enveloped-data"
    told = f"encrypted {cipher.upper()}" if "gcm" in cipher else f"encrypted AES-{cipher[3:]}-CBC"
    assert tool("open", certificate, key, data=entity_of(kind, der)) == told.encode() + b"\n" + CONTENT


@pytest.mark.parametrize("words", [("-encrypt", "-des3"), ("-sign", "-nodetach", "-md", "sha1")])
def test_what_is_weak_is_not_read(pki, words):
    certificate, key = pki["ec"]
    who = ("-recip", certificate) if "-encrypt" in words else ("-signer", certificate, "-inkey", key)
    der = openssl("cms", *words, "-binary", "-outform", "DER", *who, data=CONTENT)
    kind = "enveloped-data" if "-encrypt" in words else "signed-data"
    assert b"AddressSanitizer" not in tool("open", certificate, key, data=entity_of(kind, der), ok=False)
