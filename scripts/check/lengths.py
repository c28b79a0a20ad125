#!/usr/bin/python3
"""
Checks how long and how deep the code is. Noted: a function over 60 lines, a file over 500. Failed: a function over
100 lines, a file over 1000, control flow nested deeper than 4, more than 5 parameters. Rows of data tables do not
count. Relies on the layout that clang-format gives: a function's body stands between a { and a } in column one.
"""

import re

from sources import report, tracked

FUNCTION_NOTE, FUNCTION_MOST = 60, 100
FILE_NOTE, FILE_MOST = 500, 1000
DEEPEST = 4
PARAMETERS_MOST = 5
# callbacks whose parameters a library has chosen (libunbound, OpenSSL)
PARAMETERS_GIVEN = {"on_answer", "on_offer", "on_ticket_key", "on_ticket_opened", "signature_sign"}

CONTROL = re.compile(r"(\t+)(?:if|for|while|do|switch|LIST_EACH)\b")
TABLE_START = re.compile(r"(\t*)\S.*= \{$")


def table_lines(lines):
    """Indices of lines inside initialisers that span several lines, and between clang-format off and on."""
    inside, end, is_off = set(), None, False
    for i, line in enumerate(lines):
        if end is not None:
            inside.add(i)
            if line.startswith(end):
                end = None
            continue
        is_off = (is_off or "clang-format off" in line) and "clang-format on" not in line
        if is_off:
            inside.add(i)
        start = TABLE_START.match(line)
        if start and not is_off:
            end = start.group(1) + "}"
    return inside


def signature(lines, brace):
    """The text of the declarator above the body's opening brace."""
    first = brace
    while first > 0 and lines[first - 1].strip() and not re.search(r"[;}]$|\*/$|^#", lines[first - 1]):
        first -= 1
    return " ".join(lines[first:brace])


def count_parameters(text):
    depth, n = 0, 0
    opening = re.search(r"\w+\s*\(", re.sub(r"__attribute__\(\(.*?\)\)", "", text))
    if not opening:
        return 0
    for char in text[text.index(opening.group()):]:
        depth += (char == "(") - (char == ")")
        n += char == "," and depth == 1
        if char == ")" and depth == 0:
            break
    return n + 1


def check(path, findings, notes):
    lines = path.read_text().splitlines()
    tables = table_lines(lines)
    n_lines = len(lines) - len(tables)
    if n_lines > FILE_NOTE:
        (findings if n_lines > FILE_MOST else notes).append((path, 1, f"{n_lines} lines"))

    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
            declarator = signature(lines, i)
            n = count_parameters(declarator)
            name = re.search(r"(\w+)\s*\(", declarator)
            if n > PARAMETERS_MOST and not (name and name.group(1) in PARAMETERS_GIVEN):
                findings.append((path, i, f"{n} parameters"))
        elif line == "}" and start is not None:
            n = i - start - 1 - len(tables & set(range(start, i)))
            if n > FUNCTION_NOTE:
                (findings if n > FUNCTION_MOST else notes).append((path, start, f"a function of {n} lines"))
            start = None
        elif start is not None:
            control = CONTROL.match(line)
            if control and len(control.group(1)) > DEEPEST:
                findings.append((path, i + 1, f"nested {len(control.group(1))} deep"))


def main():
    findings, notes = [], []
    for path in tracked("src/*.c", "src/*.h", "tests/*.c", "tests/*.h", "fuzz/*.c", "bench/*.c", "bench/*.h"):
        check(path, findings, notes)
    report(findings, notes)


main()
