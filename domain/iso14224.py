"""What completed work found, in the terms of ISO 14224:2016, and the table of a site that says so.

The failure mode is a code of the table of failure modes of its kind of equipment in annex B, such as B.6 for rotating
equipment (`VIB`, `ELP`, `PDE`). The failure mechanism is a code number of table B.2, such as 2.4 for wear. The failure
cause is a code number of table B.3. The form of a code is checked, and not whether the standard has it: a site may be
bound to another edition.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.model import Model
from domain.work_orders import FindingRole, ReportedCode

ValueT = TypeVar("ValueT")

UNKNOWN_MODES: Final = frozenset({"", "UNK", "OTH"})
"""ISO 14224, table B.6: unknown, and other. Neither names a defect."""
CodeNumber = Annotated[str, StringConstraints(pattern=r"^[1-9](\.[0-9]{1,2})?$")]
SiteCode = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
"""A code of the site, as `CODE`, or with its group as `GROUP/CODE`."""


def _absent(value: object) -> bool:
    return value is None


class Iso14224Finding(Model):
    """Failure mode, mechanism and cause of what was found; None for what nobody said."""

    mode: Annotated[str, StringConstraints(min_length=1)] | None = Field(default=None, exclude_if=_absent)
    mechanism: CodeNumber | None = Field(default=None, exclude_if=_absent)
    cause: CodeNumber | None = Field(default=None, exclude_if=_absent)

    @property
    def words(self) -> str:
        """What is known of it, as a part of a sentence."""
        told = (("failure mode", self.mode), ("failure mechanism", self.mechanism), ("failure cause", self.cause))
        return ", ".join(f"{name} {code}" for name, code in told if code is not None)


class _Meaning(Iso14224Finding):
    """What one code of a site means."""

    mode: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")] | None = Field(default=None, exclude_if=_absent)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.words:
            raise ValueError("needs a mode, a mechanism or a cause")
        return self


def each_once(codes: dict[str, ValueT]) -> dict[str, ValueT]:
    """The table as it is.

    Raises:
        ValueError: two of its codes differ only in upper and lower case.
    """
    folded = [code.casefold() for code in codes]
    twice = [code for code in codes if folded.count(code.casefold()) > 1]
    if twice:
        raise ValueError(f"has {' and '.join(twice)}, which are one code: keep one of them")
    return codes


_Codes = Annotated[dict[SiteCode, _Meaning], AfterValidator(each_once)]


class Iso14224Crosswalk(Model):
    """What a site's codes mean in ISO 14224, for each role of a code. Upper and lower case are the same.

    Codes are a site's own, so there is no default.
    """

    object_part: _Codes = {}
    problem: _Codes = {}
    cause: _Codes = {}
    remedy: _Codes = {}

    def meaning(self, chosen: ReportedCode) -> Iso14224Finding | None:
        """What a code means; None if it is not in the table. `GROUP/CODE` goes before `CODE`."""
        return of_code(self._of(chosen.role), chosen)

    def _of(self, role: FindingRole) -> Mapping[str, _Meaning]:
        tables: dict[FindingRole, Mapping[str, _Meaning]] = {
            FindingRole.OBJECT_PART: self.object_part,
            FindingRole.PROBLEM: self.problem,
            FindingRole.CAUSE: self.cause,
            FindingRole.REMEDY: self.remedy,
        }
        return tables[role]


def of_code(table: Mapping[str, ValueT], chosen: ReportedCode) -> ValueT | None:
    """The entry of a table for a code; None if there is none. Upper and lower case are the same."""
    folded = {code.casefold(): value for code, value in table.items()}
    code = chosen.code.casefold()
    return folded.get(f"{(chosen.group or '').casefold()}/{code}", folded.get(code))


def agreed(said: Iterable[str | None]) -> str | None:
    """What all that said something said; None if nobody did, or if two differ."""
    known = {each for each in said if each is not None}
    return known.pop() if len(known) == 1 else None
