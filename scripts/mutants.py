#!/usr/bin/python3
"""
Changes one line at a time of the rooms where a mistake costs most, and looks whether a test notices.

A mutant negates a condition, turns a comparison, moves a number by one, drops a statement, turns an answer, or
changes a cell of a transaction machine's table. It is built without optimisation or sanitizers in a copy of the
tree, and the unit tests that could know it, then the scenarios, are run until the first fails: it is killed. What
does not compile does not count. Survivors must be listed in docs/requirements/mutants.tsv with the reason why they
change nothing that can be seen; the exit status is 1 if one is not.

The choice depends on --seed and the mutated lines alone, and results are kept in the directory: a run that was broken off goes on
where it was, and what a changed source or test may have changed is tried anew with --again.
"""

import argparse
import csv
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXPLAINED = ROOT / "docs/requirements/mutants.tsv"
MATERIAL = pathlib.Path(os.environ.get("SEALINE_SHARED", ROOT.parent / "shared"))

# Source files, and the unit tests that know them. The one that is named after the file comes first, then the scenarios.
GROUPS = [
    ("src/tsx/*.c", ["tsx_tsx", "tsx_key", "endpoint_client", "endpoint_server", "endpoint_endpoint"]),
    ("src/proxy/*.c", ["proxy_token", "proxy_preprocess", "proxy_proofs", "proxy_check", "proxy_forward", "proxy_calls",
                       "proxy_fork", "proxy_dialog", "proxy_registration", "proxy_subscription", "proxy_allowance",
                       "proxy_backoff", "proxy_publication", "proxy_redirect"]),
    ("src/endpoint/server.c", ["endpoint_server", "endpoint_input", "endpoint_endpoint", "proxy_fork"]),
    ("src/endpoint/overload.c", ["endpoint_overload", "endpoint_server"]),
    ("src/endpoint/stray.c", ["endpoint_stray", "endpoint_endpoint", "endpoint_server"]),
    ("src/locate/*.c", ["locate_*"]),
    ("src/auth/*.c", ["auth_window", "auth_nonce", "auth_response", "auth_server", "auth_client"]),
    ("src/crypto/identity.c", ["crypto_identity", "crypto_certificate"]),
]
# What is told to the log is not judged by these tests.
LEFT_OUT = {"src/proxy/report.c"}
NO_SCENARIO = ("src/crypto/", "src/auth/client.c", "src/locate/")

# What only frees, wipes or asserts is the matter of the sanitizers and of make oom.
UNSEEN = re.compile(r"(\w+_(free|wipe|fini|unref|clear_error)|arena_reset|assert)\(")
# Numbers that mean nothing, or only room enough: sizes of arrays, empty initialisers, the first element's size.
SIZES = re.compile(r"\b(?!return)\w+ \w+\[[^\]]*\]|\{ 0 \}|sizeof ?\(?\w+\[0\]\)?")

SECONDS = 60  # for one test program; the slowest takes three where the machine is busy
STATES = ["TSX_CALLING", "TSX_TRYING", "TSX_PROCEEDING", "TSX_ACCEPTED", "TSX_COMPLETED", "TSX_CONFIRMED",
          "TSX_TERMINATED"]


# ---- the mutations of a line ---------------------------------------------------------------------------------------

def code_of(lines):
    """The lines with comments, and the insides of strings, blanked: what may be changed."""
    text = "\n".join(lines)
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S).split("\n")


