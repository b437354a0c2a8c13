"""From the file of a description to the description: one that is shipped, or one of the site."""

import hashlib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from connectors.cmms.rest.description import RestDescription
from connectors.cmms.rest.yaml_text import RestTextRejected, YamlText, read_yaml

SHIPPED: Final = Path(__file__).parent / "descriptions"
"""The descriptions that come with Millwright."""
_SHOWN_PROBLEMS: Final = 5


def shipped_names() -> tuple[str, ...]:
    """The names of the descriptions that come with Millwright."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.yaml")))


class RestDescriptionFile(BaseModel):
    """A description with the file that it was read from. It is made from the name or the path alone.

    Args:
        file: as the settings name it.
        digest: the SHA-256 of its content, so that the record of settings shows when it was changed.
        description: what it says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    file: str
    digest: str
    description: RestDescription = Field(exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _from_its_name(cls, given: object) -> object:
        return _read(given) if isinstance(given, str) else given


def _read(name: str) -> dict[str, object]:
    path = SHIPPED / f"{name}.yaml" if name in shipped_names() else Path(name)
    try:
        content = path.read_bytes()
        text = content.decode()
    except (OSError, ValueError) as error:
        known = ", ".join(shipped_names())
        raise RestTextRejected(
            f"{name!r} cannot be read ({type(error).__name__}): write the path of a UTF-8 YAML file, or one of {known}"
        ) from None
    description = parse_description(text, path.name)
    return {"file": name, "digest": hashlib.sha256(content).hexdigest(), "description": description}


def parse_description(text: str, file: str) -> RestDescription:
    """The description of a text.

    Raises:
        RestTextRejected: it is wrong; with each place and what to write.
    """
    read = read_yaml(text, file)
    data = read.data if isinstance(read.data, dict) else {}
    context = {name: [*part] if isinstance(part := data.get(name), dict) else [] for name in ("values", "beside")}
    try:
        return RestDescription.model_validate(data, context={"site": context["values"], "beside": context["beside"]})
    except ValidationError as error:
        raise RestTextRejected("; ".join(_problems(error, read))) from None


def _problems(error: ValidationError, read: YamlText) -> list[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    words = [read.complaint(tuple(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in found]
    more = len(words) - _SHOWN_PROBLEMS
    return [*words[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
