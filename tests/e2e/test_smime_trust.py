"""The phone gets, keeps and judges certificates (RFC 6072): sealphone with the certificate service of sealined."""

import json
import stat
import subprocess
import time

import pki
import pytest

from programs import BUILD
from sealine_e2e import control
from sealine_peer import Peer


def cert(state, *words, code=0, options=()):
    """What sealphone cert shows; where it is to fail, what it says."""
    command = [BUILD / "sealphone", "--aor", "sips:alice@localhost", "--state", state, "--json", *options, "cert", *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, start_new_session=True)
    assert done.returncode == code, done.stderr
    assert code == 0 or done.stderr.startswith("sealphone: ")
    return [json.loads(line) for line in done.stdout.splitlines()] if code == 0 else done.stderr


def test_a_new_phone_has_a_key_and_a_certificate_and_keeps_them(site, tmp_path):
    state = tmp_path / "state"
    cert(state, "show", code=1)
    alice = site.talking("alice", "--state", state)
    told = alice.wait_event("certificate-obtained")
    assert len(told["fingerprint"].replace(" ", "")) == 64
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    kept = state / "alice@localhost=key.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    key = kept.read_bytes()

    (own,) = cert(state, "show")  # once, although the domain tells of it, too
    assert own["whose"] == "own" and own["fingerprint"] == told["fingerprint"] and len(own["words"].split()) == 12
    assert "BEGIN CERTIFICATE" in cert(state, "export")[0]["pem"]
    cert(state, "show", "bob", code=14)
    cert(state, "trust", "bob", code=14)
    cert(state, "forget", "bob", code=14)
    cert(state, "trust", "alice", "12", code=2)

    alice = site.talking("alice", "--state", state)
    alice.send_line("status")
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    assert kept.read_bytes() == key and "certificate-failed" not in alice.output


def test_another_phone_on_the_account_is_told(site):
    first = site.talking("alice")
    first.wait_event("certificate-obtained")
    second = site.talking("alice")
    fingerprint = second.wait_event("certificate-obtained")["fingerprint"]
    changed = first.wait_event("certificate-changed")
    assert changed["of"] == "alice@localhost" and changed["fingerprint"] == fingerprint and changed["believed"]


def test_two_new_users_write_to_each_other_signed_and_encrypted(site):
    """The new user's count: two accounts, no further step; the seconds are printed."""
    bob = site.talking("bob")
    began = time.monotonic()
    bob.wait_event("certificate-obtained")
    alice = site.phone("alice", "message", "bob", "hello from end to end")
    assert alice.wait() == 0, alice.output
    message = bob.wait_event("message")
    print(f"a message between two new users arrived signed and encrypted after {time.monotonic() - began:.1f} s")
    assert message["text"] == "hello from end to end"
    assert message["smime"]["trust"] == "vouched", message


# -- a certificate of another CA, and a passphrase ---------------------------------------------------------------------------------


def bring_along(tmp_path, name="alice", usage="digitalSignature,keyAgreement"):
    """A key and certificate of a public CA, as PKCS #12 with the passphrase "rose": (CA, file, file of the passphrase)."""
    authority = pki.CA(tmp_path / "public", "public CA")
    key, pem, p12, word = (tmp_path / f"{name}{end}" for end in (".key", ".pem", ".p12", ".word"))
    extensions = tmp_path / f"{name}.ext"
    extensions.write_text(f"subjectAltName=URI:sip:{name}@localhost\nkeyUsage=critical,{usage}\nextendedKeyUsage=emailProtection\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", pem)
    openssl("x509", "-req", "-in", pem, "-CA", authority.pem, "-CAkey", authority.key, "-CAcreateserial", "-days", 90, "-extfile", extensions, "-out", pem)
    openssl("pkcs12", "-export", "-inkey", key, "-in", pem, "-certfile", authority.pem, "-passout", "pass:rose", "-out", p12)
    word.write_text("rose\n")
    return authority, p12, word


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60).stdout


def trusting(tmp_path, site, authority):
    both = tmp_path / "both.pem"
    both.write_text(authority.pem.read_text() + (site.server.state / "ca.pem").read_text())
    return both


def test_a_certificate_of_a_public_ca_is_used_and_published(site, tmp_path):
    authority, p12, word = bring_along(tmp_path)
    state, both = tmp_path / "state", trusting(tmp_path, site, authority)
    cert(state, "import", p12, word, code=5)  # the system knows that CA as little as we
    (done,) = cert(state, "import", p12, word, options=("--ca", both))
    (own,) = [entry for entry in cert(state, "show") if entry["whose"] == "own"]
    assert own["fingerprint"] == done["fingerprint"] and own["issuer"] == "CN=public CA"
    alice = site.talking("alice", "--state", state)
    told = alice.wait_event("certificate-obtained", 20)
    assert told["fingerprint"] == done["fingerprint"]
    bob = site.talking("bob")
    bob.wait_event("certificate-obtained", 20)
    bob.send_line("message alice to the key of the public CA")
    message = alice.wait_event("message", 20)
    assert message["smime"]["encrypted"] and message["smime"]["believed"]
    alice.send_line("message bob signed with it")
    message = bob.wait_event("message", 20, text="signed with it")
    assert message["smime"]["trust"] == "vouched" and message["smime"]["key"] == done["fingerprint"].replace(" ", "")


