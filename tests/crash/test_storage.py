"""A SQLite file that can be read and not written: no readiness, no ack, no effect, and no loss when it can be written again (R15)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("taken", ["full", "locked"])
def test_r15_while_nothing_can_be_written_nothing_is_ready_acked_or_done(taken: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.crash.storage", taken, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-4000:]
    seen = json.loads(done.stdout)
    assert seen["ready before"] is None and "does not answer" in seen["ready"]
    assert not seen["acked"] and seen["effects"] == 0
    assert seen["ready after"] is None and seen["effects after"] == 1 and seen["faults"] == []
