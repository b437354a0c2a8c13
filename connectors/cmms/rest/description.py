"""What a description says of a CMMS. `docs/rest-connector.md` explains each field."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from connectors.cmms.rest.expressions import ANY, FLAG, LIST, SPAN, TEXT, TIME, RestExpression, compiled
from connectors.cmms.rest.scopes import RestScope, RestVariables, variables
from connectors.cmms.rest.templates import RestPath, RestTemplate, read_path, read_template
from domain.work_orders import FindingRole, WorkOrderStatus

REQUIRED: Final = ("check", "find", "find_by_asset", "read", "create", "note", "changes", "order")
"""Without one of these the connector cannot keep what the port `Cmms` promises."""

_FIELD_PATH: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_NAME: Final = r"^[a-z][a-z0-9_]*$"
_HEADER: Final = r"^[A-Za-z][A-Za-z0-9-]*$"


def _names(scope: RestScope, info: ValidationInfo) -> RestVariables:
    known = info.context or {}
    return variables(scope, tuple(known.get("site", ())), tuple(known.get("beside", ())))


def _in(scope: RestScope, kinds: tuple[str, ...]) -> BeforeValidator:
    return BeforeValidator(lambda text, info: compiled(text, _names(scope, info), kinds))


RowsExpression = Annotated[RestExpression, _in(RestScope.ANSWER, LIST)]
AnswerText = Annotated[RestExpression, _in(RestScope.ANSWER, TEXT)]
AnswerValue = Annotated[RestExpression, _in(RestScope.ANSWER, ANY)]
CreatedText = Annotated[RestExpression, _in(RestScope.CREATED, (*TEXT, "INT"))]
RowText = Annotated[RestExpression, _in(RestScope.ROW, (*TEXT, "INT"))]
OrderText = Annotated[RestExpression, _in(RestScope.ORDER, (*TEXT, "INT"))]
OrderTexts = Annotated[RestExpression, _in(RestScope.ORDER, (*TEXT, *LIST))]
RowTime = Annotated[RestExpression, _in(RestScope.ROW, TIME)]
OrderTime = Annotated[RestExpression, _in(RestScope.ORDER, TIME)]
OrderSpan = Annotated[RestExpression, _in(RestScope.ORDER, SPAN)]
OrderFlag = Annotated[RestExpression, _in(RestScope.ORDER, FLAG)]
SiteName = Annotated[str, Field(pattern=_NAME)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class RestRequest(_Part):
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


class RestAuth(_Part):
    """How requests are signed in.

    Args:
        kind: `bearer` and `header` send the token of the settings, `basic` user and password. `session` posts user and
            password and gets a token. `client_credentials` gets one by OAuth 2.0.
        header: that carries the token, for `header` and `session`.
        path: of the sign-in, for `session`.
        user_field: of the sign-in that has the user.
        password_field: of the sign-in that has the password.
        token_field: dotted path of the token in the answer of the sign-in.
        scope: for `client_credentials`, if the token's server asks for one.
    """

    kind: Literal["bearer", "header", "basic", "session", "client_credentials"]
    header: str | None = Field(default=None, pattern=_HEADER)
    path: str | None = Field(default=None, pattern=r"^/[^/?#]")
    user_field: str | None = None
    password_field: str | None = None
    token_field: str | None = Field(default=None, pattern=_FIELD_PATH)
    scope: str | None = None

    needs: ClassVar[dict[str, tuple[str, ...]]] = {
        "header": ("header",),
        "session": ("header", "path", "user_field", "password_field", "token_field"),
    }
    may: ClassVar[dict[str, tuple[str, ...]]] = {"client_credentials": ("scope",)}

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "RestAuth":
        needed = self.needs.get(self.kind, ())
        given = {name for name in type(self).model_fields if name != "kind" and getattr(self, name) is not None}
        if given - set(self.may.get(self.kind, ())) != set(needed):
            raise ValueError(
                f"{self.kind} needs these fields besides `kind`, and no other: {', '.join(needed) or 'none'}"
            )
        return self


class RestPaging(_Part):
    """How a list goes on.

    Args:
        by: `link_header` follows the link `next` of the header Link, and `next_link` the address that `next` gives.
            `page` counts pages and `offset` rows in `parameter`. `cursor` sends what `next` gives in `parameter`.
            `none`: a list has one answer.
        parameter: of the query.
        first: number of the first page.
        next: where an answer has the address or the cursor of the next one; null at the end.
    """

    by: Literal["none", "link_header", "next_link", "page", "offset", "cursor"]
    parameter: str | None = None
    first: int = 1
    next: AnswerText | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "RestPaging":
        if (self.parameter is not None) != (self.by in ("page", "offset", "cursor")):
            raise ValueError("`parameter` is needed by page, offset and cursor, and by no other")
        if (self.next is not None) != (self.by in ("next_link", "cursor")):
            raise ValueError("`next` is needed by next_link and cursor, and by no other")
        return self


class RestAnswers(_Part):
    """Where an answer has what we look for.

    Args:
        rows: of a list.
        record: of a single record.
        paging: how a list goes on.
        problem: the words of a refusal.
        problem_field: the field that a refusal names.
    """

    rows: RowsExpression
    record: AnswerValue
    paging: RestPaging
    problem: AnswerText | None = None
    problem_field: AnswerText | None = None


class RestLimits(_Part):
    """How many characters each text may have."""

    summary: int = Field(ge=40)
    description: int = Field(ge=200)
    note: int = Field(ge=100)


class RestCheck(_Part):
    """Whether the system answers, and as whom we are signed in."""

    request: RestRequest
    user: AnswerText


class RestAsset(_Part):
    """How an asset is looked up before an order is created for it.

    Args:
        listing: the search.
        name: the crosswalk's name of a row that was found.
    """

    listing: RestAssetListing
    name: RowText


class RestGone(_Part):
    """When an order is gone.

    Args:
        statuses: by which the reading of an order says so.
        proof: a request that must succeed then. Without access every order looks as if it were gone.
    """

    statuses: tuple[int, ...] = Field(min_length=1)
    proof: RestRequest


class RestRead(_Part):
    """How one order is read."""

    request: RestReadRequest
    gone: RestGone


class RestCreate(_Part):
    """How an order is created.

    Args:
        request: the request.
        locator: the order's locator, from the answer. The search for the key must find the same order. Without it, the
            order that the search finds is the one that was made.
    """

    request: RestCreateRequest
    locator: CreatedText | None = None


class RestNote(_Part):
    """How a note is added once.

    Args:
        among: the list beside an order that has its notes.
        text: of a row of it.
        add: adds a note.
        remove: removes a note of ours; `row` is the note.
    """

    among: SiteName
    text: RowText
    add: RestNoteRequest
    remove: RestRemoveRequest


class RestKey(_Part):
    """Where our key is on an order.

    Args:
        field: that has the key and nothing else.
        title: that ends with the key in brackets, as `draft.title` does.
        text: that has a line with the key, as `draft.text` does.
    """

    field: RowText | None = None
    title: RowText | None = None
    text: RowText | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> "RestKey":
        if self.field is None and self.title is None and self.text is None:
            raise ValueError("needs `field`, `title` or `text`: without our key no order can be proved ours")
        return self


class RestStatus(_Part):
    """The status of an order.

    Args:
        word: the vendor's.
        words: our status for each word. Any other word counts as in progress.
    """

    word: RowText
    words: dict[str, WorkOrderStatus]

    @field_validator("words")
    @classmethod
    def _means_no_deletion(cls, words: dict[str, WorkOrderStatus]) -> dict[str, WorkOrderStatus]:
        if WorkOrderStatus.DELETED in words.values():
            raise ValueError("no word means `deleted`; `read.gone` says when an order is gone")
        return words


class RestReport(_Part):
    """What a technician reported on completed work.

    Args:
        codes: by what they mean, each a code or a list of codes.
        notes: of people and ours; ours are left out by their marks.
    """

    started_at: OrderTime | None = None
    finished_at: OrderTime | None = None
    group: OrderText | None = None
    codes: dict[FindingRole, OrderTexts] = {}
    disposition: OrderText | None = None
    downtime: OrderSpan | None = None
    notes: OrderTexts | None = None


class RestOrder(_Part):
    """How an order is read.

    Args:
        id: by which a planner finds it.
        locator: by which it is read and changed.
        touched: whether anybody but us changed it; unknown without it.
    """

    id: RowText
    locator: RowText
    key: RestKey
    status: RestStatus
    changed_at: RowTime
    created_at: RowTime
    asset: RowText | None = None
    priority: RowText | None = None
    touched: OrderFlag | None = None
    report: RestReport = RestReport()


class RestDescription(_Part):
    """A CMMS, as one file describes it.

    Args:
        format: of this file.
        values: what the site fills in, each with its meaning.
        headers: sent with each request.
        priorities: the vendor's value for 1 (highest) to 4.
        lacks: for each required part that is not there, why. Such a description cannot be used as it is.
    """

    format: Literal[1]
    vendor: str = Field(min_length=1)
    title: str = Field(min_length=1)
    contract: str = Field(min_length=1)
    source: str = Field(min_length=1)
    values: dict[SiteName, str] = {}
    auth: RestAuth
    headers: dict[Annotated[str, Field(pattern=_HEADER)], str] = {}
    limits: RestLimits
    priorities: dict[Literal[1, 2, 3, 4], str]
    answers: RestAnswers
    check: RestCheck | None = None
    asset: RestAsset | None = None
    find: RestKeyListing | None = None
    find_by_asset: RestByAssetListing | None = None
    read: RestRead | None = None
    create: RestCreate | None = None
    release: RestActRequest | None = None
    withdraw: RestActRequest | None = None
    note: RestNote | None = None
    changes: RestChangesListing | None = None
    beside: dict[SiteName, RestBesideListing] = {}
    order: RestOrder | None = None
    lacks: dict[str, str] = {}

    @field_validator("priorities", mode="before")
    @classmethod
    def _by_number(cls, given: object) -> object:
        if not isinstance(given, dict) or set(given) != {"1", "2", "3", "4"}:
            raise ValueError("needs a value for each of 1, 2, 3 and 4")
        return {int(name): value if isinstance(value, str) else str(value) for name, value in given.items()}

    @field_validator("lacks")
    @classmethod
    def _are_required_parts(cls, lacks: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in lacks if name not in REQUIRED]
        if unknown:
            raise ValueError(f"{unknown[0]} is no required part; these are {', '.join(REQUIRED)}")
        return lacks

    @model_validator(mode="after")
    def _is_whole_or_says_why(self) -> "RestDescription":
        for name in REQUIRED:
            if (getattr(self, name) is None) != (name in self.lacks):
                raise ValueError(f"needs `{name}`, or the reason under `lacks.{name}` why it is not there")
        if self.note is not None and self.note.among not in self.beside:
            raise ValueError(f"note.among is {self.note.among}, which is not under `beside`")
        waits = self.order is not None and WorkOrderStatus.WAITING_APPROVAL in self.order.status.words.values()
        if (self.release is not None) != waits and self.order is not None:
            raise ValueError("`release` and a word that means `waiting_approval` need each other")
        return self
