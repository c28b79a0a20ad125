"""Certificates good, bad and odd: those of the rows of tests/unit/tls/matrix_rows.h, made anew, with lists of what is revoked.

The rows are C, so that one table serves the unit tests and the programs. The certificates are written in DER by hand, since no library
makes most of what is wrong with them; python3-cryptography has the keys and signs.
"""

import base64
import datetime
import itertools
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from programs import ROOT

ROWS = ROOT / "tests/unit/tls/matrix_rows.h"
NOW = datetime.datetime.now(datetime.timezone.utc)
HUGE, DEEP, MANY = 60, 12, 500

# ---- the rows ----


def _text(literals):
    """Of C string literals side by side."""
    raw = b"".join(part.encode("latin-1") for part in re.findall(r'"((?:[^"\\]|\\.)*)"', literals))
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), raw)


class Row:
    """cn, san, eku, ku, constraints, other, asked, code as in struct row; bytes where a name may be no text."""

    def __init__(self, number, line):
        self.number = number
        self.label = re.match(r'\{ "([^"]*)"', line)[1]
        self.odd = (re.search(r"\.odd = (\w+)", line) or [None, "NOTHING_ODD"])[1]
        days = [re.search(rf"\.{name} = (-?\d+)", line) for name in ("from", "until")]
        self.days = tuple(int(one[1]) for one in days) if any(days) else None
        line = re.sub(r"= B\b", '= "DNS:b.example"', line)
        for name in ("cn", "san", "eku", "ku", "constraints", "other", "asked", "code"):
            found = re.search(rf'\.{name} = ((?:"(?:[^"\\]|\\.)*"\s*)+)', line)
            setattr(self, name, _text(found[1]) if found else None)
        self.code = self.code.decode() if self.code else None
        self.asked = (self.asked or b"b.example").decode()


def rows():
    lines = [line.strip() for line in ROWS.read_text(encoding="utf-8").splitlines() if line.strip().startswith('{ "')]
    return [Row(number, line) for number, line in enumerate(lines)]


# ---- DER ----


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x80 + (n := (size.bit_length() + 7) // 8)]) + size.to_bytes(n, "big")
    return bytes([tag]) + length + body


def seq(*parts):
    return tlv(0x30, *parts)


def oid(dotted):
    numbers = [int(one) for one in dotted.split(".")]
    out = bytes([40 * numbers[0] + numbers[1]])
    for number in numbers[2:]:
        digits = [number & 127]
        while number := number >> 7:
            digits.insert(0, 128 | number & 127)
        out += bytes(digits)
    return tlv(6, out)


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bits(data, unused=0):
    return tlv(3, bytes([unused]), data)


def octets(data):
    return tlv(4, data)


def when(days):
    return tlv(0x17, (NOW + datetime.timedelta(days=days)).strftime("%y%m%d%H%M%SZ").encode())


TRUE = b"\x01\x01\xff"
USAGES = {b"digitalSignature": 0, b"keyEncipherment": 2, b"keyCertSign": 5, b"cRLSign": 6}
PURPOSES = {
    b"serverAuth": "1.3.6.1.5.5.7.3.1",
    b"clientAuth": "1.3.6.1.5.5.7.3.2",
    b"codeSigning": "1.3.6.1.5.5.7.3.3",
    b"emailProtection": "1.3.6.1.5.5.7.3.4",
    b"anyExtendedKeyUsage": "2.5.29.37.0",
}


def extension(dotted, value, critical=False):
    return seq(oid(dotted), TRUE if critical else b"", octets(value))


def general_name(text):
    kind, _, value = text.partition(b":")
    if kind == b"IP":
        return tlv(0x87, bytes(int(one) for one in value.split(b".")))
    return tlv({b"DNS": 0x82, b"URI": 0x86, b"email": 0x81}[kind], value.replace(b"#", b"\0"))


def names(*texts):
    return extension("2.5.29.17", seq(*map(general_name, texts)))


def key_usage(*usages):
    mask = sum(128 >> USAGES[usage] for usage in usages)
    return extension("2.5.29.15", bits(bytes([mask])), critical=True)


def purposes(*usages):
    return extension("2.5.29.37", seq(*(oid(PURPOSES.get(usage) or usage.decode()) for usage in usages)))


def basic(is_ca, path=None):
    return extension("2.5.29.19", seq(TRUE if is_ca else b"", integer(path) if path is not None else b""), critical=True)


def constraints(text):
    """ "permitted;DNS:b.example" """
    kind, _, name = text.partition(b";")
    return extension("2.5.29.30", seq(tlv(0xA0 if kind == b"permitted" else 0xA1, seq(general_name(name)))), critical=False)


def name_of(cn):
    return seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(12, cn)))) if cn else seq()


# ---- what is made of it ----


class Key:
    def __init__(self, weak=False):
        self.is_rsa = weak
        self.key = rsa.generate_private_key(65537, 1024) if weak else ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self):
        return self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def algorithm(self, sha1):
        if self.is_rsa:
            return seq(oid("1.2.840.113549.1.1.5" if sha1 else "1.2.840.113549.1.1.11"), b"\x05\x00")
        return seq(oid("1.2.840.10045.4.1" if sha1 else "1.2.840.10045.4.3.2"))

    def sign(self, tbs, sha1=False):
        """The whole of it."""
        digest = hashes.SHA1() if sha1 else hashes.SHA256()
        how = (padding.PKCS1v15(), digest) if self.is_rsa else (ec.ECDSA(digest),)
        return seq(tbs, self.algorithm(sha1), bits(self.key.sign(tbs, *how)))


