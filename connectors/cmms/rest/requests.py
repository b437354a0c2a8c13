"""The requests of a description, and the kinds of expression that read their answers.

What an expression may use depends on where it stands (`connectors.cmms.rest.scopes`), so each kind of request is a
class.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from connectors.cmms.rest.expressions import ANY, FLAG, LIST, SPAN, TEXT, TIME, RestExpression, compiled
from connectors.cmms.rest.scopes import RestScope, RestVariables, variables
from connectors.cmms.rest.templates import RestPath, RestTemplate, read_path, read_template

_NAME: Final = r"^[a-z][a-z0-9_]*$"


def _names(scope: RestScope, info: ValidationInfo) -> RestVariables:
    known = info.context or {}
    return variables(scope, tuple(known.get("site", ())), tuple(known.get("beside", ())))


def _in(scope: RestScope, kinds: tuple[str, ...]) -> BeforeValidator:
    return BeforeValidator(lambda text, info: compiled(text, _names(scope, info), kinds))


RowsExpression = Annotated[RestExpression, _in(RestScope.ANSWER, LIST)]
AnswerText = Annotated[RestExpression, _in(RestScope.ANSWER, TEXT)]
AnswerValue = Annotated[RestExpression, _in(RestScope.ANSWER, ANY)]
CreatedText = Annotated[RestExpression, _in(RestScope.CREATED, (*TEXT, "INT"))]
RowTexts = Annotated[RestExpression, _in(RestScope.ROW, (*TEXT, *LIST))]
RowText = Annotated[RestExpression, _in(RestScope.ROW, (*TEXT, "INT"))]
OrderText = Annotated[RestExpression, _in(RestScope.ORDER, (*TEXT, "INT"))]
OrderTexts = Annotated[RestExpression, _in(RestScope.ORDER, (*TEXT, *LIST))]
RowTime = Annotated[RestExpression, _in(RestScope.ROW, TIME)]
OrderTime = Annotated[RestExpression, _in(RestScope.ORDER, TIME)]
OrderSpan = Annotated[RestExpression, _in(RestScope.ORDER, SPAN)]
OrderFlag = Annotated[RestExpression, _in(RestScope.ORDER, FLAG)]
SiteName = Annotated[str, Field(pattern=_NAME)]


class RestPart(BaseModel):
    """A part of a description. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class RestRequest(RestPart):
    """A request.

    Args:
        method: of HTTP.
        path: below the address in the settings; `{expression}` is sent as one segment.
        query: parameters.
        body: sent as JSON.
    """

    scope: ClassVar[RestScope] = RestScope.SITE
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: RestPath
    query: RestTemplate = RestTemplate({})
    body: RestTemplate | None = None

    @field_validator("path", mode="before")
    @classmethod
    def _as_path(cls, text: object, info: ValidationInfo) -> RestPath:
        return read_path(text, _names(cls.scope, info))

    @field_validator("query", "body", mode="before")
    @classmethod
    def _as_template(cls, content: object, info: ValidationInfo) -> RestTemplate:
        if not isinstance(content, dict):
            raise ValueError("must have fields")  # noqa: TRY004  # a validator raises ValueError
        if info.field_name == "query" and any(isinstance(each, dict | list) for each in content.values()):
            raise ValueError("each parameter must be one value")
        return read_template(content, _names(cls.scope, info))


class RestReadRequest(RestRequest):
    """A request that reads one order."""

    scope: ClassVar[RestScope] = RestScope.READ


class RestCreateRequest(RestRequest):
    """A request that creates an order."""

    scope: ClassVar[RestScope] = RestScope.CREATE


class RestActRequest(RestRequest):
    """A request that changes the state of an order."""

    scope: ClassVar[RestScope] = RestScope.ACT


class RestEscalateRequest(RestRequest):
    """A request that raises the priority of an order."""

    scope: ClassVar[RestScope] = RestScope.ESCALATE


class RestNoteRequest(RestRequest):
    """A request that adds a note."""

    scope: ClassVar[RestScope] = RestScope.NOTE


class RestRemoveRequest(RestRequest):
    """A request that removes a note of ours."""

    scope: ClassVar[RestScope] = RestScope.BESIDE


class RestListing(RestRequest):
    """A request for a list.

    Args:
        rows: where the list is in an answer; None if it is where `answers.rows` says.
        none: statuses that mean that there is nothing.
    """

    rows: RowsExpression | None = None
    none: tuple[int, ...] = ()


class RestAssetListing(RestListing):
    """The search for an asset."""

    scope: ClassVar[RestScope] = RestScope.ASSET


class RestKeyListing(RestListing):
    """The search for orders by our key."""

    scope: ClassVar[RestScope] = RestScope.BY_KEY


class RestByAssetListing(RestListing):
    """The search for orders of an asset."""

    scope: ClassVar[RestScope] = RestScope.BY_ASSET


class RestBesideListing(RestListing):
    """What is asked beside an order."""

    scope: ClassVar[RestScope] = RestScope.BESIDE


class RestChangesListing(RestListing):
    """The search for changed orders, by rising time of change."""

    scope: ClassVar[RestScope] = RestScope.CHANGES
