"""A process that exports to disk is killed at each thing that it does to the disk. The last good manifest is in force.

A child process forks for each attempt. An audit hook of Python ends the fork with SIGKILL at the n-th event that
touches the dataset: the opening, renaming, linking, removal or making of a file or folder.
"""

import json
import subprocess
import sys
from pathlib import Path

CHILD = """
import asyncio, json, os, signal, sys
from datetime import timedelta
from pathlib import Path
from millwright.labels.exporting import export
from millwright.labels.place import open_place
from millwright.labels.verifying import verify
from tests.support.training_record import BEGIN, LedgerRow, MemoryRecord, a_label, a_window

folder = sys.argv[1]
EVENTS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "shutil.copyfile"}
ROWS = [LedgerRow(timedelta(hours=1), labels=(a_label(f"MW{n}"),), spans=(a_window(n),)) for n in range(2)]

def run(rows, kill_at=None):
    seen = 0
    def watch(event, arguments):
        nonlocal seen
        if event in EVENTS and any(str(each).startswith(folder) for each in arguments):
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    asyncio.run(export(open_place(folder), MemoryRecord(*rows), None, BEGIN, "millwright test"))

def forked(*arguments):
    child = os.fork()
    if not child:
        run(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

forked(ROWS[:1])
told = []
while True:
    ended = forked(ROWS, len(told) + 1)
    place = open_place(folder)
    told.append([ended, place.numbers(), verify(place).findings, verify(place).rows["labels"]])
    if ended == 0:
        break
    if place.numbers()[-1] == 2:
        (Path(folder) / "manifests" / "000002.json").unlink()
print(json.dumps(told))
"""
KILLED = -9
EVENTS_OF_AN_EXPORT = 15
"""Fewer than there are: three files, each written, renamed or linked, and settled with its folder."""


def test_a_dataset_on_disk_stays_whole_wherever_its_export_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", CHILD, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert [findings for _, _, findings, _ in told if findings] == []
    assert {ended for ended, *_ in told[:-1]} == {KILLED}
    assert {(tuple(numbers), labels) for _, numbers, _, labels in told[:-1]} == {((1,), 1), ((1, 2), 2)}
    assert told[-1] == [0, [1, 2], [], 2]
    assert len(told) > EVENTS_OF_AN_EXPORT
