"""What people and other systems write as a duration: ISO 8601, and nothing else that pydantic would read as one."""

import inspect
import pkgutil
from datetime import timedelta
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import connectors
import millwright.api
from domain.errors import Rejected
from domain.model import Duration
from domain.suppression import shelving_limits
from millwright.runtime.home import settings_from
from millwright.settings import Settings

MODULES = [
    "millwright.settings",
    "millwright.intake.envelope",
    *(found.name for found in pkgutil.walk_packages(millwright.api.__path__, "millwright.api.")),
    *(
        found.name
        for found in pkgutil.walk_packages(connectors.__path__, "connectors.")
        if found.name.endswith(".settings")
    ),
]
"""The modules with the models of settings, of requests and of our own events."""

NOT_ISO: tuple[object, ...] = ("05:00", "3600", 3600, 0.5, "P1M", "P1Y", "PT", "P", "1 day, 0:00:00", "+PT1H", "P1W2D")
_TYPE: TypeAdapter[timedelta] = TypeAdapter(Duration)


def _holds(annotation: object, wanted: object) -> bool:
    return annotation is wanted or any(_holds(part, wanted) for part in get_args(annotation))


FIELDS = [
    (model, name)
    for module in MODULES
    for _, model in inspect.getmembers(import_module(module), inspect.isclass)
    if issubclass(model, BaseModel) and model.__module__ == module
    for name, field in model.model_fields.items()
    if _holds(field.annotation, timedelta) and get_origin(field.annotation) is not dict
]


def _own(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return TypeAdapter(kind)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT1H", timedelta(hours=1)),
        ("P1D", timedelta(days=1)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("P2W", timedelta(days=14)),
        ("-PT5S", timedelta(seconds=-5)),
        (timedelta(hours=5), timedelta(hours=5)),
    ],
)
def test_iso_text_and_durations_are_read(text: object, length: timedelta) -> None:
    assert _TYPE.validate_python(text) == length


@pytest.mark.parametrize("value", NOT_ISO)
def test_anything_else_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValidationError, match="must be an ISO 8601 duration, such as PT8H or P1D"):
        _TYPE.validate_python(value)


def test_our_own_json_is_read_again() -> None:
    for length in (timedelta(hours=36), timedelta(milliseconds=1500), timedelta(days=300), timedelta()):
        assert _TYPE.validate_json(_TYPE.dump_json(length)) == length


@pytest.mark.parametrize("value", ["05:00", "3600", 3600])
@pytest.mark.parametrize(("model", "name"), FIELDS, ids=[f"{model.__name__}.{name}" for model, name in FIELDS])
def test_every_duration_of_settings_and_requests_is_iso_only(model: type[BaseModel], name: str, value: object) -> None:
    own = _own(model, name)
    assert own.validate_python("PT1H") == timedelta(hours=1)
    assert own.validate_python("P1D") == timedelta(days=1)
    with pytest.raises(ValidationError, match="ISO 8601 duration, such as PT8H"):
        own.validate_python(value)


def test_the_durations_of_all_settings_and_requests_are_found() -> None:
    found = {(model.__name__, name) for model, name in FIELDS}
    named = {("Settings", "work_window"), ("MaximoSettings", "timeout"), ("Shelve", "length"), ("LeadTime", "low")}
    assert named < found


@pytest.mark.parametrize("value", ["05:00", "3600"])
def test_a_setting_that_is_refused_is_named(value: str) -> None:
    with pytest.raises(Rejected, match="hold_interval: must be an ISO 8601 duration, such as PT8H") as refused:
        settings_from({"MILLWRIGHT_HOLD_INTERVAL": value})
    assert refused.value.fix == "set MILLWRIGHT_HOLD_INTERVAL"


@pytest.mark.parametrize("name", [name for model, name in FIELDS if model is Settings])
@pytest.mark.parametrize("value", ["PT0S", "-PT5M"])
def test_no_setting_is_nothing_or_less(name: str, value: str) -> None:
    """A negative interval would poll without a pause."""
    with pytest.raises(Rejected, match=f"{name}: .*greater than"):
        settings_from({f"MILLWRIGHT_{name.upper()}": value})


@pytest.mark.parametrize("value", ["05:00", "3600"])
def test_a_limit_of_shelving_is_iso_only(value: str) -> None:
    with pytest.raises(Rejected, match="is not a limit"):
        shelving_limits(f"A={value},B=P1D,C=P3D,D=P7D")


@pytest.mark.parametrize("value", ["05:00", "3600", "PT0S", "-PT5M"])
def test_a_promise_of_a_heartbeat_is_iso_only_and_more_than_nothing(value: str) -> None:
    with pytest.raises(Rejected, match="heartbeats"):
        settings_from({"MILLWRIGHT_HEARTBEATS": f'{{"plant/vibration": "{value}"}}'})
