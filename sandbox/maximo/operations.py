"""What a request asks for, by its method, path and headers: the name under which faults are told."""

from starlette.datastructures import Headers
from starlette.types import Scope

from sandbox.maximo.structures import WORK_ORDER

API = "/maximo/api"
OVERRIDE = "x-method-override"
CHANGE_STATUS = "wsmethod:changeStatus"


def operation_of(scope: Scope) -> str:
    """`query`, `read`, `create`, `sync`, `bulk`, `update`, `changeStatus`, `getlist`, `schema`, or `unknown`.

    Of other object structures than work orders with the name before it: `mxapiasset.sync`.
    """
    parts = str(scope["path"]).removeprefix(API).strip("/").split("/")
    if parts[0] not in ("os", "jsonschemas") or len(parts) < 2:
        return "unknown"
    structure = "" if parts[1] == WORK_ORDER.name else f"{parts[1]}."
    if parts[0] == "jsonschemas":
        return f"{structure}schema"
    if scope["method"] == "GET":
        names = {2: "query", 3: "read"}
        return structure + names.get(len(parts), "getlist")
    if b"wsmethod" in scope["query_string"]:
        return f"{structure}changeStatus"
    override = Headers(scope=scope).get(OVERRIDE, "").upper()
    if len(parts) == 2:
        return structure + {"SYNC": "sync", "BULK": "bulk"}.get(override, "create")
    return f"{structure}update"
