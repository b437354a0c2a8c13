"""What a site calls the codes of its CMMS."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import StringConstraints

from domain.iso14224 import SiteCode
from domain.model import Model
from domain.work_orders import FindingRole

_Descriptions = dict[SiteCode, Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]]


class CodeDescriptions(Model):
    """The site's own words for its codes, for each role of a code, each code as `CODE` or `GROUP/CODE`."""

    object_part: _Descriptions = {}
    problem: _Descriptions = {}
    cause: _Descriptions = {}
    remedy: _Descriptions = {}

    def each(self) -> Iterator[tuple[FindingRole, str, str]]:
        """Each code with its role and its description."""
        tables: dict[str, dict[str, str]] = dict(self)
        for role, codes in tables.items():
            for code, description in codes.items():
                yield FindingRole(role), code, description
