"""Processes of our own."""

import os
import sys
from pathlib import Path

import pytest

from millwright.runtime.embedded.processes import Process


@pytest.mark.parametrize(("yields", "nice"), [(True, 10), (False, 0)])
def test_a_process_that_yields_comes_last(tmp_path: Path, yields: bool, nice: int) -> None:
    process = Process("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path, yields=yields)
    process.start()
    try:
        assert process.pid is not None
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == (nice or ours)
        group = Path(f"/proc/{process.pid}/autogroup")
        if group.exists():
            assert group.read_text(encoding="ascii").split()[-1] == str(nice)
    finally:
        process.kill()
