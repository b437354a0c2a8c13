"""How the sandbox plant names one machine in each of its systems, and back.

The data calls a machine by an integer (`machineID`) and its parts `comp1` to `comp4`. Machine 17 is
`machine-017` in the twin graph, `PDM-017` on the devices, `M017` in the CMMS and `EQ-017` in the MES.
Every inverse raises `ValueError` for a name that its function cannot have made.
"""

from __future__ import annotations

import re
from typing import Final

SITE: Final = "BEDFORD"
LINES: Final = ("LINE-1", "LINE-2", "LINE-3")
COMPONENTS: Final = ("comp1", "comp2", "comp3", "comp4")
SIGNALS: Final = ("volt", "rotate", "pressure", "vibration")

_NUMBER: Final = r"(\d{3}|[1-9]\d{3,})"
_TWIN: Final = re.compile(rf"machine-{_NUMBER}")
_DEVICE: Final = re.compile(rf"PDM-{_NUMBER}")
_ASSET: Final = re.compile(rf"M{_NUMBER}")
_EQUIPMENT: Final = re.compile(rf"EQ-{_NUMBER}")
_COMPONENT_TWIN: Final = re.compile(rf"machine-{_NUMBER}-({'|'.join(COMPONENTS)})")
_COMPONENT_ASSET: Final = re.compile(rf"M{_NUMBER}-({'|'.join(COMPONENTS).upper()})")
_SENSOR_TWIN: Final = re.compile(rf"machine-{_NUMBER}-({'|'.join(SIGNALS)})")


def twin_id(machine: int) -> str:
    """17 → `machine-017`."""
    return f"machine-{machine:03d}"


def device_id(machine: int) -> str:
    """17 → `PDM-017`."""
    return f"PDM-{machine:03d}"


def assetnum(machine: int) -> str:
    """17 → `M017`, the machine's asset number in the CMMS."""
    return f"M{machine:03d}"


def equipment_id(machine: int) -> str:
    """17 → `EQ-017`, the machine's equipment id in the MES."""
    return f"EQ-{machine:03d}"


def component_twin_id(machine: int, component: str) -> str:
    """17, `comp2` → `machine-017-comp2`."""
    return f"machine-{machine:03d}-{_known(component, COMPONENTS)}"


def component_assetnum(machine: int, component: str) -> str:
    """17, `comp2` → `M017-COMP2`, the component's asset number in the CMMS."""
    return f"M{machine:03d}-{_known(component, COMPONENTS).upper()}"


def assetnums(machine: int) -> list[str]:
    """17 → `M017`, `M017-COMP1` to `M017-COMP4`: the machine and its components in the CMMS."""
    return [assetnum(machine), *(component_assetnum(machine, component) for component in COMPONENTS)]


def sensor_twin_id(machine: int, signal: str) -> str:
    """17, `volt` → `machine-017-volt`."""
    return f"machine-{machine:03d}-{_known(signal, SIGNALS)}"


def machine_of_twin_id(name: str) -> int:
    """`machine-017` → 17."""
    return _machine(_TWIN, name)


def machine_of_device_id(name: str) -> int:
    """`PDM-017` → 17."""
    return _machine(_DEVICE, name)


def machine_of_assetnum(name: str) -> int:
    """`M017` → 17."""
    return _machine(_ASSET, name)


def machine_of_equipment_id(name: str) -> int:
    """`EQ-017` → 17."""
    return _machine(_EQUIPMENT, name)


def component_of_twin_id(name: str) -> tuple[int, str]:
    """`machine-017-comp2` → 17, `comp2`."""
    return _machine_and_part(_COMPONENT_TWIN, name)


def component_of_assetnum(name: str) -> tuple[int, str]:
    """`M017-COMP2` → 17, `comp2`."""
    return _machine_and_part(_COMPONENT_ASSET, name)


def sensor_of_twin_id(name: str) -> tuple[int, str]:
    """`machine-017-volt` → 17, `volt`."""
    return _machine_and_part(_SENSOR_TWIN, name)


def _known(part: str, parts: tuple[str, ...]) -> str:
    if part not in parts:
        raise ValueError(f"{part!r} is none of {', '.join(parts)}")
    return part


def _machine(pattern: re.Pattern[str], name: str) -> int:
    match = pattern.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a name of the form {pattern.pattern}")
    return int(match[1])


def _machine_and_part(pattern: re.Pattern[str], name: str) -> tuple[int, str]:
    match = pattern.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not a name of the form {pattern.pattern}")
    return int(match[1]), match[2].lower()