def closing(code, at):
    """Where the parenthesis that opens at `at` closes on this line, or -1."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return -1


def negations(line, code):
    for match in re.finditer(r"\b(?:if|while)\s*\(", code):
        end = closing(code, match.end() - 1)
        if end > 0:
            condition = line[match.end():end]
            yield "negate", line[:match.end()] + "!(" + condition + ")" + line[end:]


def comparisons(line, code):
    turned = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&"}
    for match in re.finditer(r"(?<=\s)(==|!=|<=|>=|<|>|&&|\|\|)(?=\s|$)", code):
        yield "compare", line[:match.start()] + turned[match.group()] + line[match.end():]


def numbers(line, code):
    for match in re.finditer(r"(?<![\w.])(\d+)[uU]?(?![\w.])", SIZES.sub(lambda m: " " * len(m.group()), code)):
        if "static const" not in code:
            yield "number", line[:match.start(1)] + str(int(match.group(1)) + 1) + line[match.end(1):]
    for match in re.finditer(r"(?<=\w) (\+|-) (?=[\w(])", code):
        sign = "-" if match.group(1) == "+" else "+"
        yield "sign", line[:match.start(1)] + sign + line[match.end(1):]


def statements(line, code):
    text = code.strip()
    if UNSEEN.match(text) or text.count("(") != text.count(")"):
        return
    if re.match(r"(?!return\b|goto\b)[\w>.\[\]-]+(\(.*\)| ([|&+-]|<<|>>)?= .*|\+\+|--);$", text):
        yield "drop", line[:len(line) - len(line.lstrip())] + ";"


def answers(line, code):
    for match in re.finditer(r"\b(true|false)\b", code):
        if "return" in code or "=" in code:
            yield "answer", line[:match.start()] + ("false" if match.group() == "true" else "true") + line[match.end():]


def cells(line, code):
    """Of a rule: { next, actions, starts, stops }."""
    match = re.match(r"(\s*\[TSX_\w+\]\s*=\s*\{\s*)(TSX_\w+)(,\s*)([^,]+?)(,\s*)([^,]+?)(,.*)$", code)
    if not match:
        return
    head, following, gap, actions, gap2, starts, tail = match.groups()
    for state in STATES:
        if state != following:
            yield "next", head + state + gap + actions + gap2 + starts + tail
    yield "next", head + "TSX_NONE" + gap + actions + gap2 + starts + tail
    other = "TSX_RESEND" if actions.strip() == "0" else "0"
    yield "action", head + following + gap + other + gap2 + starts + tail
    if starts.strip() != "0":
        yield "timer", head + following + gap + actions + gap2 + "0" + tail


OPERATORS = [negations, comparisons, numbers, statements, answers, cells]


def mutants_of(path):
    """(file, line number, kind, old, new) of every mutation of a source."""
    lines = path.read_text().split("\n")
    for number, (line, code) in enumerate(zip(lines, code_of(lines)), 1):
        if not code.strip() or code.lstrip().startswith("#"):
            continue
        for operator in OPERATORS:
            if operator is numbers and "[TSX_" in code and "{ TSX_" in code:
                continue
            for kind, new in operator(line, code):
                yield str(path.relative_to(ROOT)), number, kind, line, new


def tracked():
    result = subprocess.run(["git", "ls-files", "-z", "--cached"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return [name for name in result.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def candidates(only):
    for pattern, tests in GROUPS:
        for name in sorted(fnmatch.filter(tracked(), pattern)):
            if name not in LEFT_OUT and (not only or only in name):
                yield from ((mutant, tests) for mutant in mutants_of(ROOT / name))


def lot_of(seed, mutant):
    """What the choice depends on: not on the line's number, nor on other lines, so that it stays when these change."""
    name, _, kind, old, new = mutant
    return hashlib.sha256("\0".join([seed, name, kind, old, new]).encode()).digest()


def choose(arguments):
    """From each group in turn, so that no large file crowds out a small one."""
    groups = {}
    for mutant, tests in candidates(arguments.only):
        groups.setdefault(mutant[0].rsplit("/", 1)[0], []).append((mutant, tests))
    for group in groups.values():
        group.sort(key=lambda item: lot_of(arguments.seed, item[0]), reverse=True)
    chosen = []
    while len(chosen) < arguments.count and any(groups.values()):
        chosen += [group.pop() for group in groups.values() if group]
    return chosen[:arguments.count]


# ---- trying one ----------------------------------------------------------------------------------------------------

