"""Writes the bill of materials of production, as CycloneDX JSON. `make sbom`."""

import json
import sys
import tomllib
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from supply import lock
from supply.licences import Unknown, licence_of

FILE: Final = lock.ROOT / "build" / "sbom.cdx.json"
_PROJECT: Final = tomllib.loads((lock.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_OURS: Final = f"{_PROJECT['name']}@{_PROJECT['version']}"
"""No purl: in the registry, this name is that of a project of others."""

_Json = dict[str, object]


def document(pins: list[lock.Pin]) -> _Json:
    """The bill of these pins. The same pins give the same document.

    Raises:
        Unknown: the licence of a package is not known.
    """
    references = [_reference(pin) for pin in pins]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, " ".join(references)).urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _OURS,
                "name": _PROJECT["name"],
                "version": _PROJECT["version"],
            }
        },
        "components": [_component(pin) for pin in pins],
        "dependencies": [
            {"ref": _OURS, "dependsOn": [_reference(pin) for pin in pins if lock.PRODUCT in pin.asked_by]},
            *(
                {"ref": _reference(asker), "dependsOn": [_reference(pin) for pin in pins if asker.name in pin.asked_by]}
                for asker in pins
            ),
        ],
    }


def _component(pin: lock.Pin) -> _Json:
    reference = _reference(pin)
    return {
        "type": "library",
        "bom-ref": reference,
        "name": pin.name,
        "version": pin.version,
        "purl": reference,
        "licenses": [{"expression": licence_of(pin).expression}],
    }


def _reference(pin: lock.Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def main() -> None:
    """Writes the document.

    Raises:
        SystemExit: a licence is not known.
    """
    pins = lock.runtime(lock.read(lock.RUNTIME))
    try:
        text = json.dumps(document(pins), indent=2)
    except Unknown as problem:
        sys.exit(str(problem))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"Written: {FILE.relative_to(lock.ROOT)}, {len(pins)} components.")


if __name__ == "__main__":
    main()
