"""Reading a data folder, in whatever dress it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from sandbox.plant.dataset import ComponentEvent, ErrorEvent, Machine, read_dataset
from sandbox.plant.generator import generate, write_dataset
from sandbox.plant.tables import DatasetError

MACHINES = "machineID,model,age\n7,model3,18\n9,model1,2\n"
ERRORS = (
    "datetime,machineID,errorID\n"
    "2015-01-01 08:00:00,7,error1\n"
    "2015-01-01 08:00:00,8,error1\n"
    "2016-01-01 00:00:00,7,error2\n"
)
FAILURES = "datetime,machineID,failure\n2015-01-02 06:00:00,7,comp2\n2015-02-02 06:00:00,7,comp1\n"
MAINT = "datetime,machineID,comp\n2014-06-01 06:00:00,7,comp2\n2015-01-02 06:00:00,7,comp2\n"
TELEMETRY = (
    "datetime,machineID,volt,rotate,pressure,vibration\n"
    "2015-01-01 06:00:00,7,170,440,100,40\n"
    "2015-01-01 08:00:00,7,172,450,101,41\n"
    "2015-01-01 07:00:00,7,171,445,102,42\n"
)


def at(day: int, hour: int) -> datetime:
    return datetime(2015, 1, day, hour, tzinfo=UTC)


def write(directory: Path, **replaced: str) -> Path:
    files = {
        "machines.csv": MACHINES,
        "errors.csv": ERRORS,
        "failures.csv": FAILURES,
        "maint.csv": MAINT,
        "telemetry.csv": TELEMETRY,
    }
    for name, text in files.items():
        (directory / name).write_text(replaced.get(name.removesuffix(".csv"), text))
    return directory


def test_a_folder_is_restricted_to_the_machines_and_the_span_of_its_telemetry(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path))
    assert dataset.machines == (Machine(7, "model3", 18),)
    assert (dataset.first, dataset.last) == (at(1, 6), at(1, 8))
    assert dataset.errors == (ErrorEvent(at(1, 8), 7, "error1"),)
    assert dataset.failures == (ComponentEvent(at(2, 6), 7, "comp2"),)
    assert dataset.replacements == (ComponentEvent(at(2, 6), 7, "comp2"),)
    assert dataset.telemetry[0, :, 0].tolist() == [170.0, 171.0, 172.0]


def test_file_names_may_carry_a_prefix_and_any_case(tmp_path: Path) -> None:
    write(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / f"PdM_{path.name.capitalize()}")
    assert read_dataset(tmp_path).hours == 3


def test_columns_may_come_in_any_order_and_case_beside_others(tmp_path: Path) -> None:
    write(tmp_path, machines="age,note,MODEL,machineid\n18,x,model3,7\n")
    assert read_dataset(tmp_path).machines == (Machine(7, "model3", 18),)


@pytest.mark.parametrize(
    "time", ["2015-01-01T06:00:00Z", "2015-01-01 07:00:00+01:00", "1/1/2015 6:00:00 AM", "2015-01-01 06:00"]
)
def test_times_come_in_several_dresses_and_without_a_zone_are_utc(tmp_path: Path, time: str) -> None:
    write(tmp_path, telemetry=TELEMETRY.splitlines()[0] + f"\n{time},7,170,440,100,40\n")
    assert read_dataset(tmp_path).first == at(1, 6)


def test_a_reading_between_two_hours_counts_to_the_later_one(tmp_path: Path) -> None:
    rows = ["2015-01-01 06:00:00,7,170,440,100,40", "2015-01-01 06:10:00,7,171,440,100,40"]
    write(tmp_path, telemetry="\n".join([TELEMETRY.splitlines()[0], *rows, "2015-01-01 07:00:00,7,173,440,100,40\n"]))
    assert read_dataset(tmp_path).telemetry[0, :, 0].tolist() == [170.0, 172.0]


def test_an_hour_or_a_cell_without_a_reading_is_not_a_number(tmp_path: Path) -> None:
    write(tmp_path, telemetry=TELEMETRY.replace("172,", ",").replace("2015-01-01 07", "2015-01-01 05"))
    dataset = read_dataset(tmp_path)
    assert np.isnan(dataset.telemetry[0, :, 0]).tolist() == [False, False, True, True]


def test_machine_numbers_may_be_of_any_size(tmp_path: Path) -> None:
    number = 10**21
    write(
        tmp_path,
        telemetry=TELEMETRY.replace(",7,", f",{number},"),
        machines=f"machineID,model,age\n{number},model3,18\n",
    )
    assert read_dataset(tmp_path).machines[0].id == number


@pytest.mark.parametrize("kind", [pa.int16(), pa.int64(), pa.float64(), pa.string()])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_telemetry_may_be_parquet_of_several_types(tmp_path: Path, kind: pa.DataType, unit: str) -> None:
    write(tmp_path)
    (tmp_path / "telemetry.csv").unlink()
    columns = {
        "datetime": pa.array([datetime(2015, 1, 1, 6), datetime(2015, 1, 1, 7)], pa.timestamp(unit)),  # noqa: DTZ001 the files' times are naive
        "machineID": pa.array([7, 7]).cast(kind),
        **{name: pa.array([1.0, 2.0]) for name in ("volt", "rotate", "pressure", "vibration")},
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "telemetry_1x1d.parquet")
    dataset = read_dataset(tmp_path)
    assert [machine.id for machine in dataset.machines] == [7]
    assert dataset.telemetry[0, :, 3].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"telemetry": TELEMETRY.replace("172", "high")}, "telemetry.csv: column volt, row 3: 'high' is not a number"),
        ({"telemetry": TELEMETRY.replace("2015-01-01 08", "yesterday")}, "telemetry.csv: column datetime, row 3"),
        ({"telemetry": TELEMETRY.replace("volt,", "")}, "telemetry.csv"),
        ({"telemetry": TELEMETRY.replace("volt", "power")}, "telemetry.csv: column volt is missing"),
        ({"telemetry": TELEMETRY.splitlines()[0] + "\n"}, "telemetry.csv: there is no row of telemetry"),
        ({"telemetry": ""}, "telemetry.csv: column datetime is missing"),
        ({"telemetry": TELEMETRY.replace("2015-01-01 08", "2099-01-01 08")}, "column datetime: spans 84 years"),
        ({"errors": ERRORS.replace(",8,", ",eight,")}, "errors.csv: column machineID, row 3: 'eight' is not a whole"),
        ({"errors": ERRORS.replace(",error2", ",")}, "errors.csv: column errorID, row 4: is empty"),
        ({"failures": FAILURES.replace("comp1", "comp9")}, "failures.csv: column failure, row 3: 'comp9' is none of"),
        ({"machines": MACHINES.replace("7,", "17,")}, "machines.csv: column machineID: machine 7 of the telemetry"),
        ({"maint": MAINT + "2015-01-02 06:00:00,7\n"}, "maint.csv"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_column_and_row(
    tmp_path: Path, replaced: dict[str, str], words: str
) -> None:
    write(tmp_path, **replaced)
    with pytest.raises(DatasetError) as refused:
        read_dataset(tmp_path)
    assert words in str(refused.value)


@pytest.mark.parametrize("absent", ["machines", "errors", "failures", "maint", "telemetry"])
def test_an_absent_file_is_named(tmp_path: Path, absent: str) -> None:
    (write(tmp_path) / f"{absent}.csv").unlink()
    with pytest.raises(DatasetError, match=absent):
        read_dataset(tmp_path)


def test_what_the_generator_writes_reads_as_what_it_made(tmp_path: Path) -> None:
    made = generate(3, machines=3, days=20)
    write_dataset(made, tmp_path)
    read = read_dataset(tmp_path)
    assert (read.machines, read.first, read.last) == (made.machines, made.first, made.last)
    assert (read.errors, read.failures, read.replacements) == (made.errors, made.failures, made.replacements)
    assert np.array_equal(read.telemetry, made.telemetry)
    assert (made.label, read.label) == ("generated", "azure-pdm")
