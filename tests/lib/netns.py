"""A network namespace of a test's own: one address that is not loopback, and a name server that knows the test's names."""

import os
import pathlib
import shutil
import subprocess

ADDRESS = "10.99.0.1"  # baresip takes no address of 127/8


def can_be_made():
    """None, or the reason why not."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "dnsmasq"):
        if not shutil.which(program):
            return f"{program} is not installed"
    probe = f"sealine-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], stderr=subprocess.DEVNULL).returncode:
        return "the kernel or the container forbids network namespaces"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


class Namespace:
    _count = 0

    def __init__(self, names=()):
        """names: host names that resolve to ADDRESS inside."""
        Namespace._count += 1
        self.name = f"sealine-{os.getpid()}-{Namespace._count}"
        self._etc = pathlib.Path("/etc/netns") / self.name
        self._ip("netns", "add", self.name)
        self._inside("link", "set", "lo", "up")
        self._inside("link", "add", "sip0", "type", "veth", "peer", "name", "sip1")
        self._inside("address", "add", f"{ADDRESS}/24", "dev", "sip0")
        self._inside("link", "set", "sip0", "up")
        self._inside("link", "set", "sip1", "up")
        self._etc.mkdir(parents=True)
        hosts = ["127.0.0.1 localhost", "::1 localhost"] + [f"{ADDRESS} {name}" for name in names]
        (self._etc / "hosts").write_text("\n".join(hosts) + "\n")
        (self._etc / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
        self._names = self._serve_names(names)

    def _serve_names(self, names):
        """dnsmasq, for programs that ask the name server themselves; its process."""
        argv = ["ip", "netns", "exec", self.name, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root"]
        argv += ["--pid-file=", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={ADDRESS}"]
        argv += [f"--address=/{name}/{ADDRESS}" for name in names]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True)

    def _inside(self, *words):
        self._ip("-n", self.name, *words)

    def close(self):
        self._names.terminate()
        self._names.wait()
        self._ip("netns", "del", self.name)
        shutil.rmtree(self._etc)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
