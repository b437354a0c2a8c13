"""Why planners rejected a request or archived an order of Atlas, and until when they put an order off."""

from datetime import UTC, datetime
from typing import Final

from connectors.cmms.atlas import texts
from connectors.cmms.atlas.models import AtlasComment, AtlasOrder, AtlasRequest
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.planner_words import day_in, day_or_start, rejection_in, rejection_of
from domain.work_orders import OrderRejection

ON_HOLD: Final = "ON_HOLD"


def may_have_words(row: AtlasOrder, settings: AtlasSettings) -> bool:
    """Whether the comments on an order are to be read for what planners said of it."""
    words = settings.planner_words
    return (row.archived and words.rejected is not None) or (row.status == ON_HOLD and words.put_off is not None)


def by_time(comments: tuple[AtlasComment, ...]) -> list[AtlasComment]:
    """The comments of people, oldest first."""
    theirs = [each for each in comments if not each.system and not texts.is_ours(each.content)]
    return sorted(theirs, key=lambda each: each.createdAt or datetime.max.replace(tzinfo=UTC))


def rejection_on(
    row: AtlasRequest | AtlasOrder, user: int, comments: tuple[AtlasComment, ...], settings: AtlasSettings
) -> OrderRejection | None:
    """Why people rejected a request, or archived an order; None if we did it, or nobody said why.

    Atlas demands a reason of a rejection and does not say whose it is. Of an archived order it has only comments.
    """
    if isinstance(row, AtlasRequest):
        return None if row.updatedBy == user else rejection_of(texts.words_of(row.cancellationReason))
    notes = ((texts.words_of(each.content), each.user.name if each.user else None) for each in by_time(comments))
    return rejection_in(settings.planner_words.rejected, notes)


def put_off_on(row: AtlasOrder | None, comments: tuple[AtlasComment, ...], settings: AtlasSettings) -> datetime | None:
    """Until when an order is put off: by a comment, else its planned start; None if there is neither."""
    notes = (texts.words_of(each.content) for each in by_time(comments))
    said = day_in(settings.planner_words.put_off, notes, UTC)
    return said if row is None else day_or_start(said, row.estimatedStartDate, row.updatedAt)