_serials = itertools.count(1)


class Made:
    """A certificate and its key. The issuer: another of them, or None for itself."""

    def __init__(self, cn, extensions, issuer=None, days=(-1, 90), sha1=False, weak=False):
        self.name, self.key, self.serial = name_of(cn), Key(weak), next(_serials)
        issuer = issuer or self
        self.der = issuer.key.sign(
            seq(
                tlv(0xA0, integer(2)),
                integer(self.serial),
                issuer.key.algorithm(sha1),
                issuer.name,
                seq(when(days[0]), when(days[1])),
                self.name,
                self.key.public,
                tlv(0xA3, seq(*extensions)),
            ),
            sha1,
        )


def pem(kind, der):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


CA_EXTENSIONS = [basic(True), key_usage(b"keyCertSign", b"cRLSign")]
INTERMEDIATES = {"INTERMEDIATE_BELOW_PATH": 2, "CHAIN_TOO_DEEP": DEEP, "CHAIN_IS_MISSING": 1}


class Pki:
    """What belongs to one row, with a root of its own: root, chain and crl in PEM form, and the files of what a program shows."""

    def __init__(self, row, directory):
        self.row = row
        self.root = Made(b"root %d" % row.number, CA_EXTENSIONS)
        stranger = Made(b"stranger %d" % row.number, CA_EXTENSIONS)
        issuer, self.shown = stranger if row.odd == "UNKNOWN_CA" else self.root, []
        n = INTERMEDIATES.get(row.odd, 1 if row.odd.startswith("INTERMEDIATE") or row.constraints else 0)
        for at in range(n):
            issuer = self._intermediate(issuer, at)
            self.shown.append(issuer)
        self.leaf = self._leaf(None if row.odd == "SELF_SIGNED" else issuer)
        self.crl = self._revoke() if row.odd in ("REVOKED", "INTERMEDIATE_REVOKED") or row.odd.startswith("CRL_") else ""
        if row.odd == "CHAIN_IS_MISSING":
            self.shown.pop()
        if row.odd == "CHAIN_HUGE":
            self.shown += [Made(b"one more", [], stranger) for _ in range(HUGE)]
        self.trusted = pem("CERTIFICATE", self.root.der)
        self.certificate, self.key = directory / f"{row.number}.pem", directory / f"{row.number}.key"
        der = self.leaf.der if row.odd != "WRONG_SIGNATURE" else self.leaf.der[:-1] + bytes([self.leaf.der[-1] ^ 1])
        self.certificate.write_text("".join(pem("CERTIFICATE", one) for one in (der, *(ca.der for ca in self.shown))))
        self.key.write_text(self.leaf.key.pem)

    def _intermediate(self, issuer, at):
        odd, first = self.row.odd, at == 0
        extensions = [
            basic(odd != "INTERMEDIATE_NO_CA", 0 if odd == "INTERMEDIATE_BELOW_PATH" and first else None),
            key_usage(b"keyCertSign", b"cRLSign"),
        ]
        if odd == "INTERMEDIATE_FOR_MAIL":
            extensions.append(purposes(b"emailProtection"))
        if self.row.constraints:
            extensions.append(constraints(self.row.constraints))
        days = (-90, -1) if odd == "INTERMEDIATE_EXPIRED" else (-1, 90)
        return Made(b"intermediate %d of %d" % (at, self.row.number), extensions, issuer, days, sha1=odd == "INTERMEDIATE_SHA1")

    def _leaf(self, issuer):
        row, extensions = self.row, [basic(False)]
        if row.eku != b"":
            extensions.append(purposes(row.eku or b"serverAuth"))
        if row.ku != b"":
            extensions.append(key_usage(row.ku or b"digitalSignature"))
        if row.san:
            before = [b"DNS:x%d.example" % n for n in range(MANY)] if row.odd == "MANY_NAMES" else []
            extensions.append(names(*before, *row.san.split(b",")))
        if row.odd == "TWO_NAME_LISTS":
            extensions.append(names(b"DNS:a.example"))
        if row.other:
            extensions.append(extension("1.3.6.1.4.1.55555.1", b"\x05\x00", critical=row.other == b"critical"))
        cn = b"somebody" if row.cn is None else row.cn
        return Made(cn, extensions, issuer, row.days or (-1, 90), sha1=row.odd == "SIGNED_WITH_SHA1", weak=row.odd == "RSA_1024")

    def _revoke(self):
        odd = self.row.odd
        serial = (self.shown[0] if odd == "INTERMEDIATE_REVOKED" else self.leaf).serial
        if odd in ("CRL_OF_OTHERS", "CRL_STALE"):
            serial = 99999999
        key = Key() if odd == "CRL_OF_FORGER" else self.root.key
        until = when(-1 if odd == "CRL_STALE" else 7)
        return pem("X509 CRL", key.sign(seq(integer(1), key.algorithm(False), self.root.name, when(-2), until, seq(seq(integer(serial), when(-2))))))


def make(directory):
    """All of them, but for the one with two lists of names: OpenSSL takes no file with such a one, so nobody here can show it."""
    directory.mkdir(parents=True, exist_ok=True)
    return [Pki(row, directory) for row in rows() if row.odd != "TWO_NAME_LISTS"]
