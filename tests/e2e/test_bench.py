"""The benchmarks clean up behind themselves, and do without what they only compare with."""

import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from programs import BUILD, ROOT, slow

sys.path.insert(0, str(ROOT / "bench"))

import compare  # noqa: E402
import endpoint  # noqa: E402
import growth  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("taskset"), reason="there is no taskset")


class Interrupted(compare.Server):
    """A process that runs, and an interrupt while its port is looked for."""

    def __init__(self, directory):
        super().__init__(["sleep", "600"], directory)

    def find_port(self):
        raise KeyboardInterrupt


def test_an_interrupt_while_a_server_starts_ends_it(tmp_path):
    server = Interrupted(tmp_path)
    with pytest.raises(KeyboardInterrupt), server:
        pass
    assert server.process.poll() is not None


def test_an_interrupt_while_sealined_starts_to_grow_ends_it(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(growth, "BUILD", BUILD)
    monkeypatch.setattr(growth, "wait_for", interrupt)
    server = growth.Sealined(tmp_path / "state")
    with pytest.raises(KeyboardInterrupt), server:
        pass
    assert server.process.poll() is not None


def test_an_interrupt_ends_the_load_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "BUILD", BUILD)
    monkeypatch.setattr(compare, "BUILD", BUILD)
    server = growth.Sealined(growth.make_state(tmp_path, 2))
    with pytest.raises(KeyboardInterrupt), server:
        load = server.load("idle", "--number", "2", "--duration", "600", wait=False)
        assert growth.wait_until(lambda: growth.connections_of(server) == 2, slow(20))
        raise KeyboardInterrupt
    assert load.poll() is not None and server.process.poll() is not None


# A benchmark with a directory and a server, which says where they are.
SCRIPT = """
import pathlib, sys, tempfile, time
import compare

class Sleeper(compare.Server):
    find_port = lambda self: 1

def main():
    with tempfile.TemporaryDirectory(prefix="sealine-bench-") as name, Sleeper(["sleep", "600"], pathlib.Path(name)) as server:
        print(server.process.pid, name, flush=True)
        time.sleep(600)

compare.run_script(main)
"""


@pytest.mark.parametrize("number, status", [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)], ids=["SIGINT", "SIGTERM"])
def test_a_benchmark_that_is_asked_to_end_takes_all_with_it(number, status):
    # a shell has what it runs in the background ignore SIGINT, and so would the benchmark
    heed = functools.partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=ROOT / "bench", stdout=subprocess.PIPE, text=True, preexec_fn=heed) as script:
        pid, name = script.stdout.readline().split()
        assert pathlib.Path(name).is_dir()
        script.send_signal(number)
        assert script.wait(slow(20)) == status
    assert not pathlib.Path(name).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "bench").glob("*.py")))
def test_every_benchmark_is_run_so(name):
    assert "run_script(main)" in (ROOT / "bench" / name).read_text()


@pytest.mark.parametrize("name", ["inner", "growth"])
def test_a_benchmark_without_a_build_says_so(tmp_path, name):
    argv = [sys.executable, ROOT / f"bench/{name}.py", *(["--only", "durability"] if name == "growth" else [])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=slow(20), env={**os.environ, "SEALINE_BUILD": str(tmp_path)})
    assert done.returncode == 1
    assert f"there is no {tmp_path}/" in done.stderr and "make build makes it" in done.stderr and len(done.stderr.splitlines()) == 1


class Namespace:
    def __init__(self, names):
        self.names, self.is_closed = names, False

    def close(self):
        self.is_closed = True


def test_an_interrupt_while_the_stage_of_the_phones_is_set_takes_it_down(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(endpoint.network, "Namespace", Namespace)
    monkeypatch.setattr(endpoint, "make_pki", interrupt)
    stage = endpoint.Stage(tmp_path)
    with pytest.raises(KeyboardInterrupt), stage:
        pass
    assert stage.netns.is_closed


def test_a_machine_without_kamailio_is_described_as_well(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert " cores, Linux " in compare.machine() and "kamailio" not in compare.machine()


def test_pairs_that_are_too_few_are_refused_before_anything_is_measured():
    done = subprocess.run([sys.executable, ROOT / "bench/signer.py", "--pairs", "1"], capture_output=True, text=True, timeout=slow(20))
    assert done.returncode == 2 and "--pairs 2" in done.stderr
