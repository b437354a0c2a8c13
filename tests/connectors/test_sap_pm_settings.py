"""The settings of the connector to SAP Plant Maintenance, as a site gives them."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.cmms.sap_pm import SapPmSettings
from domain.outcomes import OutcomeClass
from domain.processes import ProcessKind
from millwright.runtime.connector_settings import cmms_settings_model, own_settings
from millwright.runtime.home import settings_from
from millwright.settings import Settings
from millwright.steering.values import steering_values
from tests.connectors.sap_pm_answers import BASE, PASSWORD

GIVEN = {
    "CONNECTOR": "sap_pm",
    "URL": BASE,
    "USER": "MILLWRIGHT",
    "PASSWORD": PASSWORD,
    "SAP_CLIENT": "100",
    "PLANNING_PLANT": "1010",
    "PLANNER_GROUP": "001",
    "ON_HOLD_STATUSES": '["wprt", "NOPO"]',
    "PRIORITIES": '{"1": "1", "2": "2", "3": "3", "4": "3"}',
    "OUTCOMES": '{"damage": {"elec/0110": "confirmed"}}',
}


@pytest.fixture
def settings() -> Settings:
    return settings_from({f"MILLWRIGHT_CMMS__{name}": value for name, value in GIVEN.items()})


def test_numbers_of_sap_stay_texts_and_words_and_codes_are_in_upper_case(settings: Settings) -> None:
    assert settings.cmms is not None
    made = own_settings(settings.cmms, cmms_settings_model("sap_pm"), "cmms")
    assert isinstance(made, SapPmSettings)
    assert (made.sap_client, made.planning_plant, made.planner_group) == ("100", "1010", "001")
    assert made.on_hold_statuses == ("WPRT", "NOPO")
    assert made.outcomes.damage == {"ELEC/0110": OutcomeClass.CONFIRMED}
    assert made.own_name == "MILLWRIGHT"


def test_what_is_recorded_of_the_settings_has_no_password(settings: Settings) -> None:
    values = steering_values(settings, ProcessKind.CASES)
    assert values["cmms.sap_pm.password"] == "set"
    assert PASSWORD not in str(values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "https://s4.test/sap/opu"),
        ("url", "https://user:word@s4.test"),
        ("url", "http://s4.test"),
        ("user", "a:b"),
        ("sap_client", "1"),
        ("language", "english"),
        ("planning_plant", "10100"),
        ("priorities", {1: "1"}),
        ("priorities", {1: "10", 2: "2", 3: "3", 4: "4"}),
        ("detection", "0040"),
        ("cancel_order_by", "delete"),
        ("time_zone", "Berlin"),
        ("page_size", 0),
        ("overlap", "PT0S"),
        ("not_executed_statuses", ["two words"]),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        SapPmSettings.model_validate({"url": BASE, "user": "MILLWRIGHT", "password": PASSWORD, field: value})
