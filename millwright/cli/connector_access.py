"""Opens the connector that a command of `connector` names, with settings from the environment."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.errors import Rejected

if TYPE_CHECKING:
    import httpx
    from pydantic import BaseModel

    from domain.clock import Clock
    from domain.cmms import FoundAsset
    from domain.ports import Cmms, OutcomeCodes


@dataclass(frozen=True)
class ConnectorAccess:
    """A connector with the client that sends its requests.

    Args:
        connector: its id.
        own: its settings.
        cmms: the connector, made as production makes it.
        codes: what its failure codes mean.
        http: the client.
    """

    connector: str
    own: "BaseModel"
    cmms: "Cmms"
    codes: "OutcomeCodes"
    http: "httpx.AsyncClient"
    clock: "Clock"

    def over(self, http: "httpx.AsyncClient", *, wrong_secret: bool = False) -> "Cmms":
        """The same connector over another client.

        Args:
            wrong_secret: signs in with another password or key than that of the settings.
        """
        from pydantic import SecretStr

        from millwright.runtime.connecting import connect_cmms
        from millwright.runtime.connector_environment import secrets_of

        wrong = {name: SecretStr("wrong-on-purpose") for name in secrets_of(self.own)} if wrong_secret else {}
        return connect_cmms(self.connector, self.own.model_copy(update=wrong), http, self.connector, self.clock)[0]

    @property
    def host(self) -> str:
        """The host of the system."""
        return urlsplit(str(getattr(self.own, "url", ""))).hostname or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        from millwright.runtime.connector_environment import secrets_of

        return tuple(secrets_of(self.own).values())


@asynccontextmanager
async def open_connector(
    connector: str, url: str | None, more: Mapping[str, str] | None = None
) -> AsyncIterator[ConnectorAccess]:
    """The connector, within the block. It makes no call yet.

    Args:
        connector: its id.
        url: the address of the system; None takes the variable of the setting `url`.
        more: further settings, which outrank the environment.

    Raises:
        Rejected: there is no such connector, or its settings are missing or wrong.
    """
    from domain.clock import WallClock
    from millwright.runtime.connecting import connect_cmms, http_client
    from millwright.runtime.connector_environment import checked_settings, settings_given, variable_of
    from millwright.runtime.connector_settings import CMMS_CONNECTORS, cmms_settings_model

    if connector not in CMMS_CONNECTORS:
        known = ", ".join(sorted(CMMS_CONNECTORS))
        raise Rejected(f"there is no connector {connector!r} to a CMMS", field="ID", fix=f"one of {known}")
    model = cmms_settings_model(connector)
    given = settings_given(connector, model, os.environ)
    given |= {"url": url} if url is not None else {}
    own = checked_settings(connector, model, {**given, **(more or {})}, os.environ)
    clock = WallClock()
    async with http_client(own, partial(variable_of, connector)) as http:
        cmms, codes = connect_cmms(connector, own, http, connector, clock)
        yield ConnectorAccess(connector, own, cmms, codes, http, clock)


async def asset_of(access: ConnectorAccess, named: str | None, attributes: Mapping[str, str]) -> "FoundAsset":
    """The asset that the command line names, or one that the connector finds.

    Raises:
        Rejected: none is named, and the connector finds none.
    """
    from domain.cmms import FoundAsset
    from domain.cmms_offers import AssetFinder

    if named is not None:
        return FoundAsset(external_id=named, attributes=dict(attributes))
    if not isinstance(access.cmms, AssetFinder):
        raise Rejected(
            f"the connector {access.connector} cannot look for an asset by itself",
            field="--asset",
            fix="name an asset of that system with --asset",
        )
    found = await access.cmms.any_asset()
    if found is None:
        raise Rejected(
            f"{access.connector} at {access.host} has no asset that an order can be created for",
            field="--asset",
            fix="create one there, or name one with --asset",
        )
    return found.model_copy(update={"attributes": {**found.attributes, **attributes}})


def attributes_given(pairs: list[str]) -> dict[str, str]:
    """The attributes of an asset from `NAME=VALUE`.

    Raises:
        Rejected: one has another form.
    """
    wrong = [pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair]
    if wrong:
        raise Rejected(f"{wrong[0]!r} is not NAME=VALUE", field="--attribute", fix="write it as siteid=BEDFORD")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
