"""The port `TwinGraph` on Azure Digital Twins.

The query index lags behind the service's events. So only the register is read by query; twins are read by id and
patched under their ETag.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import ResourceModifiedError

from connectors.azure.digital_twins.client import Connection
from connectors.azure.digital_twins.faults import SYSTEM, translating
from connectors.azure.digital_twins.mapping import plant_register
from connectors.azure.digital_twins.models import declared_contents
from connectors.azure.digital_twins.outcome_writing import OutcomeWriting
from connectors.azure.digital_twins.settings import DigitalTwinsSettings
from connectors.azure.digital_twins.twins import AzureTwin, new_etag, twin_of
from domain.assets import PlantRegister
from domain.canonical import Json
from domain.errors import Refused, Unavailable
from domain.twin_writes import ToldOutcome, TwinWrite

_TWINS: Final = "SELECT * FROM DIGITALTWINS"
_RELATIONSHIPS: Final = "SELECT * FROM RELATIONSHIPS"


class AzureTwinGraph:
    """One instance of Azure Digital Twins."""

    def __init__(self, settings: DigitalTwinsSettings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection
        self._client = connection.client

    async def check(self) -> str:
        """See `TwinGraph.check`."""
        with translating("check", self._settings.endpoint):
            models = [model async for model in self._client.list_models()]
        return f"Azure Digital Twins at {self._settings.endpoint}: {len(models)} models"

    async def read_register(self, as_of: datetime) -> PlantRegister:
        """See `TwinGraph.read_register`."""
        with translating("read-register", self._settings.endpoint):
            definitions = {
                str(each.id): each.model or {} async for each in self._client.list_models(include_model_definition=True)
            }
        twins = await self._queried(_TWINS)
        relationships = await self._queried(_RELATIONSHIPS)
        try:
            models = declared_contents(definitions)
            return plant_register(twins, relationships, models, self._settings.vocabulary, as_of)
        except KeyError as missing:
            problem = f"a twin or relationship came without {missing}"
            raise Refused(problem, system=SYSTEM, operation="read-register") from missing

    async def read_twin(self, twin: str) -> AzureTwin:
        """See `TwinGraph.read_twin`."""
        with translating("read-twin", f"twin {twin}"):
            document = await self._client.get_digital_twin(twin)
        return twin_of(document)

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        """See `TwinGraph.patch_twin`. A value of None removes the property, because the service has no null."""
        for _ in range(self._settings.patch_attempts):
            current = await self.read_twin(twin)
            operations = patch_operations(current.properties, properties)
            if not operations:
                return current.etag
            with translating("patch-twin", f"twin {twin}", properties):
                try:
                    etag = await self._client.update_digital_twin(
                        twin,
                        operations,
                        etag=current.etag,
                        match_condition=MatchConditions.IfNotModified,
                        cls=new_etag,
                    )
                except ResourceModifiedError:
                    continue
            return etag or (await self.read_twin(twin)).etag
        raise Unavailable(
            f"twin {twin} changed {self._settings.patch_attempts} times while we patched it",
            system=SYSTEM,
            operation="patch-twin",
        )

    async def tell_outcome(self, twin: str, work: ToldOutcome) -> TwinWrite:
        """See `OutcomeWriter.tell_outcome`."""
        return await OutcomeWriting(self._settings, self._client).tell(twin, work)

    async def close(self) -> None:
        """Closes the connection."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _queried(self, query: str) -> list[dict[str, object]]:
        with translating("read-register", query):
            found: AsyncItemPaged[dict[str, object]] = self._client.query_twins(
                query, headers={"max-items-per-page": str(self._settings.page_size)}
            )
            return [row async for row in found]


def patch_operations(current: Mapping[str, Json], wanted: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The JSON Patch that changes the current values to the wanted ones; nothing for equal values.

    The service refuses `replace` and `remove` of an absent property, and null as a value.
    """
    operations: list[dict[str, Json]] = []
    for name, value in wanted.items():
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        if value is None:
            if name in current:
                operations.append({"op": "remove", "path": path})
        elif name not in current:
            operations.append({"op": "add", "path": path, "value": value})
        elif current[name] != value or isinstance(current[name], bool) is not isinstance(value, bool):
            operations.append({"op": "replace", "path": path, "value": value})
    return operations
