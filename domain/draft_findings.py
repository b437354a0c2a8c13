"""What the check of an order's draft found, as it is stored with the draft."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.model import Model
from domain.wording import ENGLISH, Wording, message


class DraftDefect(StrEnum):
    """What is wrong with a draft, or missing."""

    ASSET_LEVEL = "asset_level"
    """The order is on a site or a line, and not on a machine or a part of it."""
    FAILURE_MODE = "failure_mode"
    """The failure mode is not known (ISO 14224 `UNK` or `OTH`)."""
    RESPONSE = "response"
    """The rule does not say what to do."""
    OVERDUE = "overdue"
    """The work was due before the draft was written."""
    JOB_PLAN = "job_plan"
    """The site states job plans, and none for this class and failure mode."""
    ESTIMATE = "estimate"
    """The policy has prices, and no cost could be computed."""
    SUMMARY_LENGTH = "summary_length"
    """The CMMS takes a shorter summary."""
    TEXT_LENGTH = "text_length"
    """The CMMS takes a shorter text."""

    @property
    def serious(self) -> bool:
        """Whether a planner must complete the order before it can be worked on."""
        return self in _SERIOUS


_SERIOUS: Final = frozenset({DraftDefect.ASSET_LEVEL, DraftDefect.FAILURE_MODE, DraftDefect.RESPONSE})
_WORDS: Final[Mapping[DraftDefect, str]] = {
    DraftDefect.ASSET_LEVEL: message("the order is on a {detail}, and not on a machine or a part of it"),
    DraftDefect.FAILURE_MODE: message("the failure mode is not known ({detail})"),
    DraftDefect.RESPONSE: message("the rule does not say what to do"),
    DraftDefect.OVERDUE: message("the work was due at {detail} UTC, before the order was written"),
    DraftDefect.JOB_PLAN: message("the site states no job plan for {detail}"),
    DraftDefect.ESTIMATE: message("no cost was computed: {detail}"),
    DraftDefect.SUMMARY_LENGTH: message("the summary is longer than the CMMS takes, by {detail} characters"),
    DraftDefect.TEXT_LENGTH: message("the text is longer than the CMMS takes, by {detail} characters"),
}


class DraftFinding(Model):
    """One finding.

    Args:
        detail: what is named in its words, such as the level; empty if nothing is.
    """

    defect: DraftDefect
    detail: str = ""

    def words_in(self, say: Wording) -> str:
        """The finding as a part of a sentence."""
        return say(_WORDS[self.defect], detail=say.recorded(self.detail))


class DraftCheck(Model):
    """The check of a draft.

    Args:
        withheld: whether the order would have been released without a person, and was not because of the findings.
    """

    findings: tuple[DraftFinding, ...] = ()
    withheld: bool = False

    @property
    def serious(self) -> bool:
        """Whether a planner must complete the order."""
        return any(finding.defect.serious for finding in self.findings)

    def request_in(self, say: Wording) -> str | None:
        """What the planner is asked to complete, for the order's text; None if there is nothing."""
        serious = [finding.words_in(say) for finding in self.findings if finding.defect.serious]
        return say("To complete before the work: {findings}.", findings="; ".join(serious)) if serious else None

    @property
    def words(self) -> str:
        """The findings in English for the history of the case."""
        if not self.findings:
            return "The check of the order's draft found nothing."
        found = f"The check of the order's draft found: {'; '.join(each.words_in(ENGLISH) for each in self.findings)}."
        return f"{found} So the order was not released without a planner." if self.withheld else found
