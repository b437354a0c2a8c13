"""The object structures this server shows: what `os/<name>` holds, and the lengths its site has configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.maximo.attributes import Attribute
from sandbox.maximo.mbo import Json, Mbo

STATUS = Attribute("status", "UPPER", 16, required=True, writable=False, domain=True)


@dataclass(frozen=True)
class MboStructure:
    """One object of a structure; `keys` name a row of it: the primary key, or what a merge matches child rows by."""

    name: str
    keys: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    writable: bool = True

    def schema(self) -> dict[str, Json]:
        """The object as `jsonschemas` shows it, without its children."""
        return {
            "title": self.name.upper(),
            "type": "object",
            "pk": list(self.keys),
            "properties": {name: attribute.schema() for name, attribute in self.attributes.items()},
            "required": [name for name, attribute in self.attributes.items() if attribute.required],
        }


@dataclass(frozen=True)
class ObjectStructure:
    """A REST resource: its root object and the child objects below it."""

    name: str
    root: MboStructure
    children: Mapping[str, MboStructure] = field(default_factory=dict)

    def key(self, mbo: Mbo) -> str:
        """The primary key of a record, as its rest id holds it."""
        return "/".join(mbo.text(name) for name in self.root.keys)


def _attributes(*attributes: Attribute) -> dict[str, Attribute]:
    return {attribute.name: attribute for attribute in attributes}


WORK_ORDER = ObjectStructure(
    "mxapiwodetail",
    MboStructure(
        "workorder",
        ("siteid", "wonum"),
        _attributes(
            Attribute("wonum", "UPPER", 10, required=True),
            Attribute("siteid", "UPPER", 8, required=True),
            Attribute("orgid", "UPPER", 8, required=True, writable=False),
            Attribute("workorderid", "INTEGER", writable=False),
            Attribute("description", "ALN", 100),
            Attribute("description_longdescription", "LONGALN", 32000, persistent=False),
            Attribute("assetnum", "UPPER", 12),
            Attribute("location", "UPPER", 12),
            Attribute("worktype", "UPPER", 5),
            Attribute("wopriority", "INTEGER"),
            Attribute("reportedby", "UPPER", 30),
            Attribute("reportdate", "DATETIME"),
            Attribute("externalrefid", "ALN", 10),
            STATUS,
            Attribute("statusdate", "DATETIME", writable=False),
            Attribute("actstart", "DATETIME"),
            Attribute("actfinish", "DATETIME"),
            Attribute("failurecode", "UPPER", 8),
            Attribute("problemcode", "UPPER", 8, writable=False),
            Attribute("historyflag", "YORN", writable=False),
        ),
    ),
    {
        "failurereport": MboStructure(
            "failurereport",
            ("type",),
            _attributes(
                Attribute("type", "UPPER", 12, required=True, domain=True),
                Attribute("failurecode", "UPPER", 8, required=True),
                Attribute("linenum", "INTEGER"),
            ),
        ),
        "labtrans": MboStructure(
            "labtrans",
            ("labtransid",),
            _attributes(
                Attribute("labtransid", "INTEGER"),
                Attribute("laborcode", "UPPER", 8, required=True),
                Attribute("craft", "UPPER", 8),
                Attribute("regularhrs", "DECIMAL", required=True),
                Attribute("startdate", "DATETIME"),
                Attribute("transtype", "UPPER", 16),
            ),
        ),
        "matusetrans": MboStructure(
            "matusetrans",
            ("matusetransid",),
            _attributes(
                Attribute("matusetransid", "INTEGER"),
                Attribute("itemnum", "UPPER", 30, required=True),
                Attribute("quantity", "DECIMAL", required=True),
                Attribute("storeloc", "UPPER", 12),
                Attribute("issuetype", "UPPER", 16, required=True),
            ),
        ),
        "worklog": MboStructure(
            "worklog",
            ("worklogid",),
            _attributes(
                Attribute("worklogid", "INTEGER"),
                Attribute("logtype", "UPPER", 16),
                Attribute("description", "ALN", 100, required=True),
                Attribute("description_longdescription", "LONGALN", 32000, persistent=False),
                Attribute("createby", "UPPER", 30, writable=False),
                Attribute("createdate", "DATETIME", writable=False),
            ),
        ),
        "wostatus": MboStructure(
            "wostatus",
            ("wostatusid",),
            _attributes(
                Attribute("wostatusid", "INTEGER", writable=False),
                STATUS,
                Attribute("changedate", "DATETIME", writable=False),
                Attribute("changeby", "UPPER", 30, writable=False),
                Attribute("memo", "ALN", 254, writable=False),
            ),
            writable=False,
        ),
    },
)

ASSET = ObjectStructure(
    "mxapiasset",
    MboStructure(
        "asset",
        ("assetnum", "siteid"),
        _attributes(
            Attribute("assetnum", "UPPER", 12, required=True),
            Attribute("siteid", "UPPER", 8, required=True),
            Attribute("orgid", "UPPER", 8, required=True, writable=False),
            Attribute("description", "ALN", 100),
            Attribute("location", "UPPER", 12, writable=False),
            Attribute("parent", "UPPER", 12, writable=False),
            Attribute("failurecode", "UPPER", 8, writable=False),
            Attribute("status", "UPPER", 16, required=True, writable=False),
            Attribute("serialnum", "ALN", 64),
        ),
    ),
    {
        "downtimereport": MboStructure(
            "downtimereport",
            ("startdate",),
            _attributes(
                Attribute("isdowntimereport", "YORN", required=True),
                Attribute("startdate", "DATETIME", required=True),
                Attribute("enddate", "DATETIME", required=True),
                Attribute("code", "UPPER", 12, required=True),
            ),
        )
    },
)

FAILURE_LIST = ObjectStructure(
    "mxapifailurelist",
    MboStructure(
        "failurelist",
        ("failurelist",),
        _attributes(
            Attribute("failurelist", "INTEGER", required=True, writable=False),
            Attribute("parent", "INTEGER", writable=False),
            Attribute("failurecode", "UPPER", 8, required=True, writable=False),
            Attribute("type", "UPPER", 12, writable=False),
            Attribute("description", "ALN", 100, writable=False),
            Attribute("orgid", "UPPER", 8, required=True, writable=False),
        ),
        writable=False,
    ),
)

STRUCTURES: Mapping[str, ObjectStructure] = {
    structure.name: structure for structure in (WORK_ORDER, ASSET, FAILURE_LIST)
}
