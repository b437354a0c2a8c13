"""A verdict is never changed by an engine update: what the first released engine recorded is recorded today."""

import hashlib

import pytest

from policies.engine.catalogue import Catalogue
from tests.support.golden_verdicts import GOLDEN, WHOLE, records


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
def test_a_verdict_is_never_changed_by_an_engine_update(version: str) -> None:
    heading, *kept = (GOLDEN / f"verdicts-{version}.txt").read_bytes().splitlines()

    made = [*records(Catalogue.published().find("rotating-equipment", version))]

    assert made[:WHOLE] == kept
    digest = hashlib.sha256(b"\n".join(made) + b"\n").hexdigest()
    assert heading.decode() == f"sha256 of {len(made)} records: {digest}"


def test_1_2_0_decides_every_recorded_anomaly_as_1_1_0_does() -> None:
    earlier, later = (Catalogue.published().find("rotating-equipment", number) for number in ("1.1.0", "1.2.0"))

    for before, after in zip(records(earlier), records(later), strict=True):
        assert after == before.replace(b'"version":"1.1.0"', b'"version":"1.2.0"')
