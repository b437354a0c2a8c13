"""The versions that may judge, by digest. A version is loaded only if its text is the published one."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from domain.admission import CrewBound
from domain.anomaly import Anomaly
from domain.autonomy import AutonomyAdvice, AutonomyRecord, AutonomyTerms
from domain.counterfactuals import Counterfactuals
from domain.dependents import Dependents
from domain.errors import PolicyRejected
from domain.hold_proposals import HoldTerms
from domain.pricing import TimedFault
from domain.production import ProductionContext
from domain.return_to_normal import NormalTerms
from domain.verdict import Context, Explanation, Memory, ReadInputs, RuleWords, UrgencyDecision, Verdict
from policies.engine import counterfactual, explanation, judging, timing
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.language.fields import SEMVER
from policies.language.text import TextRejected
from policies.statistics import autonomy

PUBLISHED = Path(__file__).parents[1] / "published"
"""The versions shipped with Millwright: `<policy>/<version>.yaml`, with their digests in `digests.toml`."""
DIGESTS = "digests.toml"


class Catalogue:
    """Compiled policy versions by digest; implements `domain.ports.Judge`, `domain.admission.CrewBounds` and
    `domain.return_to_normal.NormalClauses`.

    A version compiles once.
    """

    def __init__(self) -> None:
        self._versions: dict[str, CompiledPolicy] = {}

    @classmethod
    def published(cls, directory: Path = PUBLISHED) -> "Catalogue":
        """A catalogue of all published versions of a folder.

        Raises:
            PolicyRejected: a version was edited, is not listed in `digests.toml`, has a wrong file name, or is listed
                and missing.
        """
        catalogue = cls()
        listed = _digests(directory / DIGESTS)
        for path in _version_files(directory):
            policy, version = path.parent.name, path.stem
            expected = listed.pop((policy, version), None)
            if expected is None:
                fix = f"add its digest to {DIGESTS} when it is published"
                raise _refused(path, "is not listed as published", fix=fix)
            catalogue.load(path.read_text(encoding="utf-8"), expected, file=str(path.relative_to(directory)))
            found = catalogue.version(expected).document
            if (found.policy, found.version) != (policy, version):
                raise _refused(path, f"calls itself {found.policy} {found.version}", fix="rename the file")
        for policy, version in listed:
            raise _refused(directory / policy / f"{version}.yaml", "was published and is missing", fix="restore it")
        return catalogue

    @property
    def versions(self) -> tuple[CompiledPolicy, ...]:
        """All loaded versions, in the order in which they were loaded."""
        return tuple(self._versions.values())

    def load(self, text: str, digest: str | None = None, *, file: str) -> CompiledPolicy:
        """Compiles a version from its text, or finds it compiled.

        Args:
            text: the YAML document, from a file or from storage.
            digest: the digest with which it was published or stored; None accepts any text (a draft).
            file: the text's name, for complaints.

        Raises:
            PolicyRejected: the text does not compile, or is not the published one.
        """
        known = self._versions.get(digest) if digest is not None else None
        if known is not None and known.text == text:
            return known
        policy = compile_policy(text, file)
        if digest is not None and policy.digest != digest:
            problem = f"was altered after it was published: expected digest {digest}, found {policy.digest}"
            fix = "restore it, and publish the change as a new version"
            raise TextRejected(problem, file=file, line=1, column=1, fix=fix)
        return self._versions.setdefault(policy.digest, policy)

    def version(self, digest: str) -> CompiledPolicy:
        """The version with this digest.

        Raises:
            PolicyRejected: it was not loaded.
        """
        policy = self._versions.get(digest)
        if policy is None:
            raise PolicyRejected(f"no policy version with digest {digest} was loaded", field="version")
        return policy

    def find(self, policy: str, version: str) -> CompiledPolicy:
        """The version of this name.

        Raises:
            PolicyRejected: it was not loaded.
        """
        for each in self._versions.values():
            if (each.document.policy, each.document.version) == (policy, version):
                return each
        known = ", ".join(f"{each.document.policy} {each.document.version}" for each in self._versions.values())
        raise PolicyRejected(f"no {policy} {version} was loaded", field="version", fix=f"there are {known or 'none'}")

    def judge(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
        return judging.judge(self.version(version), memory, anomaly, context)

    def explain(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Explanation:
        return explanation.explain(self.version(version), memory, anomaly, context)

    def counterfactuals(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
        return counterfactual.counterfactuals(self.version(version), memory, anomaly, context)

    def words(self, version: str, rule: str) -> RuleWords:
        for each in self.version(version).rules:
            if each.id == rule:
                return RuleWords(because=each.because, response=each.response)
        raise PolicyRejected(f"version {version[:12]} has no rule {rule}", field="rule")

    def urgency(
        self,
        version: str,
        verdict: Verdict,
        fault: TimedFault,
        context: Context,
        production: ProductionContext | None,
        now: datetime,
        dependents: Dependents | None = None,
    ) -> UrgencyDecision:
        return timing.urgency(self.version(version), verdict, fault, context, production, now, dependents)

    def read_inputs(self, version: str) -> ReadInputs:
        return self.version(version).read_inputs

    def endangers(self, version: str, urgency: UrgencyDecision) -> bool:
        return timing.has_unpriced_consequence(self.version(version), urgency)

    def autonomy(self, version: str) -> AutonomyTerms:
        terms = self.version(version).document.autonomy
        return AutonomyTerms(enforce=terms.enforce, automatic=terms.default == "automatic")

    def releases_unattended(self, version: str, machine: str) -> bool:
        return machine in self.version(version).document.holds.release_unattended

    def hold_terms(self, version: str, asset_class: str) -> HoldTerms:
        return self.version(version).document.holds.terms_of(asset_class)

    def normal_terms(self, version: str, asset_class: str) -> NormalTerms | None:
        return self.version(version).document.normal_terms(asset_class)

    def crew_bound(self, version: str, asset_class: str, urgency: UrgencyDecision) -> CrewBound | None:
        terms = self.version(version).document.capacity
        crew = None if terms is None else terms.crew_of(asset_class)
        if crew is None:
            return None
        consequence = self.endangers(version, urgency)
        return CrewBound(crew=crew.name, new_orders=crew.new_orders_a_week, consequence=consequence)

    def weigh_autonomy(self, version: str, record: AutonomyRecord) -> AutonomyAdvice | None:
        return autonomy.weigh(self.version(version).document.autonomy, record)


def _version_files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.glob("*/*.yaml")):
        if re.fullmatch(SEMVER, path.stem):
            yield path


def _digests(path: Path) -> dict[tuple[str, str], str]:
    try:
        listed: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(path, f"cannot be read: {error}", fix="restore it") from error
    return {
        (policy, version): str(digest)
        for policy, versions in listed.items()
        if isinstance(versions, dict)
        for version, digest in versions.items()
    }


def _refused(path: Path, problem: str, fix: str) -> TextRejected:
    return TextRejected(problem, file=f"{path.parent.name}/{path.name}", line=1, column=1, fix=fix)
