#!/usr/bin/python3
"""
Checks docs/requirements/*.tsv: every source file and function, every test and every scenario that a row names is
there; a row that is done names both. Where the RFCs' texts are at hand (SEALINE_SHARED, ../shared) also that each
sentence of theirs with MUST or SHALL has its row. Prints what is open, then totals; exit status 1 if something is
dangling.

	scripts/requirements.py                        check, and list what is open
	scripts/requirements.py --quiet                check, totals only
	scripts/requirements.py --sentences 3261 16.7  the numbered sentences of an RFC, or of one of its sections
"""

import argparse
import csv
import functools
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLES = ROOT / "docs/requirements"
RFCS = pathlib.Path(os.environ.get("SEALINE_SHARED", ROOT.parent / "shared")) / "rfc"
COLUMNS = ["id", "status", "rule", "implemented", "tested", "note"]
STATUSES = ["done", "open", "not applicable"]
# One sentence, several, or all of a section, with .* also of the sections below it.
ID = re.compile(r"RFC(\d+):(\d+(?:\.\d+)*)(\.\*)?-(\*|\d+(?:\.\.\d+)?(?:,\d+(?:\.\.\d+)?)*)$")


# ---- the RFCs' sentences -------------------------------------------------------------------------------------------

PAGE_BREAK = re.compile(r"RFC \d+ .*\d{4}$|.*\[Page \d+\]$|\f")
HEADING = re.compile(r"(\d+(?:\.\d+)*)\.?\s+(\S.*)$")


def paragraphs_of(path):
    """(section, text) of each paragraph; a page break in the midst of a sentence ends none."""
    section, paragraph = "0", []
    for line in path.read_text(encoding="latin-1").splitlines():
        if PAGE_BREAK.match(line):
            continue
        heading = HEADING.match(line)
        if heading and "...." not in line:
            yield section, " ".join(paragraph)
            section, paragraph = heading.group(1), []
        elif line.strip():
            paragraph.append(line.strip())
        elif paragraph and paragraph[-1][-1] in ".:;":
            yield section, " ".join(paragraph)
            paragraph = []
    yield section, " ".join(paragraph)


def sentences_of(rfc):
    """Number within the section to sentence, by section."""
    found = {}
    for section, paragraph in paragraphs_of(RFCS / f"rfc{rfc}.txt"):
        for sentence in re.split(r"(?<=[.;:])\s+(?=[A-Z(\"])", paragraph):
            if re.search(r"\b(MUST|SHALL)\b", sentence) and "key words" not in sentence:
                found.setdefault(section, []).append(sentence)
    return found


# ---- the tables ----------------------------------------------------------------------------------------------------

def read_rows():
    for path in sorted(TABLES.glob("rfc*.tsv")):
        with path.open(newline="") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if next(lines) != COLUMNS:
                sys.exit(f"{path.name}: the columns are not {', '.join(COLUMNS)}")
            for number, row in enumerate(lines, 2):
                if len(row) != len(COLUMNS):
                    sys.exit(f"{path.name}:{number}: {len(row)} columns instead of {len(COLUMNS)}")
                yield path.name, number, dict(zip(COLUMNS, row))


def numbers_of(row, sentences):
    """The (section, number) pairs that a row is about; without the RFC's text those that its id spells out."""
    _, section, below, numbers = ID.match(row["id"]).groups()
    if numbers == "*":
        return [(known, number) for known, texts in sentences.items()
                for number in range(1, len(texts) + 1)
                if known == section or (below and known.startswith(section + "."))]
    ranges = [part.split("..") for part in numbers.split(",")]
    return [(section, number) for ends in ranges for number in range(int(ends[0]), int(ends[-1]) + 1)]


@functools.cache
def text_of(path):
    return path.read_text(errors="replace") if path.is_file() else None


