"""The settings of one connector from variables named after it, without an installation.

`MILLWRIGHT_ATLAS_PASSWORD` is the setting `password` of the connector `atlas`; `MILLWRIGHT_ATLAS_PASSWORD_FILE` names a
file with it.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from domain.errors import Rejected
from millwright.runtime.setting_files import SecretInFile, file_content, is_secret
from millwright.settings import decoded

_PREFIX = "MILLWRIGHT"
_FILE = "_FILE"

SettingsT = TypeVar("SettingsT", bound=BaseModel)


def variable_of(connector: str, setting: str) -> str:
    """The variable of a setting of a connector."""
    return f"{_PREFIX}_{connector.upper()}_{setting.upper()}"


def settings_given(connector: str, model: type[BaseModel], environment: Mapping[str, str]) -> dict[str, object]:
    """The settings that the environment gives for a connector, unchecked.

    Raises:
        Rejected: a setting is given twice, or its file cannot be read.
    """
    given: dict[str, object] = {}
    for name, field in model.model_fields.items():
        variable = variable_of(connector, name)
        value, file = environment.get(variable), environment.get(variable + _FILE)
        if value is not None and file is not None:
            raise Rejected(f"is set, and so is {variable}{_FILE}", field=variable, fix="unset one of the two")
        if is_secret(field.annotation):
            secret = value if file is None else SecretInFile(Path(file), variable + _FILE)
            given |= {} if secret is None else {name: secret}
            continue
        if file is not None:
            value = file_content(Path(file), variable + _FILE)
        if value is not None:
            given[name] = decoded(value)
    return given


def checked_settings(
    connector: str, model: type[SettingsT], given: Mapping[str, object], environment: Mapping[str, str]
) -> SettingsT:
    """The settings of a connector.

    Args:
        environment: where a variable that has a wrong name is looked for, to name it.

    Raises:
        Rejected: some are missing or wrong. The message names the variables, and no value.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
    missing = [variable_of(connector, str(each["loc"][0])) for each in found if each["type"] == "missing"]
    if missing:
        unknown = _unknown(connector, model, environment)
        hint = f"; {', '.join(unknown)} is no setting of {connector}" if unknown else ""
        others = f", and neither is {' or '.join(missing[1:])}" if missing[1:] else ""
        raise Rejected(f"is not set{others}{hint}", field=missing[0], fix=_fix(connector, missing))
    place = [str(part) for part in found[0]["loc"]] or ["url"]
    variable = variable_of(connector, place[0])
    within = f" (at {'.'.join(place[1:])})" if place[1:] else ""
    corrected = f"--url or {variable}" if place[0] == "url" else variable
    problem = found[0]["msg"].removeprefix("Value error, ") + within
    raise Rejected(problem, field=variable, fix=f"correct {corrected}")


def secrets_of(settings: BaseModel) -> dict[str, str]:
    """The secrets among the settings of a connector, by their names."""
    return {
        name: value.get_secret_value()
        for name in type(settings).model_fields
        if isinstance(value := getattr(settings, name), SecretStr)
    }


def _fix(connector: str, missing: Collection[str]) -> str:
    url = variable_of(connector, "url")
    others = [name for name in missing if name != url]
    parts = ["give --url"] if url in missing else []
    parts += [f"set {', '.join(others)}, or the same with {_FILE} for a file"] if others else []
    return "; ".join(parts)


def _unknown(connector: str, model: type[BaseModel], environment: Mapping[str, str]) -> list[str]:
    prefix = variable_of(connector, "")
    known = {variable_of(connector, name) for name in model.model_fields}
    return sorted(
        name for name in environment if name.startswith(prefix) and name.removesuffix(_FILE) not in known | {prefix}
    )
