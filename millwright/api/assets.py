"""Acts on the register: an import from the twins, names in other systems, and assets that have left the plant."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from domain.assets import Alias
from domain.crosswalk import MOST_NAMES, CrosswalkReport, Name, NamedSystem, NewName
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import Problem, ProblemDetails
from millwright.api.request_models import Body
from millwright.api.sign_in import OPERATOR, Person, may
from millwright.bootstrap import open_twins
from millwright.storage.events.register import ImportReport
from millwright.storage.events.retirement import RetirementReport

router = APIRouter(
    prefix="/assets", tags=["assets"], responses={code: {"model": ProblemDetails} for code in (409, 422, 503)}
)

_Operator = Annotated[Person, Depends(may(OPERATOR))]


class Mapping(Body):
    """The name of an asset in another system, such as `cmms`, or in one instance, such as `cmms:hamburg`."""

    asset: Name
    system: NamedSystem
    external_id: Name
    attributes: dict[str, str] = {}


class CrosswalkChange(Body):
    """The names that assets are to have in other systems. A dry run says what would change, and stores nothing."""

    names: Annotated[list[NewName], Field(min_length=1, max_length=MOST_NAMES)]
    dry_run: bool = False


class Retiring(Body):
    """The assets that have left the plant, with all assets below them, and the reason."""

    assets: Annotated[list[Name], Field(min_length=1, max_length=1000)]
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.post("/imports", response_model=ImportReport)
async def import_register(deps: Deps, person: _Operator) -> Response:
    """Reads the register from the twin graph. Changes are valid from now on; nothing is deleted or retired."""
    clock = deps.storage.clock
    async with open_twins(deps.settings) as twins:
        read = await twins.read_register(clock.now())
    return answered(await deps.storage.register.keep(read, person.name))


@router.post("/aliases")
async def map_asset(asked: Mapping, deps: Deps, person: _Operator) -> Response:
    """Gives an asset its name in another system, from now on."""
    alias = Alias(**asked.model_dump(), valid_from=deps.storage.clock.now(), owner=person.name)
    await deps.storage.register.map_alias(alias, person.name)
    return answered(asked.model_dump())


@router.post("/crosswalk", response_model=CrosswalkReport)
async def map_assets(asked: CrosswalkChange, deps: Deps, person: _Operator) -> Response:
    """Gives assets their names in other systems: all of them, or none if one is refused."""
    report = await deps.storage.register.map_names(asked.names, person.name, dry_run=asked.dry_run)
    if report.refused and not asked.dry_run:
        first = report.refused[0]
        raise Problem(
            HTTPStatus.CONFLICT,
            "refused",
            f"{len(report.refused)} of {len(asked.names)} names are refused, so none was stored: {first.problem}",
            field=f"names.{first.row}.{first.field}",
            fix=first.fix,
            also={"refused": [refused.model_dump() for refused in report.refused]},
        )
    return answered(report)


@router.post("/retirements", response_model=RetirementReport)
async def retire(asked: Retiring, deps: Deps, person: _Operator) -> Response:
    """Retires assets that have left the plant, from now on. Their open work is withdrawn if nobody has touched it."""
    return answered(await deps.storage.register.retire(asked.assets, person.name, asked.reason))
