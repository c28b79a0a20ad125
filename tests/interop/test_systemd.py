"""What systemd says of the unit that is installed with the server."""

import re
import subprocess

from conftest import need
from programs import BUILD


def test_the_unit_exposes_little():
    need("systemd-analyze")
    unit = BUILD / "sealined.service"
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    score = re.search(r"Overall exposure level for sealined.service: ([0-9.]+)", result.stdout)
    assert score and float(score.group(1)) <= 2.0, result.stdout
    assert result.returncode == 0
