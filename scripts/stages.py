#!/usr/bin/python3
"""
Runs the stages of scripts/test one after the other, counts what the suites themselves report, and compares the
skipped tests with tests/expected-skips. A stage whose suite is not there is left out and says so.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
FUZZ_SECONDS = os.environ.get("FUZZ_SECONDS", "10")
# How many times as long the tests of the programs wait for an event, by build directory.
PATIENCE = {"build": "1", "build-asan": "2", "build-tsan": "5"}
# Test material that is not ours to ship (RFC 4475 messages and the like); its tests are skipped without it.
MATERIAL = pathlib.Path(os.environ.get("SEALINE_SHARED", ROOT.parent / "shared"))
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "--durations=5"]
# Tests of real programs wait on real clocks, and a machine that is busy with something else can be too slow for one of
# them. So few failures are looked at again, alone; what then passes is named, and what fails twice has failed.
MOST_AGAIN = 6
# How many processes run the tests of a suite. Those with programs of others hear sound in real time: one after the other.
AT_ONCE = {"e2e": "3", "tsan": "3", "interop": "0"}


class Tally:
    def __init__(self):
        self.n_passed = 0
        self.failed = []   # names
        self.skipped = {}  # name to reason

    def add(self, name, outcome, reason=""):
        if outcome == "passed":
            self.n_passed += 1
        elif outcome == "failed":
            self.failed.append(name)
        else:
            self.skipped[name] = reason


def run(*command, env=None, quiet=False):
    """True if the command succeeded. With quiet its output is shown only when it failed."""
    sys.stdout.flush()
    result = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE if quiet else None,
                            stderr=subprocess.STDOUT if quiet else None, text=True, errors="replace")
    if quiet and result.returncode != 0:
        print(result.stdout)
    return result.returncode == 0


built = {}  # target to whether it did


def build(tally, flavour):
    """A target of the Makefile; what does not build counts as one failure, and its stages are not run."""
    if flavour not in built:
        started = time.monotonic()
        built[flavour] = run("make", flavour, quiet=True)
        print(f"{flavour}: {'built' if built[flavour] else 'does not build'}, {time.monotonic() - started:.0f} s")
        if not built[flavour]:
            tally.add(f"build/{flavour}", "failed")
    return built[flavour]


# ---- reading what a suite reports -----------------------------------------------------------------------------------

def count_tap(tally, suite, text):
    for line in text.splitlines():
        match = re.match(r"(ok|not ok)\b(?: \d+)?(?: -)? ?([^#]*)", line)
        if match:
            tally.add(f"{suite}/{match.group(2).strip()}", "passed" if match.group(1) == "ok" else "failed")


def count_meson(tally, suite, log):
    """One entry a TAP subtest, or one a test that speaks by its exit status only."""
    for line in log.read_text().splitlines():
        test = json.loads(line)
        name = f"{suite}/{re.sub(r'.* / ', '', test['name'])}"
        count_meson_test(tally, name, test)


def count_meson_test(tally, name, test):
    text = test.get("stdout", "")
    skips = dict(re.findall(r"^(?:# )?SKIP ([^:\n]+): (.*)$", text, re.M))
    subtests = re.findall(r"^(ok|not ok) \d+(?: - (\S+))?", text, re.M)
    n_failed = 0
    for result, subtest in subtests:
        outcome = "passed" if result == "ok" else "failed"
        if result == "ok" and subtest in skips:
            continue
        n_failed += outcome == "failed"
        tally.add(f"{name}/{subtest}", outcome)
    for subtest, reason in skips.items():
        tally.add(f"{name}/{subtest}", "skipped", reason)
    if test["result"] == "OK" and not subtests:
        tally.add(name, "passed")
    if test["result"] not in ("OK", "SKIP") and n_failed == 0:
        tally.add(f"{name} ({test['result'].lower()})", "failed")
    if test["result"] == "SKIP" and not skips:
        tally.add(name, "skipped", "the whole test says so")


def name_of(case):
    return f"{case.get('classname', '').split('.')[-1]}::{case.get('name')}"


def outcomes_of(path):
    """Name to outcome, of every test in a report; empty if there is none."""
    outcomes = {}
    if not path.exists():
        return outcomes
    for case in ElementTree.parse(path).iter("testcase"):
        outcomes[name_of(case)] = ("failed" if case.find("failure") is not None or case.find("error") is not None
                          else "skipped" if case.find("skipped") is not None else "passed")
    return outcomes


def nodes_of(path, names):
    """What pytest calls the tests of these names."""
    return [f"tests/{case.get('classname').replace('.', '/')}.py::{case.get('name')}"
            for case in (ElementTree.parse(path).iter("testcase") if path.exists() else [])
            if name_of(case) in names and case.get("classname")]


def failures_of(path):
    return {name for name, outcome in outcomes_of(path).items() if outcome == "failed"}


def count_junit(tally, suite, path, healed):
    """A test that is healed has passed at the second try."""
    reasons = {name_of(case): case.find("skipped").get("message", "")
               for case in ElementTree.parse(path).iter("testcase") if case.find("skipped") is not None}
    for name, outcome in outcomes_of(path).items():
        tally.add(f"{suite}/{name}", "passed" if name in healed else outcome, reasons.get(name, ""))


# ---- the stages -----------------------------------------------------------------------------------------------------

def meson_suite(tally, suite, build_dir, *options, setup=None, env=None):
    log = ROOT / build_dir / "meson-logs" / (f"testlog-{setup}.json" if setup else "testlog.json")
    options += ("--setup", setup) if setup else ()
    log.unlink(missing_ok=True)
    run("meson", "test", "-C", build_dir, "--no-rebuild", "--print-errorlogs", "--quiet", *options, env=env, quiet=True)
    if log.exists():
        count_meson(tally, suite, log)
    else:
        tally.add(f"{suite}/meson", "failed")


def pytest_suite(tally, suite, build_dir, *options, prefix=(), last=None):
    """
    The tests of a folder, several files at a time, since most of them wait for clocks and for one another. The file
    that is named last comes alone after them, and may look at what they have left.
    """
    folder = "tests/interop" if suite == "interop" else "tests/e2e"
    evidence = ROOT / build_dir / f"{suite}-evidence"
    shutil.rmtree(evidence, ignore_errors=True)
    evidence.mkdir()
    env = {"SEALINE_BUILD": str(ROOT / build_dir), "SEALINE_ROOT": str(ROOT), "SEALINE_PATIENCE": PATIENCE[build_dir],
           "SEALINE_EVIDENCE": str(evidence)}
    command = [*prefix, *PYTEST, *options]
    together = ["-n", AT_ONCE[suite], "--dist", "loadfile", *([f"--ignore={folder}/{last}"] if last else []), folder]
    pytest_run(tally, suite, ROOT / build_dir / suite, command, env, together)
    if last:
        pytest_run(tally, suite, ROOT / build_dir / f"{suite}-last", command, env, [f"{folder}/{last}"])


def pytest_run(tally, suite, report, command, env, tests):
    first, again = report.with_suffix(".xml"), report.with_suffix(".again.xml")
    first.unlink(missing_ok=True)
    again.unlink(missing_ok=True)
    ended_well = run(*command, f"--junitxml={first}", *tests, env=env)
    failed = failures_of(first)
    healed = set()
    nodes = nodes_of(first, failed)
    if 0 < len(nodes) <= MOST_AGAIN:
        run(*command, f"--junitxml={again}", *nodes, env=env)
        outcomes = outcomes_of(again)
        healed = {name for name in failed if outcomes.get(name) == "passed"}
        for name in sorted(healed):
            print(f"passed at the second try: {suite}/{name}")
        ended_well = ended_well or healed == failed
    n_failed = len(tally.failed)
    if first.exists():
        count_junit(tally, suite, first, healed)
    if not ended_well and len(tally.failed) == n_failed:
        tally.add(f"{suite}/pytest", "failed")


def stage_lint(tally):
    if not build(tally, "build-asan"):
        return
    output = subprocess.run(["scripts/lint", "--changed", "build-asan"], cwd=ROOT, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, errors="replace").stdout
    print(output)
    count_tap(tally, "lint", output)


def stage_unit(tally):
    if build(tally, "build-asan"):
        meson_suite(tally, "unit", "build-asan")


def part_of_allocations():
    """
    A sixth of the allocations that can fail, another one for another commit: all of them take too long here. `make oom`
    walks through all.
    """
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return f"{int(commit[:4] or '0', 16) % 6 + 1}/6"


def stage_oom(tally):
    if not build(tally, "build-asan"):
        return
    part = os.environ.get("SEALINE_OOM_PART", part_of_allocations())
    print(f"allocations that fail: part {part}")
    # some of them wait for a clock again and again
    meson_suite(tally, "oom", "build-asan", "--suite", "unit", "--num-processes", str((os.cpu_count() or 1) + 1),
                setup="oom", env={"SEALINE_OOM_PART": part})


def stage_fuzz(tally):
    if not build(tally, "build-fuzz"):
        return
    run("scripts/fuzz", "build-fuzz", FUZZ_SECONDS)
    count_tap(tally, "fuzz", (ROOT / "build-fuzz/fuzz.tap").read_text())


def stage_e2e(tally):
    if build(tally, "build-asan"):
        pytest_suite(tally, "e2e", "build-asan", last="test_zz_secrets.py")


def stage_tsan(tally):
    if not build(tally, "programs-tsan"):
        return
    # ThreadSanitizer of this age cannot live with the address layout of newer kernels.
    fixed_layout = ["setarch", "-R"] if run("setarch", "-R", "true", quiet=True) else []
    pytest_suite(tally, "tsan", "build-tsan", "-m", "not plain_only", "--timeout=600", prefix=fixed_layout)


def stage_endpoint(tally):
    """The phone of small devices: the rooms that are built otherwise for it. tests/interop/test_endpoint.py runs it."""
    if not build(tally, "endpoint"):
        return
    listed = subprocess.run(["meson", "test", "-C", "build-endpoint", "--list"], cwd=ROOT, capture_output=True, text=True).stdout
    names = [name for name in listed.split() if name.startswith(("media_", "sealphone_", "transport_"))]
    if names and run("ninja", "-C", "build-endpoint", *(f"test_{name}" for name in names), quiet=True):
        meson_suite(tally, "endpoint", "build-endpoint", *names)
    else:
        tally.add("endpoint/build", "failed")


def stage_interop(tally):
    if build(tally, "programs"):
        pytest_suite(tally, "interop", "build")


STAGES = {name.removeprefix("stage_"): function for name, function in list(globals().items())
          if name.startswith("stage_")}


# ---- skipped tests --------------------------------------------------------------------------------------------------

def expected_skips():
    """Name to reason; a line that begins with [without-material] counts only where the material is missing."""
    expected = {}
    for line in (ROOT / "tests/expected-skips").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("[without-material] "):
            if MATERIAL.is_dir():
                continue
            line = line.removeprefix("[without-material] ")
        name, reason = line.split(": ", 1)
        expected[name] = reason
    return expected


def is_reference_machine():
    """Where the skipped tests are known: Debian 12, as root."""
    system = platform.freedesktop_os_release()
    return (system.get("ID"), system.get("VERSION_ID"), os.geteuid()) == ("debian", "12", 0)


def judge_skips(tally, stages):
    for name, reason in sorted(tally.skipped.items()):
        print(f"skipped: {name}: {reason}")
    if not is_reference_machine():
        return
    expected = {name: reason for name, reason in expected_skips().items() if name.split("/")[0] in stages}
    for name in sorted(expected.keys() | tally.skipped.keys()):
        if expected.get(name) != tally.skipped.get(name):
            print(f"not as tests/expected-skips says: {name}: "
                  f"expected {expected.get(name, 'to run')!r}, found {tally.skipped.get(name, 'run')!r}")
            tally.add(f"expected-skips/{name}", "failed")


def main():
    stages = sys.argv[1:] or list(STAGES)
    unknown = [name for name in stages if name not in STAGES]
    if unknown:
        sys.exit(f"scripts/test: no such stage: {' '.join(unknown)} (there are: {' '.join(STAGES)})")
    tally = Tally()
    seconds = {"setup": float(os.environ.get("SETUP_SECONDS", 0))}

    for name in stages:
        print(f"==== {name}", flush=True)
        started = time.monotonic()
        STAGES[name](tally)
        seconds[name] = time.monotonic() - started
        print(f"==== {name}: {seconds[name]:.0f} s", flush=True)

    if shutil.which("ccache"):
        run("ccache", "--show-stats")
    judge_skips(tally, stages)
    for name in tally.failed:
        print(f"failed: {name}")
    print("seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()) +
          f", all {sum(seconds.values()):.0f}")
    print(f"{tally.n_passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    sys.exit(1 if tally.failed else 0)


main()
