"""The other implementations, each with a configuration that was made for the test at hand."""

import pathlib
import subprocess
import time

import netns as network
import programs

DOMAIN = "sealine.test"


class Kamailio(programs.Program):
    """Debian's kamailio as registrar and proxy for a domain over TLS; a user's password is secret-of-USER.

    With the address of a next hop it is a member of a network of domains: what those addresses send goes to its users, and what its
    users ask of another domain goes to that URI. It does not ask for passwords then: its module auth crashes now and then. With alias it
    goes by connections of others who say so in their Via (RFC 5923)."""

    def __init__(self, netns, certificate, path, algorithm="SHA-256", domain=DOMAIN, address=network.ADDRESS, peer="none", next_hop=None, alias=False):
        path.mkdir()
        (path / "run").mkdir()
        self.address = address
        pair = f"certificate = {certificate / 'server.pem'}\nprivate_key = {certificate / 'server.key'}\n"
        verify = f"verify_certificate = yes\nca_list = {certificate / 'ca.pem'}\nrequire_certificate = yes\n"
        leave = "verify_certificate = no\nrequire_certificate = no\n"
        (path / "tls.cfg").write_text(
            f"[server:default]\nmethod = TLSv1.2+\n{pair}{leave}[client:default]\nmethod = TLSv1.2+\n{pair + verify if next_hop else leave}"
        )
        template = (pathlib.Path(__file__).parent / "kamailio.cfg").read_text()
        names = {"ADDRESS": address, "DOMAIN": domain, "TLS": path / "tls.cfg", "ALGORITHM": algorithm, "PEER": peer, "NEXT": next_hop}
        for name, value in names.items():
            template = template.replace(f"@{name}@", str(value))
        (path / "kamailio.cfg").write_text(template)
        words = ["-f", path / "kamailio.cfg", "-DD", "-E", "-w", path, "-Y", path / "run", "-P", path / "pid"]
        super().__init__(["kamailio", *words, *(() if next_hop else ("-A", "DIGEST")), *(("-A", "ALIAS") if alias else ())], netns=netns)
        self._wait_until_listening(netns)

    def _wait_until_listening(self, netns):
        for _ in range(100):
            status, _, _ = programs.run(
                ["python3", "-c", f"import socket; socket.create_connection(('{self.address}', 5061), 1)"], netns=netns
            )
            if status == 0:
                return
        raise AssertionError("kamailio does not listen:\n" + self.output)


class Baresip(programs.Program):
    """Debian's baresip: plays a WAV file into every call, answers by itself or not, writes what it hears beside its configuration."""

    def __init__(self, netns, certificate, path, user, play, srtp=True, answers=True, opus=False):
        path.mkdir()
        self.path = path
        mode = "auto" if answers else "manual"
        codec, name = ("opus", "opus/48000/2") if opus else ("g711", "pcmu")
        (path / "config").write_text(
            "poll_method epoll\n"
            f"sip_listen {network.ADDRESS}:0\n"
            f"sip_certificate {certificate / 'both.pem'}\n"
            f"sip_cafile {certificate / 'ca.pem'}\n"
            f"audio_source aufile,{play}\n"
            f"audio_player aufile,{path / 'player.wav'}\n"
            f"audio_alert aufile,{play}\n"
            f"snd_path {path}\n"
            "rtp_ports 20000-20100\n"
            "net_interface sip0\n"
            "module_path /usr/lib/baresip/modules\n"
            f"module stdio.so\nmodule {codec}.so\nmodule srtp.so\nmodule aufile.so\nmodule sndfile.so\n"
            "module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n"
        )
        (path / "accounts").write_text(
            f"<sip:{user}@{DOMAIN};transport=tls>;auth_user={user};auth_pass=secret-of-{user}"
            f';outbound="sip:{network.ADDRESS}:5061;transport=tls";answermode={mode};regint=60;audio_codecs={name}'
            + (";mediaenc=srtp-mand" if srtp else "")
            + "\n"
        )
        (path / "contacts").touch()
        super().__init__(["baresip", "-f", path], netns=netns, stdin=subprocess.PIPE)

    def dial(self, uri):
        self.send_line(f"/dial {uri}")

    def answer(self):
        self.send_line("/accept")

    def hold(self):
        self.send_line("/hold")

    def resume(self):
        self.send_line("/resume")

    def transfer(self, uri):
        self.send_line(f"/transfer {uri}")

    def hang_up(self):
        self.send_line("/hangup")

    def quit(self):
        self.send_line("/quit")
        return self.wait(10)

    def heard(self):
        """The recording of the last call."""
        recordings = sorted(self.path.glob("dump-*-dec.wav"))
        assert recordings, "baresip has heard nothing:\n" + self.output
        return recordings[-1]


class Linphone(programs.Program):
    """
    Debian's linphonec, registered over TLS, with our CA configured; commands go to its standard input. It has a client certificate, since it
    asks its person for one otherwise, and takes the next command for the answer.
    """

    def __init__(self, netns, certificate, path, user):
        (path / ".local/share/linphone").mkdir(parents=True)
        (path / "linphonerc").write_text(
            "[sip]\n"
            f"root_ca={certificate / 'ca.pem'}\n"
            "verify_server_certs=1\nverify_server_cn=1\n"
            "sip_port=5070\nsip_tcp_port=5070\nsip_tls_port=5071\n"
            "default_proxy=0\nmedia_encryption=srtp\n"
            "[misc]\nauto_net_state_mon=0\n"
            "[video]\nenabled=0\n"
            "[proxy_0]\n"
            f"reg_proxy=<sip:{DOMAIN}:5061;transport=tls>\nreg_identity=sip:{user}@{DOMAIN}\nreg_expires=60\nreg_sendregister=1\n"
            "[auth_info_0]\n"
            f"username={user}\npasswd=secret-of-{user}\nrealm={DOMAIN}\ndomain={DOMAIN}\n"
            f"client_cert_chain={certificate / 'server.pem'}\nclient_cert_key={certificate / 'server.key'}\n"
        )
        super().__init__(["linphonec", "-c", path / "linphonerc"], netns=netns, stdin=subprocess.PIPE, env={"HOME": str(path)})

    def registered(self):
        """Asks until it says so, or fails. It gets on with its work only while nobody types."""
        for _ in range(5):
            time.sleep(programs.slow(3))
            before = len(self.lines)
            self.send_line("status register")
            if "registered, identity" in self.wait_for(r"registered, identity|registered=", 5, since=before):
                return True
        return False
