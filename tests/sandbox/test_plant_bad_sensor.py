"""The story of the sensor that goes bad: impossible readings, and normal ones after the repair."""

from itertools import pairwise

from sandbox.plant.bad_sensor import BEGINS_AFTER, READINGS, REPAIRED_AFTER, bad_sensor_rows
from sandbox.plant.dataset import HOUR
from sandbox.plant.detector import Detector
from sandbox.plant.generator import generate
from sandbox.plant.timetable import timetable
from sandbox.twins.graph import PlantMachine, criticalities


def test_one_sensor_that_is_not_of_criticality_a_reads_what_is_impossible_and_then_what_is_normal() -> None:
    plant = generate(8, machines=8, days=60)
    rows = list(bad_sensor_rows(plant))
    begins = plant.first + BEGINS_AFTER
    bad, sound = rows[:READINGS], rows[READINGS:]
    assert len({(row.machine, row.signal.name) for row in rows}) == 1
    assert [row.time for row in bad] == [begins + hour * HOUR for hour in range(READINGS)]
    assert sound[0].time == begins + REPAIRED_AFTER
    assert all(first.time < then.time for first, then in pairwise(rows))
    assert all(row.mean > 400.0 for row in bad)
    assert all(row.mean < 400.0 and row.score < 1.0 for row in sound)
    machines = [PlantMachine(machine.id, machine.model, machine.age) for machine in plant.machines]
    assert criticalities(machines)[rows[0].machine] != "A"


def test_the_rows_of_the_story_leave_with_the_queries_of_the_detector() -> None:
    plant = generate(8, machines=8, days=60)
    leaving = [each for each in timetable(plant, Detector(plant), seed=1) if each.kind == "bad_sensor"]
    assert len({each.id for each in leaving}) == 2 * READINGS


def test_data_that_ends_before_the_story_has_none_of_it() -> None:
    assert list(bad_sensor_rows(generate(8, machines=8, days=30))) == []
