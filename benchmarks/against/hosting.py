"""A plant of one of the builds, which runs in the build's worktree and is used from outside."""

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
    """A plant did not start, or runs the code of another build."""


@dataclass
class HostedPlant(RunningPlant):
    """A plant that another process runs."""

    hosted: dict[str, int] = field(default_factory=dict)
    """Process ids by name."""
    described: list[str] = field(default_factory=list)
    """The machine and the versions, in lines, from the build."""

    @property
    def pids(self) -> dict[str, int]:
        return self.hosted


@contextmanager
def hosted_plant(build: Build, size: Size) -> Iterator[HostedPlant]:
    """A running plant of this build until the block ends.

    Raises:
        HostFailed: it did not start, or its code is not that of the build's worktree.
    """
    asked = {"assets": size.assets, "lines": size.lines, "engine": size.engine}
    with subprocess.Popen(
        # -P keeps this file's folder off the path, so that only the build's modules are found.
        [build.python, "-P", str(_HOST), json.dumps(asked)],
        cwd=build.folder,
        env=outside_environment() | {"PYTHONPATH": str(build.folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Only this process gets Ctrl-C. It then ends the plant by closing the host's input.
        start_new_session=True,
    ) as host:
        try:
            line = host.stdout.readline() if host.stdout else ""
            if not line:
                raise HostFailed(f"The plant of the {build.name} build did not start: exit code {host.wait()}.")
            yield plant_of(line, build.folder, size)
        finally:
            _end(host)


def plant_of(line: str, folder: Path, size: Size) -> HostedPlant:
    """The plant that a host's line of JSON describes.

    Raises:
        HostFailed: its code is not in the folder.
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
        # This closes the input and reads the remaining output. Otherwise a host whose line nobody has read would wait
        # for ever.
        host.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        host.kill()
        raise HostFailed(f"A plant did not end within {_PATIENCE:.0f} s; its processes may still run.") from None
