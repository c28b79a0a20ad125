"""Certification authorities and certificates for tests, made with the openssl command."""

import hashlib
import re
import subprocess
import time


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def private_numbers(key):
    """The secret numbers of a key file, as they may lie in memory: both byte orders."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    numbers = re.findall(r"(?:priv|privateExponent|prime1|prime2|exponent1|exponent2):\n((?:\s+[0-9a-f:]+\n?)+)", text)
    forms = set()
    for number in numbers:
        value = bytes.fromhex(re.sub(r"[\s:]", "", number)).lstrip(b"\0")
        forms |= {value, value[::-1]}
    assert forms
    return forms


def _in(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


class CA:
    """A certification authority in a directory of its own; ca.pem is its certificate."""

    def __init__(self, directory, name="test CA"):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.pem = directory / "ca.pem"
        self.key = directory / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 400, "-subj", f"/CN={name}",
                 "-out", self.pem, "-keyout", self.key)  # fmt: skip

    def issue(self, name, names=None, rsa=False, days=90, file=None, kind=None, ahead=None):
        """
        A server's certificate for the names; returns the paths of it (with nothing after it) and of its key. kind: of the key;
        ahead: it is valid in so many seconds.
        """
        path = self.directory / (file or name)
        pem, key, csr, ext = (path.with_name(path.name + end) for end in (".pem", ".key", ".csr", ".ext"))
        kind = [kind] if kind else ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        san = ",".join(f"DNS:{one}" for one in names or [name])
        ext.write_text(f"subjectAltName={san}\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n")
        _openssl("req", "-new", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", "-out", csr, "-keyout", key)
        if ahead:
            self._sign(csr, ext, pem, "-startdate", _in(ahead), "-days", days)
        else:
            _openssl("x509", "-req", "-in", csr, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial", "-days", days, "-extfile", ext, "-out", pem)
        return pem, key

    def _sign(self, csr, ext, pem, *when):
        """With times to the second, where openssl x509 counts in days."""
        _openssl("ca", "-config", self._configuration(), "-batch", "-notext", "-policy", "p", "-in", csr, "-cert", self.pem,
                 "-keyfile", self.key, "-extfile", ext, "-outdir", self.directory, *when, "-out", pem)  # fmt: skip

    def chain(self, pem):
        """A file with the certificate and ours behind it; returns the path of it."""
        chain = pem.with_suffix(".chain")
        chain.write_text(pem.read_text() + self.pem.read_text())
        return chain

    def issue_user(self, aor, file="user", usage="clientAuth", days=90, seconds=None):
        """A user's certificate; returns the paths of it and of its key. seconds: it ends then, which is less than the day that openssl x509 counts in."""
        path = self.directory / file
        pem, key, csr, ext = (path.with_name(path.name + end) for end in (".pem", ".key", ".csr", ".ext"))
        ext.write_text(f"subjectAltName=URI:sip:{aor}\nextendedKeyUsage={usage}\nkeyUsage=digitalSignature,keyAgreement\n")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=user", "-out", csr, "-keyout", key)
        if seconds:
            self._sign(csr, ext, pem, "-enddate", _in(seconds))
        else:
            _openssl("x509", "-req", "-in", csr, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial", "-days", days, "-extfile", ext, "-out", pem)
        return pem, key

    def _configuration(self, days=30):
        """Of openssl ca, which keeps an account of what was issued and revoked."""
        file = self.directory / "openssl.cnf"
        (self.directory / "index.txt").touch()
        file.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={self.directory}/index.txt\ndefault_md=sha256\ndefault_crl_days={days}\n"
                        "unique_subject=no\nrand_serial=yes\n[p]\ncommonName=supplied\n")  # fmt: skip
        return file

    def revocations(self, *revoked, days=30):
        """A list that revokes these certificates and those of earlier calls, in PEM form; good for so many days."""
        file = self._configuration(days)
        for pem in revoked:
            _openssl("ca", "-config", file, "-revoke", pem, "-cert", self.pem, "-keyfile", self.key)
        _openssl("ca", "-config", file, "-gencrl", "-cert", self.pem, "-keyfile", self.key, "-out", self.directory / "crl.pem")
        return (self.directory / "crl.pem").read_text()

    def staple(self, pem, days=7, revoked=False):
        """Writes what the CA says of a certificate now (an OCSP response that says "good", or "revoked"), and returns the path of it."""
        index, asked = (self.directory / name for name in ("ocsp.txt", "ocsp.req"))
        staple = pem.with_suffix(".revoked" if revoked else ".ocsp")
        serial = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-serial"], check=True, capture_output=True, text=True, timeout=60)
        index.write_text(f"{'R' if revoked else 'V'}\t491231235959Z\t{'200101000000Z' if revoked else ''}\t{serial.stdout.strip().partition('=')[2]}\tunknown\t/CN=x\n")
        _openssl("ocsp", "-issuer", self.pem, "-cert", pem, "-no_nonce", "-reqout", asked)
        _openssl("ocsp", "-index", index, "-rsigner", self.pem, "-rkey", self.key, "-CA", self.pem, "-reqin", asked, "-respout", staple,
                 "-ndays", days)  # fmt: skip
        return staple


def make_pki(path, domain):
    """A CA of its own and a certificate for the domain in the directory: ca.pem, server.pem, server.key, both of these in both.pem."""
    pem, key = CA(path).issue(domain, file="server")
    (path / "both.pem").write_text(pem.read_text() + key.read_text())
    return path


def shown(port, name, *options, ca=None):
    """What openssl s_client is shown by the server when it asks for the name: subject and fingerprint, and whether it verified."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, *options]
    if ca:
        command += ["-CAfile", str(ca)]
    text = subprocess.run(command, capture_output=True, text=True, input="", timeout=60).stdout
    if "BEGIN CERTIFICATE" not in text:
        return None
    pem = text[text.index("-----BEGIN") :].split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    return fingerprint(pem), "Verify return code: 0 (ok)" in text


def key_digest(pem):
    """SHA-256 of the public key of a certificate, as a TLSA record with "3 1 1" has it."""
    key = subprocess.run(["openssl", "x509", "-noout", "-pubkey", "-in", str(pem)], capture_output=True, check=True, timeout=60).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True, timeout=60).stdout
    return hashlib.sha256(der).hexdigest()


def fingerprint(pem):
    """Of the text or file."""
    text = pem if isinstance(pem, str) else pem.read_text()
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60).stdout.split("=")[1].strip()
