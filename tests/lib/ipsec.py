"""IPsec between two machines of a test, in user space: strongSwan's charon with kernel-libipsec, which needs a tun device and nothing of the kernel."""

import os
import pathlib
import shutil
import subprocess
import time

from programs import Program, run, slow

CHARON = "/usr/sbin/charon-systemd"
PLUGINS = "/usr/lib/ipsec/plugins"
INTERFACE = "ipsec0"  # that kernel-libipsec makes


def can_run():
    """None, or the reason why not."""
    if not pathlib.Path(CHARON).exists() or not shutil.which("swanctl"):
        return "charon-systemd and strongswan-swanctl are not installed"
    for plugin in ("kernel-libipsec", "kernel-netlink", "vici", "openssl"):
        if not pathlib.Path(PLUGINS, f"libstrongswan-{plugin}.so").exists():
            return f"strongSwan's plugin {plugin} is not installed"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun cannot be used: {error.strerror}"
    return None


SETTINGS = """
charon-systemd {{
    load_modular = yes
    port = 500
    port_nat_t = 4500
    install_virtual_ip = no
    journal {{ default = -1 }}
    filelog {{ stderr {{ default = 1 }} }}
    plugins {{
        vici {{
            load = yes
            socket = unix://{path}/vici
        }}
        kernel-libipsec {{ load = yes }}
        kernel-netlink {{ load = yes }}
        socket-default {{ load = yes }}
        openssl {{ load = yes }}
        nonce {{ load = yes }}
        random {{ load = yes }}
        hmac {{ load = yes }}
        kdf {{ load = yes }}
        sha2 {{ load = yes }}
        aes {{ load = yes }}
        gcm {{ load = yes }}
    }}
}}
swanctl {{ load = openssl random nonce }}
"""

CONNECTION = """
connections {{
    link {{
        version = 2
        proposals = aes256-sha256-ecp256
        local_addrs = {outer}
        remote_addrs = {other_outer}
        encap = yes
        local {{
            auth = psk
            id = {outer}
        }}
        remote {{
            auth = psk
            id = {other_outer}
        }}
        children {{
            link {{
                local_ts = {inner}/32
                remote_ts = {other_inner}/32
                esp_proposals = aes256-sha256-ecp256
                start_action = trap
            }}
        }}
    }}
}}
secrets {{ ike {{ secret = "a secret of the test" }} }}
"""


class Charon(Program):
    """One end: its machine is a network namespace; outer and inner are addresses of it, and of the other end."""

    def __init__(self, path, machine, outer, inner, other_outer, other_inner):
        self.path, self.machine = path, machine
        path.mkdir(parents=True)
        (path / "strongswan.conf").write_text(SETTINGS.format(path=path))
        (path / "swanctl.conf").write_text(
            CONNECTION.format(outer=outer, inner=inner, other_outer=other_outer, other_inner=other_inner)
        )
        self.env = {"STRONGSWAN_CONF": str(path / "strongswan.conf")}
        super().__init__([CHARON], name="charon", netns=machine, env=self.env)
        deadline = time.monotonic() + slow(10)
        while not (path / "vici").exists() and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.1)
        self.command("--load-all", "--file", path / "swanctl.conf")

    def command(self, *words):
        status, text, errors = run(["swanctl", *words, "--uri", f"unix://{self.path}/vici"], netns=self.machine, env=self.env)
        assert status == 0, f"swanctl {words}: {text}{errors}\n{self.output}"
        return text

    def initiate(self):
        self.command("--initiate", "--child", "link", "--timeout", "20")


def make_tun(machine):
    """A probe: None, or why the kernel makes no tun device in there."""
    made = subprocess.run(["ip", "-n", machine.name, "tuntap", "add", "probe0", "mode", "tun"], capture_output=True, text=True)
    if made.returncode:
        return f"no tun device can be made in a network namespace: {made.stderr.strip()}"
    subprocess.run(["ip", "-n", machine.name, "link", "del", "probe0"], check=True)
    return None
