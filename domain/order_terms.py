"""How orders are written for one CMMS instance: the language, and the site's job plans."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain.model import Model
from domain.vendor_texts import VendorName
from domain.wording import Language

_FAULT: Final = re.compile(r"[^/\s]+/[^/\s]+")


def _is_a_fault(name: str) -> str:
    if not _FAULT.fullmatch(name):
        raise ValueError('needs the class of an asset and a failure mode, such as "pump/PDE"')
    return name


JobPlans = dict[Annotated[str, AfterValidator(_is_a_fault)], Annotated[VendorName, Field(min_length=1, max_length=100)]]
"""The number or name of a job plan in the CMMS, by the class of the asset and the failure mode, such as `pump/PDE`."""


class OrderTerms(Model):
    """What one CMMS instance asks of the text of its orders.

    Args:
        job_plans: empty if the site states none.
        outcome_reminders: whether a completed order gets reminders until it is known what the work found.
    """

    language: Language = Language.ENGLISH
    job_plans: JobPlans = {}
    outcome_reminders: bool = True

    def job_plan(self, asset_class: str, failure_mode: str) -> str | None:
        """The job plan for a class and a failure mode; None if the site states none for them."""
        return self.job_plans.get(f"{asset_class}/{failure_mode}")
