"""Where a site differs from what the settings name and our orders have: a sentence each, and none where it fits."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.cmms.maximo import MaximoSettings
from connectors.cmms.maximo.models import ObjectSchema, StatusChoice
from connectors.cmms.maximo.schema import SENT, differences
from domain.errors import ActionRequired
from millwright.bootstrap import Systems
from millwright.cli.doctor import check_schemas
from tests.connectors.test_maximo_requests import SETTINGS
from tests.connectors.test_odoo_cmms_requests import site

STATUSES = [StatusChoice(value="FREI", maxvalue="APPR"), StatusChoice(value="CAN", maxvalue="CAN")]


def schema(*required: str, without: Sequence[str] = (), **more: Any) -> ObjectSchema:
    fields = {name: {"type": "string"} for name in SENT if name not in without} | more
    return ObjectSchema.model_validate({"properties": fields, "required": required})


def maximo(**more: str) -> MaximoSettings:
    return SETTINGS.model_copy(update=more)


def test_a_site_that_fits_has_no_difference() -> None:
    fits = schema("siteid", "wonum", "status", wonum={"type": "string"}, istask={"type": "boolean"})
    assert list(differences(fits, STATUSES, maximo(approved_status="frei"))) == []
    assert list(differences(fits, None, maximo())) == []


def test_a_renamed_status_is_named_with_the_sites_names() -> None:
    found = list(differences(schema(), STATUSES, maximo(cancelled_status="FREI")))
    assert found == [
        "the setting approved_status names 'APPR', which Maximo does not offer; its names for APPR are: FREI",
        "the setting cancelled_status names 'FREI', which is APPR there; its names for CAN are: CAN",
    ]


def test_a_required_field_that_we_do_not_fill_and_a_missing_one_are_named() -> None:
    required = schema("x_crew", "estdur", without=["worktype"], x_crew={"type": "string"}, estdur={"type": "number"})
    assert list(differences(required, None, maximo())) == [
        "the object structure of work orders has no field worktype, which Millwright sends; add it there",
        (
            "the site requires the field x_crew, which Millwright does not fill; give it a default there, or orders "
            "are refused"
        ),
    ]


def test_a_schema_that_may_not_be_read_is_said() -> None:
    (words,) = differences(None, None, maximo())
    assert words.startswith("our user may not read the schema of work orders")


async def test_odoo_names_the_sites_own_required_fields() -> None:
    made = site()
    made.answers["maintenance.request/fields_get"] = {
        "name": {"string": "Subjects", "required": True, "type": "char"},
        "x_crew": {"string": "Crew", "required": True},
        "x_note": {"string": "Note", "required": False},
    }
    assert await made.cmms().check_schema() == (
        (
            "the site requires the field x_crew (Crew), which Millwright does not fill; give it a default there, or "
            "requests are refused"
        ),
    )
    assert made.bodies("maintenance.request/fields_get") == [{"attributes": ["string", "required"]}]


async def test_a_stage_that_odoo_does_not_have_is_named_with_those_that_it_has() -> None:
    with pytest.raises(ActionRequired) as caught:
        await site().cmms(approved_stage="Approved").check()
    assert caught.value.problem == (
        "it has no single stage 'Approved'; it has: New Request, In Progress, Repaired, Scrap; correct the setting "
        "approved_stage"
    )


async def test_the_doctor_names_what_differs_beside_the_system_that_fits() -> None:
    north, south = site(), site()
    north.answers["maintenance.request/fields_get"] = {"x_crew": {"string": "Crew", "required": True}}
    south.answers["maintenance.request/fields_get"] = {}
    twins = cast("Any", SimpleNamespace())
    systems = Systems(cmms={"north": north.cmms(), "south": south.cmms()}, codes={}, mes={}, twins=twins)
    found = await check_schemas(systems)
    assert [(each.part, each.ok) for each in found] == [("schema north", False), ("schema south", True)]
    assert "requires the field x_crew (Crew)" in found[0].sentence
    assert found[0].mend is not None
