"""Models, a credential and an option for plain HTTP, for using the real client of Azure Digital Twins with the
sandbox."""

import time
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

SPACE = "dtmi:example:Space;1"
ROOM = "dtmi:example:Room;1"
THERMOSTAT = "dtmi:example:Thermostat;1"
MODELS: list[dict[str, Any]] = [
    {
        "@context": "dtmi:dtdl:context;2",
        "@id": SPACE,
        "@type": "Interface",
        "displayName": "Space",
        "contents": [
            {"@type": "Property", "name": "name", "schema": "string"},
            {"@type": "Property", "name": "temperature", "schema": "double"},
            {
                "@type": "Relationship",
                "name": "contains",
                "properties": [{"@type": "Property", "name": "since", "schema": "date"}],
            },
        ],
    },
    {
        "@context": "dtmi:dtdl:context;2",
        "@id": THERMOSTAT,
        "@type": "Interface",
        "contents": [{"@type": "Property", "name": "setPoint", "schema": "double"}],
    },
    {
        "@context": "dtmi:dtdl:context;3",
        "@id": ROOM,
        "@type": "Interface",
        "extends": SPACE,
        "contents": [
            {"@type": "Component", "name": "thermostat", "schema": THERMOSTAT},
            {
                "@type": "Property",
                "name": "tags",
                "schema": {"@type": "Array", "elementSchema": "string"},
            },
        ],
    },
]


class Credential:
    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("sandbox", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_details: object) -> None: ...


class AllowLoopbackHttp(SansIOHTTPPolicy[Any, Any]):
    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options["enforce_https"] = False
