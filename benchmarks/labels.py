"""How much time and memory `labels export` takes: `python -m benchmarks.labels [LABELS]`.

The labels are acts in the ledger of a separate PostgreSQL, spread over a year, one in twenty corrected. There are no
verdicts, so the other tables are empty. Each export to a new folder runs in a process of its own, so that its peak
memory can be measured. It runs with a tenth of the labels and with all of them, to show whether memory grows. The last
figure is that of an export that finds nothing but one new label.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg

from benchmarks.rig.apart import figures_apart
from benchmarks.rig.machine import spread
from benchmarks.rig.own_database import own_database
from domain.canonical import canonical, sha256, timestamp
from domain.outcomes import OutcomeClass
from millwright.labels.exporting import export
from millwright.labels.place import open_place
from millwright.storage.database.engine import open_engine
from millwright.storage.reporting.labels import open_training_rows
from tests.support.training_record import BEGIN, a_label

LABELS = 100_000
_CORRECTED = 20
"""One label in so many is corrected by the next act."""
_EVIDENCE = 12
_YEAR = timedelta(days=365)
_RUNS = 5
_CLASSES = [outcome for outcome in OutcomeClass if outcome.finding]


def acts(first: int, last: int, total: int) -> Iterator[tuple[object, ...]]:
    """The acts of labels, as the ledger has them."""
    for number in range(first, last):
        corrects = number % _CORRECTED == _CORRECTED - 1
        case = number - 1 if corrects else number
        at = BEGIN + _YEAR * number / total
        label = a_label(
            f"MW{case:08d}",
            asset=f"machine-{case % 500:03d}-comp1",
            outcome=_CLASSES[number % len(_CLASSES)],
            revision=2 if corrects else 1,
            evidence=tuple(f"adx|DetectAnomalies-{case}-{index}" for index in range(_EVIDENCE)),
            evidence_count=_EVIDENCE,
        )
        subject = f"case/{label.case}"
        told = {"kind": "label-made", "subject": subject, "actor": "millwright", "at": timestamp(at)}
        body = canonical({**told, "detail": {"label": label}})
        yield "label-made", subject, "millwright", at, body.decode(), sha256(body), number + 1, 0


def fill(url: str, first: int, last: int, total: int) -> None:
    """Adds acts, and a ledger row for each; the rows are numbered and not chained."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY acts (kind, subject, actor, at, body, digest, ledger_seq, leaf) FROM STDIN") as copy:
            for act in acts(first, last, total):
                copy.write_row(act)
        cursor.execute(
            "INSERT INTO ledger (seq, at, leaves, root, previous, hash) "
            "SELECT ledger_seq, at, 1, digest, digest, digest FROM acts WHERE ledger_seq > %s",
            (first,),
        )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE acts, ledger")


async def run_export(url: str, folder: str) -> None:
    """Runs one export, and prints its figures as JSON on one line."""
    engine = open_engine(url)
    began, worked = time.perf_counter(), time.process_time()
    async with open_training_rows(engine) as record:
        manifest = await export(open_place(folder), record, None, BEGIN, "benchmark")
    seconds, own = time.perf_counter() - began, time.process_time() - worked
    await engine.dispose()
    files = manifest.tables["labels"].files if manifest else ()
    figures = {
        "seconds": seconds,
        "ours": own,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": sum(file.rows for file in files),
        "bytes": sum(file.bytes for file in files),
        "files": len(files),
    }
    print(json.dumps(figures), flush=True)


async def exported(url: str, folder: Path) -> dict[str, float]:
    """The figures of one export."""
    return await figures_apart("benchmarks.labels", "--export", url, str(folder))


def tell(what: str, runs: list[dict[str, float]]) -> None:
    """Prints the figures of several exports of the same record."""
    last = runs[-1]
    print(
        f"{what}: {last['rows']:,} labels in {last['files']} files, {last['bytes'] / 1e6:.1f} MB; n = {len(runs)}; "
        f"{spread([run['seconds'] for run in runs], '{:.2f}')} s, of it ours "
        f"{spread([run['ours'] for run in runs], '{:.2f}')} s; peak {spread([run['peak'] for run in runs])} MB",
        flush=True,
    )


async def run(labels: int, url: str, home: Path) -> None:
    done = 0
    for number in (labels // 10, labels):
        fill(url, done, number, labels)
        done = number
        tell("whole", [await exported(url, home / f"{number}-{index}") for index in range(_RUNS)])
    fill(url, labels, labels + 1, labels)
    folders = [home / f"{labels}-{index}" for index in range(_RUNS)]
    tell("one new label, all", [await exported(url, folder) for folder in folders])


def main() -> None:
    if sys.argv[1:2] == ["--export"]:
        asyncio.run(run_export(sys.argv[2], sys.argv[3]))
        return
    labels = int(sys.argv[1]) if sys.argv[1:] else LABELS
    with own_database() as (url, home):
        asyncio.run(run(labels, url, home / "datasets"))


if __name__ == "__main__":
    main()
