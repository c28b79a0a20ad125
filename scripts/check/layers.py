#!/usr/bin/python3
"""
Checks the includes of every source against docs/layers.txt, and the rules that stand beside it:
a room includes only the rooms on its line; an include names room/file.h and the file is there; a file's own header
comes first, then the system's, then ours; below the I/O line only headers of pure functions are included and
nothing is called that waits, reads a clock, or touches a file, socket, thread or the environment.
"""

import re

from sources import ROOT, report, tracked

INCLUDE = re.compile(r'#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')

# What a room below the I/O line may include of the system's; everything else opens, waits or shares.
PURE = set("""assert.h ctype.h endian.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdatomic.h
stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h time.h arpa/inet.h emmintrin.h
sanitizer/asan_interface.h""".split())
# ... and which libraries, as long as they only compute.
PURE_LIBRARY = {"crypto": "openssl/", "idn": "idn2.h", "rtp": "srtp2/", "ws": "wslay/"}
IMPURE_CALL = re.compile(
    r"(?<![\w.>])(?:time|clock|clock_gettime|gettimeofday|timespec_get|nanosleep|usleep|sleep|"
    r"fopen|freopen|fdopen|open|openat|creat|read|write|close|printf|vprintf|fprintf|vfprintf|puts|fputs|perror|"
    r"socket|connect|bind|listen|accept|send|sendto|recv|recvfrom|poll|select|getaddrinfo|"
    r"pthread_\w+|thrd_\w+|mtx_\w+|uv_\w+|fork|system|popen|getenv|setenv|syslog|exit)\s*\(")


def read_layers():
    """Room to the rooms it may include, and the set of rooms below the I/O line."""
    allowed, below, passed_line = {}, set(), False
    for line in (ROOT / "docs/layers.txt").read_text().splitlines():
        passed_line = passed_line or "=====" in line
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, rooms = line.split(":")
        allowed[room.strip()] = set(rooms.split())
        if not passed_line:
            below.add(room.strip())
    return allowed, below


def without_comments_and_texts(text):
    """The code with comments, string and character literals blanked; line numbers stay."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def includes_of(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_order(path, findings):
    """Own header, system's, ours; conditional blocks (an include that follows #if) are left alone."""
    includes = list(includes_of(path))
    own = path.with_suffix(".h")
    if path.suffix == ".c" and own.exists():
        name = f"{path.parent.name}/{own.name}"
        if not includes or includes[0][1] != name:
            findings.append((path, includes[0][0] if includes else 1, f'the first include is "{name}"'))
        includes = includes[1:]
    seen_ours = False
    for line, ours, system in includes:
        seen_ours = seen_ours or (bool(ours) and "/" in ours)
        if system and seen_ours and not is_conditional(path, line):
            findings.append((path, line, f"<{system}> stands after an include of ours"))


def is_conditional(path, line):
    depth = 0
    for text in path.read_text().splitlines()[:line]:
        depth += bool(re.match(r"#\s*if", text)) - bool(re.match(r"#\s*endif", text))
    return depth > 0


def check_ours(path, room, allowed, findings):
    for line, ours, _ in includes_of(path):
        if not ours:
            continue
        if not (ROOT / "src" / ours).is_file() or ours.count("/") != 1:
            if room is None and (ours == "harness.h" or (path.parent / ours).is_file()):
                continue
            findings.append((path, line, f'"{ours}" is no room/file.h of ours'))
        elif room and ours.split("/")[0] not in allowed[room] | {room}:
            findings.append((path, line, f'{room} may not include "{ours}" (docs/layers.txt)'))


def check_purity(path, room, findings):
    for line, _, system in includes_of(path):
        library = PURE_LIBRARY.get(room)
        if system and system not in PURE and not (library and system.startswith(library)):
            findings.append((path, line, f"<{system}> has no place below the I/O line"))
    code = without_comments_and_texts(path.read_text())
    for number, line in enumerate(code.splitlines(), 1):
        if line.startswith("#"):
            continue
        for call in IMPURE_CALL.findall(line):
            findings.append((path, number, f"{call} below the I/O line"))


def main():
    allowed, below = read_layers()
    findings = []
    for path in tracked("src/*.c", "src/*.h"):
        room = path.parent.name
        if room not in allowed or path.parent.parent != ROOT / "src":
            findings.append((path, 1, f"{room} has no line in docs/layers.txt"))
            continue
        check_ours(path, room, allowed, findings)
        check_order(path, findings)
        if room in below and path.name != "banned.h":
            check_purity(path, room, findings)
    for path in tracked("tests/*.c", "tests/*.h", "fuzz/*.c", "bench/*.c", "bench/*.h"):
        check_ours(path, None, allowed, findings)
    report(findings)


main()
