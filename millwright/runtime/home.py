"""The settings of an installation under a home: from the environment, and from the file of its own run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from domain.errors import Rejected
from millwright.runtime.embedded.marking import ENVIRONMENT_FILE, POSTGRES
from millwright.runtime.setting_files import file_content
from millwright.settings import Settings

_PREFIX = "MILLWRIGHT_"
_FILE = "_FILE"
_HOME = "MILLWRIGHT_HOME"
_DATABASE = "MILLWRIGHT_DATABASE_URL"
_URL_BEGINS = ("postgresql://", "postgresql+psycopg://")


def load_settings(home: Path | None = None, *, anew: bool = False) -> Settings:
    """The settings of the installation under a home.

    The environment has precedence. A variable with `_FILE` at its end names a file with the value. If the environment
    sets a database, it describes another installation, and the file in the home is not read. The home file's database
    is used only while it answers; otherwise the embedded one is started again from the same home.

    Args:
        home: the home; if None, MILLWRIGHT_HOME or the default.
        anew: does not read the file, because the installation will be created again.

    Raises:
        Rejected: a setting is wrong or given twice, or a file is unreadable; `field` names it.
    """
    ours = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(_PREFIX)}
    given = _with_files(ours)
    if home is not None:
        given[_HOME] = str(home)
    where = Path(given.get(_HOME) or str(Settings.model_fields["home"].default))
    written = {} if anew or _DATABASE in given else _written(where / ENVIRONMENT_FILE)
    if _DATABASE in written and not _answers(written[_DATABASE]):
        del written[_DATABASE]
    return settings_from({**written, **given, _HOME: str(where)})


def _with_files(given: Mapping[str, str]) -> dict[str, str]:
    """The variables, those of files replaced by what their files hold: `MILLWRIGHT_CMMS__API_KEY_FILE` names the file
    of `MILLWRIGHT_CMMS__API_KEY`, as a vault mounts it.

    Raises:
        Rejected: a setting is given twice, or its file cannot be read.
    """
    values = dict(given)
    for name in sorted(given):
        setting = name.removesuffix(_FILE)
        if setting == name or setting.removeprefix(_PREFIX).split("__")[0].lower() not in Settings.model_fields:
            continue
        if setting in given:
            raise Rejected(f"is set, and so is {name}", field=setting, fix="unset one of the two")
        values[setting] = file_content(Path(values.pop(name)), name)
    return values


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
        source = EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): value for name, value in variables.items()}
        return Settings(**source())
    except SettingsError as error:
        raise Rejected(f"a setting cannot be read: {error}", fix="lists and objects are written in JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "__".join(str(part) for part in first["loc"])
        raise Rejected(first["msg"], field=name, fix=f"set {_PREFIX}{name.upper()}") from error
