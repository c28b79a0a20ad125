"""
What else `make soak` runs, in an ordinary build: whether the time of an answer tells who has an account, and how long the calls
of honest accounts take while somebody floods the server.
"""

import multiprocessing
import os
import pathlib
import sys
import time

import numpy as np
import programs
import pytest
from programs import Server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import test_flood  # noqa: E402
from sealine_e2e import Client  # noqa: E402

# -- who has an account ------------------------------------------------------------------------------------------------------------

CONNECTIONS = int(os.environ.get("SEALINE_SOAK_CONNECTIONS", "300"))
ROUNDS = 4  # of each connection, before its address is put off
# What a guesser with so many samples may be ahead of chance by, telling a known name from an unknown one by one answer ...
EDGE = 0.04
# ... and by how much the medians may differ. The work for an answer is some 40 us; a look-up that is spared would be 1 us, a hash 1 to 3.
BOUND_US = 10
QUIET = """
domains: [localhost]
listen: ["tls:127.0.0.1:0", "tcp:127.0.0.1:0"]
workers: 1
limits: {ban-points: 0}
"""


class Guesser(Client):
    """Wrong passwords for whom it is told, from an address of its own."""

    def __init__(self, server, transport, number):
        source = f"127.{1 + number // 60000}.{number // 240 % 250}.{1 + number % 240}"
        tls = transport == "tls"
        super().__init__(server.port(transport), server.ca, "known0@localhost", "a guess", tls, source=source)
        self.challenge = self.ask_once([])

    def ask_once(self, headers):
        self.send(self.request("REGISTER", f"{self.scheme}:localhost", to=f"{self.scheme}:{self.user}@localhost", headers=headers))
        return self.final()

    def guess(self, user):
        """How long the answer takes, in us."""
        self.user, self.aor = user, f"{user}@localhost"
        line = self.answer_to(self.challenge, "REGISTER", f"{self.scheme}:localhost")
        text = self.request("REGISTER", f"{self.scheme}:localhost", to=f"{self.scheme}:{self.aor}", headers=[line]).encode()
        began = time.perf_counter_ns()
        self.sock.sendall(text)
        answer = self.sock.recv(65536)
        took = time.perf_counter_ns() - began
        assert answer.startswith(b"SIP/2.0 401 ") and answer.endswith(b"\r\n\r\n"), answer
        return took / 1000


def edge(a, b):
    """How far P(a > b) is from a half: Mann and Whitney's U over n*m, ties counted half."""
    both = np.concatenate([a, b])
    _, where, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    u = ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2
    return u / (len(a) * len(b)) - 0.5


def difference(a, b, chance):
    """Of the medians, with what 95 % of bootstrap samples have."""
    samples = [np.median(chance.choice(a, len(a))) - np.median(chance.choice(b, len(b))) for _ in range(1000)]
    return np.median(a) - np.median(b), *np.percentile(samples, (2.5, 97.5))


def is_alike(known, unknown):
    return abs(edge(known, unknown)) <= EDGE and abs(np.median(known) - np.median(unknown)) <= BOUND_US


@pytest.mark.timeout(600)
@pytest.mark.parametrize("transport", ["tls", "tcp"])
def test_the_time_of_an_answer_does_not_tell_who_has_an_account(tmp_path, transport, capsys):
    (tmp_path / "sealined.yaml").write_text(QUIET)
    times = {"known": [], "unknown": []}
    chance = np.random.default_rng(1)
    with Server(tmp_path / "state", listen=(), options=("-c", tmp_path / "sealined.yaml")) as server:
        for n in range(10):
            server.add_account(f"known{n}@localhost", f"the password of {n}")
        for number in range(CONNECTIONS):
            with Guesser(server, transport, number) as guesser:
                guesser.guess("warming0")
                for turn in range(ROUNDS):
                    # names of one length, in changing order
                    pair = [("known", f"known{number % 10}"), ("unknown", f"other{number % 10}")]
                    for kind, user in pair if (number + turn) % 2 else reversed(pair):
                        times[kind].append(guesser.guess(user))
        assert server.stop() == 0
    known, unknown = (np.array(times[kind]) for kind in ("known", "unknown"))
    by, low, high = difference(known, unknown, chance)
    # one more round of the work for an answer would be seen, and half of it
    assert not is_alike(known + 20, unknown)
    with capsys.disabled():
        print(
            f"\n{transport}: {len(known)} answers each; known {np.median(known):.1f} us, unknown {np.median(unknown):.1f} us (medians), "
            f"{by:+.1f} us (95 %: {low:+.1f} to {high:+.1f}); edge {edge(known, unknown):+.3f} (bound {EDGE}), {BOUND_US} us"
        )
    assert is_alike(known, unknown)


# -- calls in a flood --------------------------------------------------------------------------------------------------------------

P99_MS = 200


def flood_when_told(flood, server, told):
    told.wait()
    flood(server)


@pytest.mark.timeout(900)
def test_honest_calls_in_a_flood_are_set_up_in_time(tmp_path, capsys):
    """The flood comes from a process of its own, so that Python does not make the calls wait."""
    processes = multiprocessing.get_context("fork")
    all_times, lines = [], []
    (tmp_path / "sealined.yaml").write_text(test_flood.CONFIG)
    with Server(tmp_path / "state", listen=(), options=("-c", tmp_path / "sealined.yaml")) as server:
        for aor, password in test_flood.PASSWORDS.items():
            server.add_account(aor, password)
        for flood in test_flood.FLOODS:
            told = processes.Event()
            attacker = processes.Process(target=flood_when_told, args=(flood, server, told))
            attacker.start()
            with test_flood.Honest(server) as honest:
                while len(honest.statuses) < 3:
                    time.sleep(0.05)
                first = len(honest.times)
                told.set()
                # some floods are over in a moment, and the server may be at their end for longer
                until = time.monotonic() + 3
                while attacker.is_alive() or time.monotonic() < until:
                    time.sleep(0.1)
                times = 1000 * np.array(honest.times[first:])
            attacker.join()
            assert attacker.exitcode == 0, flood.__name__
            assert set(honest.statuses) == {200}, (flood.__name__, honest.statuses)
            lines.append(f"{flood.__name__:16} {len(times):5} calls, median {np.median(times):6.1f} ms, most {times.max():6.1f} ms")
            all_times.extend(times)
        assert server.stop() == 0
    p99 = np.percentile(all_times, 99)
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\nall of them: {len(all_times)} calls, none failed; p50 {np.median(all_times):.1f} ms, p99 {p99:.1f} ms")
    assert p99 < P99_MS * programs.slow(1)