def test_a_file_that_is_no_certificate_for_us_is_not_imported(site, tmp_path):
    authority, p12, word = bring_along(tmp_path, "mallory")
    assert "mallory@localhost" in cert(tmp_path / "state", "import", p12, word, options=("--ca", authority.pem), code=5)
    authority, p12, word = bring_along(tmp_path, usage="keyAgreement")
    assert "keyUsage" in cert(tmp_path / "state", "import", p12, word, options=("--ca", authority.pem), code=5)
    word.write_text("tulip\n")
    assert "passphrase" in cert(tmp_path / "state", "import", p12, word, options=("--ca", authority.pem), code=5)
    cert(tmp_path / "state", "import", tmp_path / "nowhere", code=3)
    cert(tmp_path / "state", "import", code=2)
    cert(tmp_path / "state", "show", code=1)


def test_keys_are_kept_under_a_passphrase(site, tmp_path):
    state, word = tmp_path / "state", tmp_path / "word"
    word.write_text("open sesame\n")
    cert(state, "passphrase", word, code=1)  # there is no key yet
    alice = site.talking("alice", "--state", state, "--passphrase-file", word)
    fingerprint = alice.wait_event("certificate-obtained", 20)["fingerprint"]
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    key = state / "alice@localhost=key.pem"
    assert "ENCRYPTED" in key.read_text()
    cert(state, "show", code=3)  # nobody is here to be asked
    (own,) = [entry for entry in cert(state, "show", options=("--passphrase-file", word)) if entry["whose"] == "own"]
    assert own["fingerprint"] == fingerprint
    assert cert(state, "passphrase", "none", options=("--passphrase-file", word)) == [{"event": "passphrase-set", "encrypted": False}]
    assert "ENCRYPTED" not in key.read_text()
    assert cert(state, "passphrase", word) == [{"event": "passphrase-set", "encrypted": True}]
    assert "open sesame" not in key.read_text() and stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["alice@localhost.json", "alice@localhost=key.pem", "alice@localhost=known.json"])
def test_a_file_that_cannot_be_read_is_not_said_to_be_damaged(tmp_path, name):
    """It may be good, and another user's: nobody is told to remove it."""
    cert(tmp_path, "show", code=1)
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to("/dev/tty")  # which nobody can open who has no terminal, whoever he is
    said = cert(tmp_path, "show", code=3)
    assert "No such device or address" in said and "remove" not in said


# -- the word of a person ----------------------------------------------------------------------------------------------------------


def changed_key(site, *options):
    """bob has a second phone, of which alice's, that knew his first, is told: (alice, bob's second, the event)."""
    bob = site.talking("bob")
    bob.wait_event("certificate-obtained", 20)
    alice = site.talking("alice", *options)
    alice.wait_event("certificate-obtained", 20)
    alice.send_line("message bob hello")
    alice.wait_event("message-sent", 20)
    bob.send_line("quit")
    bob.wait(20)
    second = site.talking("bob")
    second.wait_event("certificate-obtained", 20)
    return alice, second, alice.wait_event("certificate-changed", 20)


def test_a_person_is_asked_whether_a_new_key_is_to_be_used(site, tmp_path):
    alice, second, changed = changed_key(site, "--smime-change", "ask")
    asked = alice.wait_event("consent")
    assert asked["of"] == "bob@localhost" and asked["fingerprint"] == changed["fingerprint"] and not changed["believed"]
    second.send_line("message alice is this me?")
    doubtful = alice.wait_event("message", 20, text="is this me?")
    assert not doubtful["smime"]["believed"] and doubtful["smime"]["verdict"]["code"] == "smime.changed"
    alice.send_line("accept")
    assert alice.wait_event("certificate-accepted")["of"] == "bob@localhost"
    second.send_line("message alice this is me")
    assert alice.wait_event("message", 20, text="this is me")["smime"]["trust"] == "vouched"


