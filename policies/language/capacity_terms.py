"""What a policy states of the crews: how many new orders each gets within seven days."""

from typing import Annotated

from pydantic import Field, StrictInt

from domain.model import Model
from policies.language.fields import Classes, Identifier


class CrewTerms(Model):
    """A crew, the classes of assets on which it works, and how many new orders it gets within seven days."""

    name: Identifier
    classes: Classes
    new_orders_a_week: Annotated[StrictInt, Field(ge=1, le=10_000)]


class CapacityTerms(Model):
    """The crews whose new orders are bounded. Assets of a class that no crew names are not bounded."""

    crews: Annotated[tuple[CrewTerms, ...], Field(min_length=1, max_length=50)]

    def crew_of(self, asset_class: str) -> CrewTerms | None:
        """The crew that works on assets of a class; None if no crew names it."""
        return next((crew for crew in self.crews if asset_class in crew.classes), None)
