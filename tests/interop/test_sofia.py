"""Debian's sip-options of sofia-sip: asks the server what it can, over UDP and TCP, as somebody who has no account."""

import programs
import pytest
from conftest import need


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sip_options_is_told_what_the_server_can(transport, tmp_path):
    need("sip-options")
    with programs.Server(tmp_path / "state", listen=(f"{transport}:127.0.0.1:0",)) as server:
        uri = f"sip:127.0.0.1:{server.port(transport)};transport={transport}"
        status, output, errors = programs.run(["timeout", "20", "sip-options", "--all", "--bind=sip:127.0.0.1:*", uri])
        assert status == 0, output + errors
        assert "SIP/2.0 200 OK" in output + errors
        assert "Allow:" in output + errors
        assert server.stop() == 0
