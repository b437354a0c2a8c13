"""The JSON of a request without `lean=1`: every name carries its namespace's prefix."""

from collections.abc import Mapping

from sandbox.maximo.mbo import Json

PREFIXES: Mapping[str, str] = {
    "oslc": "http://open-services.net/ns/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spi": "http://jazz.net/ns/ism/asset/smarter_physical_infrastructure#",
}
_SPI = "spi:"


def with_prefixes(value: Json) -> Json:
    """A record's plain names as `spi:` names, its href as `rdf:about`, at every level."""
    if isinstance(value, list):
        return [with_prefixes(item) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Json] = {}
    for name, item in value.items():
        named["rdf:about" if name == "href" else _SPI + name.removeprefix("_")] = with_prefixes(item)
    return named


def without_prefixes(value: Json) -> Json:
    """A payload's `spi:` names as plain ones; a name without the prefix is silently dropped, as 7.6 does."""
    if isinstance(value, list):
        return [without_prefixes(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _plain(name): without_prefixes(item)
        for name, item in value.items()
        if name.startswith(_SPI) or name in ("rdf:about", "_action")
    }


def _plain(name: str) -> str:
    return "href" if name == "rdf:about" else name.removeprefix(_SPI)
