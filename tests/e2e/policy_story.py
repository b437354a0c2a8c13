"""The life of a policy while its plant plays: what an engineer, two approvers and an operator do, and what is said.

Everything goes through the command line, over the home of the installation that plays. Each chapter has its day, and is
told when the plant's clock has come to it; nothing of that moment is published before it ends.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from domain.canonical import timestamp
from millwright.demo.installation import CASES, JUDGING, Installation
from tests.cli.conftest import Millwright
from tests.support.people import join

MACHINES, DAYS, SEED = 18, 14, 1302
"""Of this seed five components are repaired by the fifth day; nine shift on LINE-1 between the sixth and the
ninth, four of them without a failure to come; and one elsewhere is confirmed on the twelfth."""

DRAFTS = Path(__file__).resolve().parents[2] / "policies" / "drafts" / "rotating-equipment"
LINE = "LINE-1"
PEOPLE = {
    "ada": ("author", "approver"),
    "bert": ("approver",),
    "carla": ("approver",),
    "emil": ("operator",),
    "fred": ("operator",),
}
WRITTEN, ON_TRIAL, MENDED, KILLED, IN_FORCE, ROLLED_BACK = 5.25, 5.5, 9.0, 9.125, 9.5, 12.5
"""The days of the chapters, from the plant's first instant on."""

_BECAUSE = "\n    because: Most shifts end by themselves;"
_WATCHED = f"then: {{ rung: watch, severity: S3 }}{_BECAUSE}"
_ORDERED = f"then: {{ rung: RUNG, severity: S3, priority: 3, due_within: PT24HMORE }}{_BECAUSE}"


