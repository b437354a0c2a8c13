"""One machine, its names in each system, and back."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import naming

MACHINES = st.integers(min_value=0, max_value=99_999)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (naming.twin_id(17), "machine-017"),
        (naming.device_id(17), "PDM-017"),
        (naming.assetnum(17), "M017"),
        (naming.equipment_id(17), "EQ-017"),
        (naming.component_twin_id(17, "comp2"), "machine-017-comp2"),
        (naming.component_assetnum(17, "comp2"), "M017-COMP2"),
        (naming.sensor_twin_id(17, "volt"), "machine-017-volt"),
        (naming.twin_id(1234), "machine-1234"),
    ],
)
def test_names_have_the_plant_s_form(name: str, expected: str) -> None:
    assert name == expected


@given(MACHINES)
def test_every_machine_name_leads_back_to_its_machine(machine: int) -> None:
    assert naming.machine_of_twin_id(naming.twin_id(machine)) == machine
    assert naming.machine_of_device_id(naming.device_id(machine)) == machine
    assert naming.machine_of_assetnum(naming.assetnum(machine)) == machine
    assert naming.machine_of_equipment_id(naming.equipment_id(machine)) == machine


@given(MACHINES, st.sampled_from(naming.COMPONENTS), st.sampled_from(naming.SIGNALS))
def test_every_part_name_leads_back_to_its_machine_and_part(machine: int, component: str, signal: str) -> None:
    assert naming.component_of_twin_id(naming.component_twin_id(machine, component)) == (machine, component)
    assert naming.component_of_assetnum(naming.component_assetnum(machine, component)) == (machine, component)
    assert naming.sensor_of_twin_id(naming.sensor_twin_id(machine, signal)) == (machine, signal)


@pytest.mark.parametrize(
    ("inverse", "name"),
    [
        (naming.machine_of_twin_id, "machine-17"),
        (naming.machine_of_twin_id, "machine-017-comp1"),
        (naming.machine_of_twin_id, "machine-0017"),
        (naming.machine_of_device_id, "M017"),
        (naming.machine_of_assetnum, "M017-COMP1"),
        (naming.machine_of_equipment_id, "EQ-"),
        (naming.component_of_twin_id, "machine-017-comp5"),
        (naming.component_of_assetnum, "M017-comp1"),
        (naming.sensor_of_twin_id, "machine-017-comp1"),
    ],
)
def test_a_name_of_another_form_is_refused(inverse: Callable[[str], object], name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        inverse(name)


@pytest.mark.parametrize("make", [naming.component_twin_id, naming.component_assetnum, naming.sensor_twin_id])
def test_an_unknown_part_is_refused(make: Callable[[int, str], str]) -> None:
    with pytest.raises(ValueError, match="none of"):
        make(17, "gearbox")