def find_fault(reference, tested):
    """What is dangling about "room/file.c:function", "room/test_file.c:name", "e2e/test_x.py:name" or "name.scn"."""
    name, _, function = reference.partition(":")
    if name.endswith(".scn"):
        path = ROOT / "tests/conformance" / name
    elif name.startswith(("e2e/", "interop/")):
        path = ROOT / "tests" / name
    else:
        path = ROOT / ("tests/unit" if tested else "src") / name
    text = text_of(path)
    if text is None:
        return f"there is no {path.relative_to(ROOT)}"
    if not function and not name.endswith(".scn"):
        return f"{reference} names no function"
    if function and not re.search(rf"\b{re.escape(function)}\b", text):
        return f"{name} has no {function}"
    return None


def faults_of(row):
    implemented, tested = row["implemented"].split(), row["tested"].split()
    if not ID.match(row["id"]):
        yield "malformed id"
    if row["status"] not in STATUSES:
        yield f"status {row['status']!r}"
    if row["status"] == "done" and not (implemented and tested):
        yield "done, but not said where it is implemented and tested"
    if row["status"] != "done" and not row["note"]:
        yield f"{row['status']}, but not said why"
    if not row["rule"]:
        yield "no rule"
    for reference in implemented:
        yield find_fault(reference, False)
    for reference in tested:
        yield find_fault(reference, True)


def missing_and_doubled(rfc, rows, sentences):
    covered = {}
    for row in rows:
        for number in numbers_of(row, sentences):
            covered[number] = covered.get(number, 0) + 1
    for section, texts in sentences.items():
        for number, text in enumerate(texts, 1):
            count = covered.pop((section, number), 0)
            if count != 1:
                yield f"RFC{rfc}:{section}-{number} has {count or 'no'} rows: {text[:90]}"
    for section, number in covered:
        yield f"RFC{rfc}:{section}-{number} is no sentence with MUST"


# ---- telling -------------------------------------------------------------------------------------------------------

def print_sentences(rfc, section):
    for known, texts in sentences_of(rfc).items():
        if not section or known == section or known.startswith(section + "."):
            for number, text in enumerate(texts, 1):
                print(f"{known}-{number} {text}")


def main():
    parser = argparse.ArgumentParser(description="What the RFCs demand, and where it is done and tested.")
    parser.add_argument("--quiet", action="store_true", help="do not list what is open")
    parser.add_argument("--sentences", nargs="+", metavar=("RFC", "SECTION"), help="print an RFC's sentences")
    arguments = parser.parse_args()
    if arguments.sentences:
        print_sentences(arguments.sentences[0], (arguments.sentences[1:] or [""])[0])
        return 0

    faults, by_rfc = [], {}
    for name, number, row in read_rows():
        found = [fault for fault in faults_of(row) if fault]
        faults += [f"{name}:{number}: {row['id']}: {fault}" for fault in found]
        if ID.match(row["id"]):
            by_rfc.setdefault(ID.match(row["id"]).group(1), []).append(row)

    totals = dict.fromkeys(STATUSES, 0)
    for rfc, rows in by_rfc.items():
        sentences = sentences_of(rfc) if (RFCS / f"rfc{rfc}.txt").exists() else {}
        if sentences:
            faults += missing_and_doubled(rfc, rows, sentences)
        tally = dict.fromkeys(STATUSES, 0)
        for row in rows:
            if row["status"] in tally:
                tally[row["status"]] += len(numbers_of(row, sentences))
            if row["status"] == "open" and not arguments.quiet:
                state = "in part" if row["implemented"] else "not implemented"
                print(f"{row['id']:24} {state:16} {row['rule']} ({row['note']})")
        by_rfc[rfc] = tally
        totals = {status: totals[status] + tally[status] for status in STATUSES}
    for rfc, tally in by_rfc.items():
        print(f"RFC {rfc}: " + ", ".join(f"{tally[status]} {status}" for status in STATUSES))
    print("In all: " + ", ".join(f"{totals[status]} {status}" for status in STATUSES)
          + ("" if RFCS.exists() else " (the RFCs' texts are not at hand: rows for whole sections are not counted)"))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