class PolicyStory:
    """Tells the chapters; what was said is kept in `said`, as text, or as JSON where a command gives it.

    Args:
        installation: the plant that plays.
        data: the plant's data, the failures of its whole time among it.
        folder: where drafts are written.
    """

    def __init__(self, installation: Installation, data: Path, folder: Path) -> None:
        self.millwright = Millwright(installation.home)
        self.said: dict[str, Any] = {}
        self._installation = installation
        self._failures = data / "failures.csv"
        self._folder = folder
        self._keys: dict[str, str] = {}
        self._first: datetime | None = None
        self._left: list[tuple[float, Callable[[], None]]] = [
            (WRITTEN, self._write_and_approve),
            (ON_TRIAL, self._try_on_a_line),
            (ON_TRIAL, self._let_a_bad_rule_through),
            (MENDED, self._mend),
            (KILLED, self._lose_the_worker),
            (ROLLED_BACK, self._roll_back),
        ]

    async def beat(self, now: datetime) -> None:
        """Tells the chapters whose day has come."""
        self._first = self._first or now
        while self._left and now >= self.at(self._left[0][0]):
            # A command has a loop of its own.
            await asyncio.to_thread(self._left.pop(0)[1])

    def at(self, day: float) -> datetime:
        """The instant of a day of the plant.

        Raises:
            LookupError: the plant has not begun.
        """
        if self._first is None:
            raise LookupError("the plant has not begun")
        return self._first + timedelta(days=day)

    def acts(self, person: str, *arguments: str) -> str:
        """What is said to a person whose command succeeds."""
        return self.millwright.says("policy", *arguments, "--key", self._keys[person])

    def is_refused(self, person: str, *arguments: str) -> str:
        """The sentence that a person is refused with."""
        return self.millwright.refuses("policy", *arguments, "--key", self._keys[person])

    def version(self, number: str) -> dict[str, Any]:
        """How a version stands now."""
        versions: Sequence[dict[str, Any]] = self.millwright.json("policy", "list")["versions"]
        return next(version for version in versions if version["version"] == number)

    def _write_and_approve(self) -> None:
        for name, roles in PEOPLE.items():
            self._keys[name] = join(self.millwright.home, name, *roles)
        draft = self._folder / "1.3.0.yaml"
        for name in ("1.3.0.yaml", "1.3.0-cases.yaml"):
            shutil.copy(DRAFTS / name, self._folder / name)
        self.said["check"] = self.millwright.says("policy", "check", str(draft))
        self.said["proofs"] = self.millwright.json("policy", "prove", str(draft))
        self.said["diff"] = self.millwright("policy", "diff", "1.2.0", str(draft)).stdout
        self.acts("ada", "draft", str(draft), "--reason", "the last code need not wait for another reading")
        self.said["submitted"] = self.acts("ada", "submit", "1.3.0")
        self.said["needed without a backtest"] = self.version("1.3.0")["approvals_needed"]
        self.said["backtest"] = self._attach_backtest("1.3.0", WRITTEN)
        self.said["needed with it"] = self.version("1.3.0")["approvals_needed"]
        read = ("approve", "1.3.0", "--meaning", "I read it, its cases and its backtest")
        self.said["shadowed too soon"] = self.is_refused("emil", "shadow", "1.3.0", "--reason", "a look")
        self.said["author approves"] = self.is_refused("ada", *read)
        self.said["first approval"] = self.acts("bert", *read)
        self.said["approved twice"] = self.is_refused("bert", *read)
        self.said["second approval"] = self.acts("carla", *read)
        self.acts("emil", "shadow", "1.3.0", "--reason", "a look at what it would do")

    def _try_on_a_line(self) -> None:
        self.said["shadowed"] = self.millwright.json("policy", "hits", "1.3.0")
        self.acts("emil", "canary", "1.3.0", "--line", LINE, "--reason", "the first line")
        self.said["places"] = self.version("1.3.0")["places"]
        self.said["in force on trial"] = {
            line: self.millwright.json("policy", "in-force", "--line", line)["version"] for line in (LINE, "LINE-2")
        }

        self.acts("emil", "stop", "twin-write", "--class", "robot", "--reason", "the twin is copied")
        self.acts("fred", "lift", "1", "--reason", "the copy is made")

    def _let_a_bad_rule_through(self) -> None:
        self._draft("1.3.1", "work_order", "", "no shift may wait")
        self.said["broken promise"] = self.is_refused("ada", "submit", "1.3.1")
        self._draft("1.3.1", "draft", ", review: planner", "a draft, then")
        self.acts("ada", "submit", "1.3.1")
        self._attach_backtest("1.3.1", ON_TRIAL)
        for person in ("bert", "carla"):
            self.acts(person, "approve", "1.3.1", "--meaning", "I read it")
        self.acts("emil", "canary", "1.3.1", "--line", LINE, "--reason", "no shift may wait")

    def _mend(self) -> None:
        self.said["after the halt"] = self.version("1.3.1")
        self.said["in force after the halt"] = self.millwright.json("policy", "in-force", "--line", LINE)["version"]
        self.acts("emil", "withdraw", "1.3.1", "--reason", "it orders on every shift")
        self.acts("emil", "withdraw", "1.3.0", "--only", "canary", "--reason", "1.3.2 comes into force")
        self._draft("1.3.2", None, "", "shifts wait for their codes again")
        self.acts("ada", "submit", "1.3.2")
        self._attach_backtest("1.3.2", MENDED)
        for person in ("bert", "carla"):
            self.acts(person, "approve", "1.3.2", "--meaning", "I read it, and why 1.3.1 was halted")
        begins = timestamp(self.at(IN_FORCE))
        self.acts("emil", "activate", "1.3.2", "--from", begins, "--reason", "from the early shift on")
        self.said["before its date"] = self.version("1.3.2")

    def _lose_the_worker(self) -> None:
        for worker in (JUDGING, CASES):
            self._installation.kill(worker)
        for worker in (JUDGING, CASES):
            self._installation.restart(worker)

    def _roll_back(self) -> None:
        self.said["in force"] = self.version("1.3.2")
        self.said["rolled back"] = self.acts(
            "fred", "rollback", "1.3.2", "--to", "1.2.0", "--reason", "the crew is away"
        )

    def _attach_backtest(self, version: str, day: float) -> dict[str, Any]:
        register = self._folder / "failures.csv"
        heading, *rows = self._failures.read_text().splitlines()
        known = [row for row in rows if datetime.fromisoformat(row.split(",")[0].strip('"') + "Z") <= self.at(day)]
        register.write_text("\n".join([heading, *known]))
        asked = ("policy", "backtest", version, "--against", "1.2.0", "--failures", str(register))
        found = self.millwright(*asked, "--attach", "--key", self._keys["ada"], "--json")
        assert found.exit_code in (0, 1), found.stderr
        told: dict[str, Any] = orjson.loads(found.stdout)
        return told

    def _draft(self, version: str, single_shift: str | None, more: str, reason: str) -> None:
        """Saves 1.3.0 under another number, perhaps with another rung for a shift that nothing confirms."""
        text, cases = ((DRAFTS / name).read_text() for name in ("1.3.0.yaml", "1.3.0-cases.yaml"))
        text = text.replace("version: 1.3.0", f"version: {version}").replace("1.3.0-cases", f"{version}-cases")
        if single_shift is not None:
            ordered = _ORDERED.replace("RUNG", single_shift).replace("MORE", more)
            text = text.replace(_WATCHED, ordered)
            cases = cases.replace("rule: single-shift, rung: watch", f"rule: single-shift, rung: {single_shift}")
        file = self._folder / f"{version}.yaml"
        file.write_text(text)
        file.with_name(f"{version}-cases.yaml").write_text(cases)
        self.acts("ada", "draft", str(file), "--reason", reason)
