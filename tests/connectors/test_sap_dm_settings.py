"""Which settings of the connector to SAP Digital Manufacturing are taken."""

import pytest
from pydantic import ValidationError

from connectors.mes.sap_dm import SapDmSettings
from domain.production import HoldEnforcement
from tests.connectors.sap_dm_answers import SETTINGS


def test_without_a_word_of_the_plant_it_is_not_known_what_a_hold_is_worth() -> None:
    settings = SapDmSettings.model_validate(SETTINGS)
    assert settings.enforcement is HoldEnforcement.UNKNOWN
    assert settings.blocked_status == "DISABLED"


@pytest.mark.parametrize("url", ["https://api.eu10.dmc.cloud.sap", "https://api.test:8443/", "http://127.0.0.1:8069"])
def test_an_address_is_taken(url: str) -> None:
    assert SapDmSettings.model_validate({**SETTINGS, "url": url}).url == url.rstrip("/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://api.test"},
        {"url": "https://api.test/sfc/v1"},
        {"url": "https://user:word@api.test"},
        {"url": "api.test"},
        {"token_url": "http://auth.test/oauth/token"},
        {"token_url": "https://auth.test"},
        {"token_url": "https://a:b@auth.test/oauth/token"},
        {"client_id": ""},
        {"client_secret": ""},
        {"plant": "TOOLONG"},
        {"plant": "p1"},
        {"resources": {"EQ-1": "press"}},
        {"resources": {"EQ-1": "PRESS", "EQ-2": "PRESS"}},
        {"user": "x" * 81},
        {"blocked_status": "ENABLED"},
        {"enforcement": "often"},
        {"timeout": "PT0S"},
        {"concurrency": 0},
        {"password": "word"},
    ],
)
def test_another_value_is_refused_without_being_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        SapDmSettings.model_validate({**SETTINGS, **wrong})
    assert "swordfish" not in str(caught.value)


def test_the_secret_is_not_part_of_a_repr() -> None:
    assert "swordfish" not in repr(SapDmSettings.model_validate(SETTINGS))
