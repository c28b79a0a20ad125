"""What /proc says of a program's processes."""

import pathlib


def children(pid):
    """The pids of its child processes by their names."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found[pathlib.Path(f"/proc/{child}/comm").read_text().strip()] = int(child)
    return found


def is_alive(pid):
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


PAGE, PIECE = 4096, 1 << 21


def _pieces(pid):
    """(start, end) of whatever the process has in memory or swapped out, in pieces of at most PIECE."""
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights = line.split()[:2]
            start, end = (int(half, 16) for half in where.split("-"))
            if "r" not in rights or "[v" in line or end - start > 1 << 34:  # a sanitizer's shadow has terabytes, and no bytes of ours
                continue
            for at in range(start, end, PIECE):
                until = min(at + PIECE, end)
                pagemap.seek(at // PAGE * 8)
                entries = pagemap.read((until - at) // PAGE * 8)
                if any(entry & 0xC0 for entry in entries[7::8]):  # present, or swapped
                    yield at, until


def memory_has(pid, needles):
    """Which of the byte strings are anywhere in the memory of the process."""
    found = set()
    longest = max(map(len, needles))
    before, tail = 0, b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in _pieces(pid):
            try:
                memory.seek(start)
                piece = memory.read(end - start)
            except OSError:  # it went away meanwhile
                continue
            text = (tail if before == start else b"") + piece
            found.update(needle for needle in needles if needle in text)
            before, tail = end, piece[-longest:]
    return found


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
