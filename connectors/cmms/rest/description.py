"""What a description says of a CMMS. `docs/rest-connector.md` explains each field."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, field_validator, model_validator

from connectors.cmms.rest.requests import (
    AnswerText,
    AnswerValue,
    CreatedText,
    OrderFlag,
    OrderSpan,
    OrderText,
    OrderTexts,
    OrderTime,
    RestActRequest,
    RestAssetListing,
    RestBesideListing,
    RestByAssetListing,
    RestChangesListing,
    RestCreateRequest,
    RestEscalateRequest,
    RestKeyListing,
    RestNoteRequest,
    RestPart,
    RestReadRequest,
    RestRemoveRequest,
    RestRequest,
    RowsExpression,
    RowText,
    RowTexts,
    RowTime,
    SiteName,
)
from domain.work_orders import FindingRole, WorkOrderStatus

REQUIRED: Final = ("check", "find", "find_by_asset", "read", "create", "note", "changes", "order")
"""Without one of these the connector cannot keep what the port `Cmms` promises."""

_OUR_HEADERS: Final = ("authorization", "content-length", "content-type", "cookie", "host")
_FIELD_PATH: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_HEADER: Final = r"^[A-Za-z][A-Za-z0-9-]*$"


class RestAuth(RestPart):
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


class RestPaging(RestPart):
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


class RestAnswers(RestPart):
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


class RestLimits(RestPart):
    """How many characters each text may have."""

    summary: int = Field(ge=40)
    description: int = Field(ge=200)
    note: int = Field(ge=100)


class RestCheck(RestPart):
    """Whether the system answers, and as whom we are signed in."""

    request: RestRequest
    user: AnswerText


class RestAsset(RestPart):
    """How an asset is looked up before an order is created for it.

    Args:
        listing: the search.
        name: the crosswalk's name of a row that was found.
    """

    listing: RestAssetListing
    name: RowText


class RestCompleted(RestPart):
    """How the work that was done on an asset is listed.

    Args:
        listing: the orders of an asset that may be completed.
        done_at: when the work of a row was done.
        kind: why it was done: `corrective` or `preventive`. Another text is unknown.
    """

    listing: RestByAssetListing
    done_at: RowTime
    kind: RowText | None = None


class RestGone(RestPart):
    """When an order is gone.

    Args:
        statuses: by which the reading of an order says so.
        proof: a request that must succeed then. Without access every order looks as if it were gone.
    """

    statuses: tuple[int, ...] = Field(min_length=1)
    proof: RestRequest


class RestRead(RestPart):
    """How one order is read."""

    request: RestReadRequest
    gone: RestGone


class RestCreate(RestPart):
    """How an order is created.

    Args:
        request: the request.
        locator: the order's locator, from the answer. The search for the key must find no other order. Without it, the
            search must find an order at once, and that is the one that was made.
    """

    request: RestCreateRequest
    locator: CreatedText | None = None


class RestNote(RestPart):
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


class RestKey(RestPart):
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


class RestStatus(RestPart):
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


class RestReport(RestPart):
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


class RestRejection(RestPart):
    """Why people ended an order without its work.

    Args:
        reason: their words; empty or null if there are none.
        by: who wrote them.
    """

    reason: OrderText
    by: OrderText | None = None


class RestOrder(RestPart):
    """How an order is read.

    Args:
        id: by which a planner finds it.
        locator: by which it is read and changed.
        problem: the problem codes on an order that is not completed; without it, no order of a person is attached.
        touched: whether anybody but us changed it; unknown without it.
        rejection: why people ended it without its work; not read without it.
        put_off_until: until when people put it off, as ISO 8601 text; another text is no date.
    """

    id: RowText
    locator: RowText
    key: RestKey
    status: RestStatus
    changed_at: RowTime
    created_at: RowTime
    asset: RowText | None = None
    priority: RowText | None = None
    problem: RowTexts | None = None
    touched: OrderFlag | None = None
    report: RestReport = RestReport()
    rejection: RestRejection | None = None
    put_off_until: OrderText | None = None


class RestDescription(RestPart):
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
    find_open: RestByAssetListing | None = None
    find_completed: RestCompleted | None = None
    read: RestRead | None = None
    create: RestCreate | None = None
    release: RestActRequest | None = None
    withdraw: RestActRequest | None = None
    escalate: RestEscalateRequest | None = None
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

    @field_validator("headers")
    @classmethod
    def _leave_the_sign_in_alone(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() in _OUR_HEADERS:
                raise ValueError(f"{name} is set by the connector; the sign-in stands under `auth`")
        return headers

    @field_validator("lacks")
    @classmethod
    def _are_required_parts(cls, lacks: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in lacks if name not in REQUIRED]
        if unknown:
            raise ValueError(f"{unknown[0]} is no required part; these are {', '.join(REQUIRED)}")
        return lacks

    @model_validator(mode="after")
    def _is_complete_or_says_why(self) -> "RestDescription":
        for name in REQUIRED:
            if (getattr(self, name) is None) != (name in self.lacks):
                raise ValueError(f"needs `{name}`, or the reason under `lacks.{name}` why it is not there")
        if self.note is not None and self.note.among not in self.beside:
            raise ValueError(f"note.among is {self.note.among}, which is not under `beside`")
        waits = self.order is not None and WorkOrderStatus.WAITING_APPROVAL in self.order.status.words.values()
        if (self.release is not None) != waits and self.order is not None:
            raise ValueError("`release` and a word that means `waiting_approval` need each other")
        if self.escalate is not None and self.order is not None and self.order.priority is None:
            raise ValueError("`escalate` needs `order.priority`: only a priority that we wrote is raised")
        if self.find_completed is not None and self.asset is None:
            raise ValueError("`find_completed` needs `asset`: an unknown name would read as an asset without work")
        return self
