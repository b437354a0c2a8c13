"""The settings of an installation under a home: from the environment, and from the file of its own run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError

from domain.errors import Rejected
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, POSTGRES
from millwright.runtime.setting_files import SecretInFile
from millwright.settings import CmmsSettings, ConnectorSettings, Settings, decoded

_PREFIX = "MILLWRIGHT_"
_FILE = "_FILE"
_HOME = "MILLWRIGHT_HOME"
_DATABASE = "MILLWRIGHT_DATABASE_URL"
_WEBHOOK_SECRETS = "webhook_secrets"
_URL_BEGINS = ("postgresql://", "postgresql+psycopg://")


def load_settings(home: Path | None = None, *, anew: bool = False) -> Settings:
    """The settings of the installation under a home.

    The environment has precedence. A variable with `_FILE` at its end names a file with the value; a secret is read
    again when its file changes. If the environment sets a database, it describes another installation, and the file in
    the home is not read. The home file's database is used only while it answers; otherwise the embedded one is started
    again from the same home.

    Args:
        home: the home; if None, MILLWRIGHT_HOME or the default.
        anew: does not read the file, because the installation will be created again.

    Raises:
        Rejected: a setting is wrong or given twice, or a file is unreadable; `field` names it.
    """
    ours = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(_PREFIX)}
    files = _in_files(ours)
    given = {name: value for name, value in ours.items() if name.removesuffix(_FILE) not in files}
    given |= {name: secret.get_secret_value() for name, secret in files.items()}
    if home is not None:
        given[_HOME] = str(home)
    where = Path(given.get(_HOME) or str(Settings.model_fields["home"].default))
    written = {} if anew or _DATABASE in given else _written(where / ENVIRONMENT_FILE)
    if _DATABASE in written and not _answers(written[_DATABASE]):
        del written[_DATABASE]
    return _with_secrets({**written, **given, _HOME: str(where)}, files)


def _in_files(given: Mapping[str, str]) -> dict[str, SecretInFile]:
    """The variables whose values stand in files: `MILLWRIGHT_CMMS__API_KEY_FILE` names the file of
    `MILLWRIGHT_CMMS__API_KEY`, as a vault mounts it.

    Raises:
        Rejected: a setting is given twice, or its file cannot be read.
    """
    values: dict[str, SecretInFile] = {}
    for name in sorted(given):
        setting = name.removesuffix(_FILE)
        if setting == name or setting.removeprefix(_PREFIX).split("__")[0].lower() not in Settings.model_fields:
            continue
        if setting in given:
            raise Rejected(f"is set, and so is {name}", field=setting, fix="unset one of the two")
        values[setting] = SecretInFile(Path(given[name]), name)
    return values


def _with_secrets(variables: Mapping[str, str], files: Mapping[str, SecretInFile]) -> Settings:
    """The settings of some variables, in which each secret of a file is read again when the file changes.

    Of other settings the value counts that the file had at the start.
    """
    settings = settings_from(variables)
    first: dict[str, SecretStr] = {}
    for variable, secret in files.items():
        *place, name = variable.removeprefix(_PREFIX).lower().split("__")
        secret.accept_by(lambda text, variable=variable: settings_from({**variables, variable: text}))  # type: ignore[misc]
        if not place and isinstance(getattr(settings, name), SecretStr):
            first[name] = secret
        elif place and (connector := _connector(settings, place)) is not None:
            own = connector.model_extra or {}
            if name in own:
                # The connector's own model takes it as a secret, or as a text (`connector_settings.own_settings`).
                own[name] = secret
            elif name == _WEBHOOK_SECRETS and isinstance(connector, CmmsSettings):
                connector.read_webhook_secrets_from(secret)
    return settings.model_copy(update=first)


def _connector(settings: Settings, place: list[str]) -> ConnectorSettings | None:
    """The settings of the connector whose variables begin with the names of a place; None if there is none."""
    found: object = getattr(settings, place[0])
    for name in place[1:]:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, ConnectorSettings) else None


def installed(settings: Settings) -> bool:
    """Whether there is a database to open: one in the settings, or an existing embedded one."""
    return settings.database_url is not None or (settings.home / POSTGRES).exists()


def _written(file: Path) -> dict[str, str]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Rejected(f"{file} cannot be read: {error}", field="home", fix="remove it, or run `make run`") from error
    if not isinstance(values, dict):
        raise Rejected(f"{file} holds no variables", field="home", fix="remove it, or run `make run`")
    return {name: str(value) for name, value in values.items() if name.startswith(_PREFIX)}


def _answers(url: str) -> bool:
    # Not every process may load what speaks to the database: the worker in the plant's zone may not.
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


class _Variables(EnvSettingsSource):
    """Variables, of which those of a connector stay texts: a password may be `12345678` or `true`."""

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        return decoded(value) if field is None else super().decode_complex_value(field_name, field, value)


def settings_from(variables: Mapping[str, str]) -> Settings:
    """The settings of some variables only.

    Raises:
        Rejected: one of them is wrong; `field` names it.
    """
    url = variables.get(_DATABASE)
    if url is not None and not url.startswith(_URL_BEGINS):
        raise Rejected(
            "is no address of a PostgreSQL database",
            field="database_url",
            fix=f"set {_DATABASE} to postgresql://user:password@host:port/database",
        )
    try:
        source = _Variables(Settings)
        source.env_vars = {name.lower(): value for name, value in variables.items()}
        return Settings(**source())
    except SettingsError as error:
        raise Rejected(f"a setting cannot be read: {error}", fix="lists and objects are written in JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "__".join(str(part) for part in first["loc"])
        raise Rejected(first["msg"], field=name, fix=f"set {_PREFIX}{name.upper()}") from error