class Bench:
    """One copy of the tree with its build directory."""

    def __init__(self, directory):
        self.tree = directory / "tree"
        self.build = directory / "build"

    def bring_up_to_date(self):
        for name in tracked():
            source, target = ROOT / name, self.tree / name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        if not (self.build / "build.ninja").exists():
            self.run(["meson", "setup", self.build, self.tree, "-Dbuildtype=plain", "-Doptimization=0",
                      "-Dwerror=false"], 300)

    @staticmethod
    def run(command, seconds):
        """Exit status, None when time is up."""
        try:
            return subprocess.run(["nice", "-n", "10", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=seconds).returncode
        except subprocess.TimeoutExpired:
            return None

    def targets(self, name, tests):
        """(ninja target, command) one after the other: the file's own test, then the scenarios, then the others."""
        known = set(re.findall(r"^build test_(\w+):", (self.build / "build.ninja").read_text(), re.M))
        own = "_".join(pathlib.Path(name).with_suffix("").parts[-2:])
        found = [test for pattern in tests for test in sorted(fnmatch.filter(known, pattern))]
        found.sort(key=lambda test: test != own)
        commands = [(f"test_{test}", [self.build / f"test_{test}"]) for test in found]
        if not name.startswith(NO_SCENARIO):
            player = self.build / "tests/conformance/player"
            commands.insert(own in found, ("tests/conformance/player", [player, self.tree / "tests/conformance"]))
        yield from commands

    def verdict(self, name, tests):
        """(killed | survived | not compiled, by what) of the tree as it is."""
        for target, command in self.targets(name, tests):
            if self.run(["ninja", "-C", self.build, target], 600) != 0:
                return "not compiled", target
            if self.run(["env", f"SEALINE_ROOT={self.tree}", f"SEALINE_SHARED={MATERIAL}", *command], SECONDS) != 0:
                return "killed", target
        return "survived", ""

    def try_one(self, mutant, tests):
        name, number, _, old, new = mutant
        path = self.tree / name
        original = path.read_text()
        lines = original.split("\n")
        assert lines[number - 1] == old, f"{name}:{number} has changed meanwhile"
        lines[number - 1] = new
        path.write_text("\n".join(lines))
        try:
            return self.verdict(name, tests)
        finally:
            path.write_text(original)


# ---- results -------------------------------------------------------------------------------------------------------

def key_of(mutant):
    name, number, kind, old, new = mutant
    return hashlib.sha256("\0".join([name, str(number), kind, old, new]).encode()).hexdigest()[:16]


def squeeze(text):
    return " ".join(text.split())


def read_explained():
    if not EXPLAINED.exists():
        return {}
    with EXPLAINED.open(newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {(row[0], row[1], row[2]): row[3] for row in rows if len(row) == 4}


def work(bench, todo, results, arguments, lock):
    while True:
        with lock:
            if not todo:
                return
            mutant, tests = todo.pop(0)
        started = time.monotonic()
        verdict, by = bench.try_one(mutant, tests)
        with lock:
            results[key_of(mutant)] = {"mutant": mutant, "verdict": verdict, "by": by}
            (arguments.directory / "results.json").write_text(json.dumps(results, indent=0))
            name, number, kind, _, new = mutant
            print(f"{verdict:12} {name}:{number} {kind:8} {squeeze(new)[:90]:92} {by} "
                  f"{time.monotonic() - started:.0f} s, {len(todo)} left", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Which one-line mistakes would no test notice?")
    parser.add_argument("--count", type=int, default=300, help="how many mutants (300)")
    parser.add_argument("--seed", default="sealine", help="what the choice depends on")
    parser.add_argument("--only", default="", help="only of files whose path contains this")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (2)")
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / "build-mutants", help="where to build")
    parser.add_argument("--again", action="store_true", help="forget earlier results of survivors")
    parser.add_argument("--list", action="store_true", help="print the choice and stop")
    arguments = parser.parse_args()

    chosen = choose(arguments)
    if arguments.list:
        for (name, number, kind, old, new), _ in chosen:
            print(f"{name}:{number} {kind}\n  - {squeeze(old)}\n  + {squeeze(new)}")
        return 0

    arguments.directory.mkdir(parents=True, exist_ok=True)
    arguments.directory = arguments.directory.resolve()
    store = arguments.directory / "results.json"
    results = json.loads(store.read_text()) if store.exists() else {}
    if arguments.again:
        results = {key: result for key, result in results.items() if result["verdict"] == "killed"}
    todo = [item for item in chosen if key_of(item[0]) not in results]

    benches = [Bench(arguments.directory / str(i)) for i in range(arguments.jobs)]
    for bench in benches:
        bench.bring_up_to_date()
    if todo:
        for name, tests in {(mutant[0], tuple(tests)) for mutant, tests in chosen}:
            verdict, by = benches[0].verdict(name, tests)
            if verdict != "survived":
                print(f"{by} fails without any mutation ({verdict})")
                return 2
    lock = threading.Lock()
    threads = [threading.Thread(target=work, args=(bench, todo, results, arguments, lock)) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    explained = read_explained()
    tally = {"killed": 0, "survived": 0, "not compiled": 0}
    open_survivors = []
    for mutant, _ in chosen:
        verdict = results[key_of(mutant)]["verdict"]
        tally[verdict] += 1
        if verdict == "survived" and (mutant[0], squeeze(mutant[3]), squeeze(mutant[4])) not in explained:
            open_survivors.append(mutant)
    for name, number, kind, old, new in open_survivors:
        print(f"SURVIVED {name}:{number} {kind}\n  - {squeeze(old)}\n  + {squeeze(new)}")
    print(f"{sum(tally.values())} mutants: {tally['killed']} killed, {tally['survived']} survived "
          f"({tally['survived'] - len(open_survivors)} of them explained), {tally['not compiled']} not compiled")
    return 1 if open_survivors else 0


if __name__ == "__main__":
    sys.exit(main())
