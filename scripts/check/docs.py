#!/usr/bin/python3
"""
Checks the written part: every room has its page in docs/rooms, every program its manual page, every relative link
in a Markdown page leads to a file, and mandoc finds nothing to warn of in the manual pages.
"""

import re
import shutil
import subprocess

from sources import ROOT, report, tracked

PROGRAMS = ("sealined", "sealphone", "sealine")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def check_links(findings):
    for path in tracked("*.md"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for target in LINK.findall(line):
                if "://" not in target and not (path.parent / target).exists():
                    findings.append((path, number, f"leads nowhere: {target}"))


def check_pages(findings):
    rooms = sorted({path.parent for path in tracked("src/*/meson.build")})
    for room in rooms:
        if not (ROOT / "docs/rooms" / f"{room.name}.md").exists():
            findings.append((room / "meson.build", 1, f"the room has no page docs/rooms/{room.name}.md"))
        if room.name in PROGRAMS and not list((ROOT / "man").glob(f"{room.name}.[18]")):
            findings.append((room / "meson.build", 1, "the program has no page in man/"))


def check_manuals(findings):
    pages = tracked("man/*.[1-8]")
    if not pages or not shutil.which("mandoc"):
        return
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True)
    for line in result.stdout.splitlines():
        match = re.match(r"mandoc: (.*?):(\d+):\d+: (.*)", line)
        if match:
            findings.append((ROOT / match.group(1), int(match.group(2)), match.group(3)))


def main():
    findings = []
    check_links(findings)
    check_pages(findings)
    check_manuals(findings)
    report(findings)


main()
