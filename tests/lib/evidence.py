"""
What a test run leaves behind that others may read: the output, command lines and environments of our programs, and core
files. Every secret that was used is noted, and searched for in all of it in each form that it may have taken.
"""

import base64
import hashlib
import json
import pathlib
import pickle
import re
import time
import urllib.parse

import ahocorasick

SHORTEST = 8  # what is shorter is found anywhere by chance

_secrets = {}
_programs = []
_processes = []


def note_password(aor, password):
    """A password of an account, and the H(A1) that are as good as it (RFC 7616 §5.13)."""
    if len(password) >= SHORTEST:
        _secrets[f"the password of {aor}"] = password.encode()
    user, _, domain = aor.partition("@")
    for algorithm in ("sha256", "sha512_256", "md5"):
        digest = hashlib.new(algorithm, f"{user}:{domain}:{password}".encode())
        _secrets[f"H(A1) of {aor}, {algorithm}"] = digest.digest()


def note_program(program, build):
    """Its output from now on, and how it was started. Only programs of ours are looked at."""
    if str(build) in program.argv[0] or any(word.startswith(str(build)) for word in program.argv):
        _programs.append(program)
        note_process(program.name, program.pid)


def note_process(name, pid):
    for what in ("cmdline", "environ"):
        try:
            _processes.append((f"{what} of {name}", _read_process(pid, what)))
        except OSError:
            pass  # it has ended


def _read_process(pid, what):
    """Both are empty while the process is becoming the program; so for a moment at most we wait for them."""
    path = pathlib.Path(f"/proc/{pid}/{what}")
    for _ in range(100):
        if text := path.read_bytes():
            return text
        time.sleep(0.01)
    return b""


def _base64(secret):
    """Wherever it stands within what was encoded: the characters that only depend on it."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret).rstrip(b"=")
        first, last = -(-before * 8 // 6), len(b"\0" * before + secret) * 8 // 6
        yield whole[first:last]
        yield whole[first:last].replace(b"+", b"-").replace(b"/", b"_")


def forms(secret):
    """All the ways in which it may have been written: (bytes, whether upper and lower case are the same there)."""
    pairs = [b"%02x" % byte for byte in secret]
    yield secret, False
    yield b"".join(pairs), True
    yield b" ".join(pairs), True
    yield b":".join(pairs), True
    for text in _base64(secret):
        yield text, False
    yield b"".join(b"%" + pair for pair in pairs), True
    yield urllib.parse.quote_from_bytes(secret, safe="").encode(), True
    yield b"".join(rb"\u00" + pair for pair in pairs), True
    yield b"".join(rb"\x" + pair for pair in pairs), True
    yield json.dumps(secret.decode("latin-1"))[1:-1].encode(), False


def search(secrets, places):
    """(secret, place) of everything that is found; places: (name, bytes)."""
    exact, folding = ahocorasick.Automaton(), ahocorasick.Automaton()
    for name, secret in secrets.items():
        for form, folds in forms(secret):
            text = (form.lower() if folds else form).decode("latin-1")
            automaton = folding if folds else exact
            automaton.add_word(text, automaton.get(text, set()) | {name})
    exact.make_automaton()
    folding.make_automaton()
    found = []
    for place, content in places:
        hits = set()
        for automaton, searched in ((exact, content), (folding, content.lower())):
            for _, names in automaton.iter(searched.decode("latin-1")):
                hits |= names
        found += [(name, place) for name in secrets if name in hits]
    return found


def _outputs():
    return [(f"output of {program.name}", program.output.encode()) for program in _programs]


def of_this_run(directories):
    """Everything that this run has left: outputs, command lines, environments, and core files in the directories."""
    places = _outputs() + _processes
    for directory in directories:
        for path in pathlib.Path(directory).rglob("core*"):
            if path.is_file() and re.fullmatch(r"core(\.\d+)?", path.name):
                places.append((str(path), path.read_bytes()))
    return places


def secrets_of_this_run():
    return dict(_secrets)


def save(path):
    """For a process that comes later: tests run in several at once."""
    path.write_bytes(pickle.dumps((_secrets, _outputs() + _processes)))


def load(directory):
    """What was saved there, beside that of this process."""
    for path in directory.iterdir():
        secrets, places = pickle.loads(path.read_bytes())
        _secrets.update(secrets)
        _processes.extend(places)
