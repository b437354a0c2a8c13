"""What the codes of a description's report mean."""

from connectors.finding_codes import FindingCodeTable
from domain.outcomes import OutcomeClass


class RestOutcomeTable(FindingCodeTable):
    """What a site's codes mean; a description may also tell the part that had the fault."""

    object_part: dict[str, OutcomeClass] = {}
