#!/usr/bin/python3
"""
Builds the programs and libsealine with mixtures of the options that leave something out (docs/small-devices.md).

All of them and none are built by make endpoint and make build. Here each one alone is left out, and each one alone is left in:
with those two, any choice for any three of the options was then built once. The directory is configured anew for each mixture,
so that only what differs is compiled. Each sealphone is run once.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
NEEDS = {"server": "resolver"}    # meson.build refuses the one without the other
NOT_LEFT_OUT = {"tests", "oom", "fuzz"}


def options():
    """Those of meson_options.txt that say what is built."""
    found = re.findall(r"^option\('(\w+)', type: 'boolean'", (ROOT / "meson_options.txt").read_text(), re.M)
    return [name for name in found if name not in NOT_LEFT_OUT]


def mixtures(names):
    """Sets of what is left in, each once."""
    chosen = [set(names) - {name} for name in names] + [{name} for name in names]
    for mixture in chosen:
        for option, needed in NEEDS.items():
            if option in mixture and needed not in mixture:
                # of what is left out the needed one was meant, of what is left in the one that needs it
                mixture ^= {option} if len(mixture) > 1 else {needed}
    return [mixture for n, mixture in enumerate(chosen) if mixture not in chosen[:n]]


def say(*command):
    """What a command that fails has said, else nothing."""
    done = subprocess.run([*map(str, command)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.stdout if done.returncode else ""


def build(directory, names, mixture):
    chosen = [f"-D{name}={'true' if name in mixture else 'false'}" for name in names]
    is_new = not (directory / "build.ninja").exists()
    return (say("meson", "setup", *([] if is_new else ["--reconfigure"]), directory, "-Dtests=false", *chosen)
            or say("ninja", "-C", directory, "programs", "libsealine.a")
            or say(directory / "sealphone", "--version"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    directory = pathlib.Path(os.path.abspath(parser.parse_args().directory))
    names, failed = options(), 0
    for mixture in mixtures(names):
        began = time.monotonic()
        wrong = build(directory, names, mixture)
        without = " ".join(name for name in names if name not in mixture)
        print(f"{'does not build' if wrong else 'built'} without {without} ({time.monotonic() - began:.0f} s)", flush=True)
        if wrong:
            failed += 1
            print(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
