"""What a connector says of itself: `manifest.toml` and `quality.toml`, the same two files in each one's folder."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.production import HoldEnforcement

CONNECTOR_FILES: Final = (
    "__init__.py",
    "settings.py",
    "client.py",
    "models.py",
    "mapping.py",
    "connector.py",
    "manifest.toml",
    "quality.toml",
)
"""What stands in the folder of every connector to a CMMS or an MES."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """What a connector connects to; the folder above its own."""

    CMMS = "cmms"
    MES = "mes"
    AZURE = "azure"


class IdempotencyMeans(StrEnum):
    """By what a repeated call is kept from making a second record, told to readers. A CMMS also declares it in its
    capabilities, which the steps follow (`domain.cmms.Idempotency`)."""

    LOOKUP = "lookup"
    """We look for our key in the vendor's own records first."""
    TRANSACTION_HEADER = "transaction_header"
    """The vendor refuses a second request with the same transaction id, for as long as it remembers."""
    NATIVE = "native"
    """The operation itself can be repeated."""
    PRIOR_STATE = "prior_state"
    """We act only on the state written down before, and show what cannot be proved to a person."""


class Setting(_Document):
    """One setting, as `settings.py` declares it."""

    name: str
    about: str = Field(min_length=1)
    secret: bool = False


class Manifest(_Document):
    """What a connector says of itself.

    Args:
        id: the folder's name. An installation gives each instance an id of its own, which errors name as `system`.
        contract: the version of the vendor's interface that it was written to.
        contract_source: where that contract can be read.
        idempotency: in the order in which they are tried.
        ordering: in which order changes come, and what may repeat.
        hold_enforcement: what a hold is worth there; none where the system knows no holds.
        auth: how it signs in.
        rate_limit: what the vendor says of it, and how ours keeps within.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    vendor: str
    title: str
    contract: str
    contract_source: str
    idempotency: tuple[IdempotencyMeans, ...] = Field(min_length=1)
    ordering: str
    hold_enforcement: HoldEnforcement | None = None
    auth: str
    rate_limit: str
    settings: tuple[Setting, ...]


class Rule(StrEnum):
    """The quality scale: twelve rules, answered one by one."""

    MANIFEST_VALID = "manifest-valid"
    CONTRACT_SUITE = "contract-suite"
    MAPPING_TABLE_TESTS = "mapping-table-tests"
    ERROR_TABLE_TESTS = "error-table-tests"
    RECORDED_FIXTURES = "recorded-fixtures"
    EMULATOR = "emulator"
    OPEN_TWICE_OPENS_ONCE = "open-twice-opens-once"
    RATE_LIMIT_HONOURED = "rate-limit-honoured"
    AUTH_FAILURE_IS_DISTINCT = "auth-failure-is-distinct"
    SECRETS_NEVER_LOGGED = "secrets-never-logged"
    FIELD_MAPPING_DOCUMENTED = "field-mapping-documented"
    VERIFIED_LIVE = "verified-live"


class Answer(_Document):
    """Where a connector stands on one rule; `because` says why it is not done, `test` where it is checked."""

    status: Literal["done", "todo", "exempt"]
    because: str | None = None
    test: str | None = None

    @model_validator(mode="after")
    def _says_why(self) -> "Answer":
        if self.status != "done" and not self.because:
            raise ValueError(f'{self.status} needs a reason: because = "…"')
        return self


class Quality(_Document):
    """The answers to all twelve rules."""

    rules: dict[Rule, Answer]

    @model_validator(mode="after")
    def _answers_all(self) -> "Quality":
        missing = [rule.value for rule in Rule if rule not in self.rules]
        if missing:
            raise ValueError(f"no answer to {', '.join(missing)}")
        return self


def connector_folders(root: Path | None = None) -> tuple[Path, ...]:
    """The folder of every connector there is, sorted: `<kind>/<id>` below `connectors`."""
    top = root or Path(__file__).parent
    return tuple(
        sorted(
            folder
            for kind in Kind
            for folder in (top / kind.value).glob("[a-z]*")
            if folder.is_dir() and any(folder.glob("*.py"))
        )
    )


def load_manifest(folder: Path) -> Manifest:
    """The manifest in a connector's folder.

    Raises:
        FileNotFoundError: it has none.
        pydantic.ValidationError: it is not of the shape above.
    """
    return Manifest.model_validate(tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8")))


def load_quality(folder: Path) -> Quality:
    """The quality answers in a connector's folder.

    Raises:
        FileNotFoundError: it has none.
        pydantic.ValidationError: a rule is unknown or unanswered, or a reason is missing.
    """
    return Quality.model_validate(tomllib.loads((folder / "quality.toml").read_text(encoding="utf-8")))
