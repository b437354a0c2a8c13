"""Which settings of the Odoo connector are taken."""

import pytest
from pydantic import ValidationError

from connectors.mes.odoo_mrp import OdooSettings

LEAST = {"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish"}


@pytest.mark.parametrize(
    "url", ["https://odoo.test", "https://odoo.test:8443/", "http://127.0.0.1:8069", "http://[::1]:8069"]
)
def test_an_address_is_taken(url: str) -> None:
    assert OdooSettings.model_validate({**LEAST, "url": url}).url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://odoo.test",
        "https://odoo.test/json/2",
        "https://user:word@odoo.test",
        "https://odoo.test?db=odoo",
        "odoo.test",
        "ftp://odoo.test",
        "https://",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        OdooSettings.model_validate({**LEAST, "url": url})


@pytest.mark.parametrize(
    "wrong",
    [
        {"database": ""},
        {"database": "two words"},
        {"api_key": ""},
        {"company": 0},
        {"loss_reason": "Equipment Failure"},
        {"enforcement": "often"},
        {"timeout": "PT0S"},
        {"concurrency": 0},
        {"password": "word"},
    ],
)
def test_another_value_is_refused_without_being_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        OdooSettings.model_validate({**LEAST, **wrong})
    assert "swordfish" not in str(caught.value)


def test_the_key_is_not_part_of_a_repr() -> None:
    assert "swordfish" not in repr(OdooSettings.model_validate(LEAST))
