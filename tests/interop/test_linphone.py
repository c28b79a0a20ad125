"""Debian's linphone-cli, which checks the certificate's name, registers at sealined over TLS."""

from conftest import DOMAIN, need
from peers import Linphone


def test_linphone_registers_over_tls_with_our_ca(make_server, netns, certificate, tmp_path):
    need("linphonec")
    server = make_server()
    server.add_account(f"carol@{DOMAIN}", "secret-of-carol")
    with Linphone(netns, certificate, tmp_path / "linphone", "carol") as carol:
        assert carol.registered(), carol.output + "\n" + server.output
        carol.send_line("quit")
        carol.wait(15)
    server.wait_for(rf"register\.ok.*carol@{DOMAIN}", 5)
