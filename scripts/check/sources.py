"""What the checks have in common: where the sources are, and how a finding is told."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked(*patterns):
    """Files of ours, known to git or new, by pattern; sorted."""
    command = ["git", "-C", ROOT, "-c", "safe.directory=*", "ls-files", "--cached", "--others",
               "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted(path for path in {ROOT / name for name in names if name} if path.exists())


def report(findings, notes=()):
    """Prints file:line: text for each finding and leaves with 1 if there is one; notes do not fail."""
    for path, line, text in sorted(notes):
        print(f"{path.relative_to(ROOT)}:{line}: note: {text}")
    for path, line, text in sorted(findings):
        print(f"{path.relative_to(ROOT)}:{line}: {text}")
    sys.exit(1 if findings else 0)
