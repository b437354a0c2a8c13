"""A plant of either build, run from the build's own worktree and met from outside."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.against.builds import Build, outside_environment
from benchmarks.rig.plant import RunningPlant, Size
from domain.assets import PlantRegister

_HOST = Path(__file__).with_name("host.py")
_PATIENCE = 120.0


class HostFailed(Exception):
    """A plant did not come up, or is not of the build that it should be of."""


@dataclass
class HostedPlant(RunningPlant):
    """A plant that another process runs."""

    hosted: dict[str, int] = field(default_factory=dict)
    """Process ids by name."""
    described: list[str] = field(default_factory=list)
    """Machine and versions, in lines, as the build tells them."""

    @property
    def pids(self) -> dict[str, int]:
        return self.hosted


@contextmanager
def hosted_plant(build: Build, size: Size) -> Iterator[HostedPlant]:
    """A plant of this build, ready, for as long as the block lasts.

    Raises:
        HostFailed: it did not come up, or its code is not that of the build's worktree.
    """
    asked = {"assets": size.assets, "lines": size.lines, "engine": size.engine}
    with subprocess.Popen(
        # -P keeps this file's folder off the path: only the build's own modules are found.
        [build.python, "-P", str(_HOST), json.dumps(asked)],
        cwd=build.folder,
        env=outside_environment() | {"PYTHONPATH": str(build.folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for us alone: the plant is then ended in good order by closing the host's input.
        start_new_session=True,
    ) as host:
        try:
            line = host.stdout.readline() if host.stdout else ""
            if not line:
                raise HostFailed(f"The plant of the {build.name} build did not come up: exit code {host.wait()}.")
            yield plant_of(line, build.folder, size)
        finally:
            _end(host)


def plant_of(line: str, folder: Path, size: Size) -> HostedPlant:
    """The plant that a host's line of JSON tells of.

    Raises:
        HostFailed: its code does not lie in the folder.
    """
    facts = json.loads(line)
    if not Path(facts["code"]).is_relative_to(folder.resolve()):
        raise HostFailed(f"The plant runs {facts['code']}, which is not in {folder}.")
    return HostedPlant(
        size=size,
        home=Path(facts["home"]),
        database_url=facts["database_url"],
        engine=facts["engine"],
        control_url=facts["control_url"],
        bus=facts["bus"],
        topic=facts["topic"],
        api_urls=facts["api_urls"],
        register=PlantRegister.model_validate_json(facts["register"]),
        began=datetime.fromisoformat(facts["began"]),
        hosted=facts["pids"],
        described=facts["described"],
    )


def _end(host: "subprocess.Popen[str]") -> None:
    try:
        # It closes the input, and reads what the host still has to print: else a host that is interrupted before its
        # line was read would wait for a reader for ever.
        host.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        host.kill()
        raise HostFailed(f"A plant did not end within {_PATIENCE:.0f} s; processes of it may still run.") from None
