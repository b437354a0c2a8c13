"""Which settings of the FactorySemantics connector are taken."""

import pytest
from pydantic import ValidationError

from connectors.mes.factorysemantics import FactorySemanticsSettings
from domain.production import HoldEnforcement

LEAST = {"url": "https://mes.test", "user": "MILLWRIGHT", "password": "swordfish"}


@pytest.mark.parametrize("url", ["https://mes.test", "https://mes.test:8443/", "http://127.0.0.1:8010"])
def test_an_address_is_taken(url: str) -> None:
    assert FactorySemanticsSettings.model_validate({**LEAST, "url": url}).url == url.rstrip("/")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://mes.test"}, "https"),
        ({"url": "https://a:b@mes.test"}, "without a user or a password"),
        ({"url": "https://mes.test/api"}, "without a path"),
        ({"url": "mes.test"}, "https://host:port"),
        ({"user": ""}, "at least 1 character"),
        ({"password": ""}, "at least 1"),
        ({"settle": "-PT1S"}, "greater than or equal"),
        ({"enforcement": "sometimes"}, "enforced"),
        ({"token": "x"}, "not permitted"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_its_value(change: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FactorySemanticsSettings.model_validate({**LEAST, **change})
    assert words in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_a_hold_is_advisory_unless_the_plant_says_otherwise() -> None:
    assert FactorySemanticsSettings.model_validate(LEAST).enforcement is HoldEnforcement.ADVISORY