def test_a_transfer_that_needs_no_word_is_no_word_for_what_does(site):
    """Who is in a call may replace it without our being asked (RFC 3891), and says nothing to what we are asked just then."""
    alice, _, changed = changed_key(site, "--smime-change", "ask")
    alice.wait_event("consent")
    with Peer(site.server.port(), site.server.state / "ca.pem", "carol@localhost", "carol-sesame") as carol:
        assert carol.register().status == 200
        number = carol.invite("sips:alice@localhost")
        alice.wait_event("incoming")
        carol.take_ringing()
        alice.send_line("answer")
        carol.take_ringing(200)
        carol.inside("ACK", cseq=number)
        first = alice.wait_event("established")["call"]
        number = carol.invite("sips:alice@localhost", [f"Replaces: {carol.call_id};to-tag={carol.theirs};from-tag={carol.tag}"])
        assert alice.wait_event("incoming", nth=2)["replaces"] == first
        carol.take_ringing(200)
        carol.inside("ACK", cseq=number)
        alice.wait_event("established", nth=2)
    alice.send_line("refuse")
    assert alice.wait_event("certificate-declined")["of"] == "bob@localhost"
    assert not [event for event in alice.events if event["event"] == "certificate-accepted"]


def test_a_running_phone_hears_what_cert_trust_says(site, tmp_path):
    state = tmp_path / "state"
    alice, second, changed = changed_key(site, "--smime-change", "refuse", "--state", state)
    second.send_line("message alice is this me?")
    assert alice.wait_event("message", 20, text="is this me?")["smime"]["verdict"]["code"] == "smime.changed"
    cert(state, "trust", "bob", changed["fingerprint"])
    alice.wait_event("certificates-reread")
    second.send_line("message alice this is me")
    assert alice.wait_event("message", 20, text="this is me")["smime"]["trust"] == "compared"
    cert(state, "forget", "bob")
    alice.wait_event("certificates-reread", nth=2)
    alice.send_line("message bob who are you")
    alice.wait_event("certificate-new", 20, nth=2)


def test_what_is_wanted_for_a_contact_is_remembered(site, tmp_path):
    state = tmp_path / "state"
    bob = site.talking("bob")
    bob.wait_event("certificate-obtained")
    alice = site.talking("alice", "--state", state)
    alice.wait_event("certificate-obtained")
    cert(state, "policy", "bob", "of", code=2)
    cert(state, "policy", "bob", "default", code=14)
    assert cert(state, "policy", "bob", "off") == [{"event": "policy-set", "aor": "bob@localhost"}]
    alice.wait_event("certificates-reread")
    alice.send_line("message bob in clear")
    assert not bob.wait_event("message", 20, text="in clear")["smime"]["encrypted"]
    alice.send_line("quit")
    assert alice.wait() == 0, alice.output
    assert {"event": "policy", "aor": "bob@localhost", "smime": "off"} in cert(state, "show")

    cert(state, "policy", "bob", "require+cbc")
    alice = site.talking("alice", "--state", state, "--smime", "off")
    alice.send_line("message bob protected all the same")
    smime = bob.wait_event("message", 20, text="protected all the same")["smime"]
    assert smime["trust"] == "vouched" and smime["cipher"] == "AES-128-CBC", smime
    assert cert(state, "policy", "bob", "default")[0]["event"] == "policy-removed"


# -- several phones, and one that is lost ------------------------------------------------------------------------------------------


def test_a_message_is_read_by_all_phones_of_an_address(site):
    phones = [site.talking("bob"), site.talking("bob")]
    for phone in phones:
        phone.wait_event("certificate-obtained", 20)
    alice = site.phone("alice", "message", "bob", "to both")
    for phone in phones:
        message = phone.wait_event("message", 20)
        assert message["text"] == "to both" and message["smime"]["believed"] and message["smime"]["encrypted"]
    assert alice.wait_event("message-sent", 20)["smime"]["recipients"] == 2


def test_a_phone_that_is_lost_is_noticed_by_those_who_knew_it(site):
    """sealine cert revoke: the next message does not go to the phone that has it, and what it signs is refused."""
    bob, lost = site.talking("bob"), site.talking("bob")
    bob.wait_event("certificate-obtained", 20)
    fingerprint = lost.wait_event("certificate-obtained", 20)["fingerprint"]
    alice = site.talking("alice")
    alice.wait_event("certificate-obtained", 20)
    alice.send_line("message bob to both")
    assert alice.wait_event("message-sent", 20)["smime"]["recipients"] == 2
    (one,) = [one for one in control(site.server.state, "cert-list")["certificates"] if one["key"] == fingerprint.replace(" ", "")]
    done = control(site.server.state, "cert-revoke", aor="bob@localhost", sha256=one["sha256"])
    assert done["ok"], done
    withdrawn = alice.wait_event("certificate-withdrawn", 20)
    assert withdrawn["old_fingerprint"] == fingerprint
    lost.wait_event("certificate-failed", 20)
    alice.send_line("message bob to one")
    assert alice.wait_event("message-sent", 20, nth=2)["smime"]["recipients"] == 1
    assert bob.wait_event("message", 20, text="to one")["smime"]["believed"]
    lost.send_line("message alice I am bob")
    assert lost.wait_event("in-clear", 20)["asks"]  # to whom it wrote under protection before it does not write without
