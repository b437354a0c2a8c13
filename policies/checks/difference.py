"""What another version decides differently: a situation for each change of rung, and a proof that there is no other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import z3

from domain.model import Model
from domain.verdict import Rung, Verdict
from policies.checks.changes import Change, changes
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import Situation
from policies.language.normal_terms import NormalClause
from policies.language.schema import PolicyDocument, TimingRule
from policies.language.variables import TIMING_VARIABLES
from policies.proof.policy_variables import Terms, given_by, shared, variables_of
from policies.proof.prover import confirmed, narrower, seen, side_by_side
from policies.proof.search import TIMEOUT_MS, Answer, Judgement, Search, judgement
from policies.proof.translation import NotTranslated, Translation, constant, literal

_HOLD_LISTS = ("release_unattended", "place_unasked")
_LIKEWISE = "the same rung, but another severity, priority, time or review"
_NARROWED: Mapping[str, str] = {
    "asset.criticality": "criticality",
    "asset.class": "class",
    "anomaly.kind": "kind",
    "anomaly.quality": "quality",
}


class Effect(Model):
    """Situations that are decided differently: with another rung, or with the same rung and another action.

    `where` names the assets and anomalies to which it is limited; it is empty if there is no limit. `witness` is an
    example that was judged by the engine. It is None if the solver found values for which no events were found; then
    there may be no such situation.
    """

    before: str
    after: str
    says: str
    where: str
    witness: Situation | None


class Difference(Model):
    """Two versions side by side.

    `changes` are the author's changes, `effects` what is decided differently. `timing` says whether the time of work
    may differ, `terms` whether another field has an effect (the length of an episode, lateness, autonomy, holds that
    are released without a person, the bounds of crews). `unsettled` names what could be neither shown nor excluded.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    timing: bool
    terms: bool
    unsettled: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether it is proved that both decide everything in the same way."""
        return not (self.effects or self.timing or self.terms or self.unsettled)


def difference(before: CompiledPolicy, after: CompiledPolicy, timeout_ms: int = TIMEOUT_MS) -> Difference:
    """The difference of two versions, in their texts and in their decisions.

    Args:
        timeout_ms: how long one question to the solver may take.
    """
    unsettled: list[str] = []
    old, new = before.document, after.document
    return Difference(
        before=f"{old.policy} {old.version}",
        after=f"{new.policy} {new.version}",
        changes=tuple(changes(before, after)),
        effects=tuple(_Comparison(before, after, timeout_ms, unsettled).effects()),
        timing=_timing(before, after, timeout_ms, unsettled),
        terms=_terms_differ(before, after),
        unsettled=tuple(unsettled),
    )


def asks_for_no_more(before: CompiledPolicy, after: CompiledPolicy, timeout_ms: int = TIMEOUT_MS) -> bool:
    """Whether it is proved that a version never asks for more than another: a higher rung, another action at the same
    rung, another time of work, or another field with an effect. What could not be shown counts as more.

    Args:
        before: the version that it is compared with.
        after: the version that must not ask for more.
        timeout_ms: how long one question to the solver may take.
    """
    unsettled: list[str] = []
    compared = _Comparison(before, after, timeout_ms, unsettled)
    return (
        not _terms_differ(before, after)
        and compared.asks_for_no_more()
        and not _timing(before, after, timeout_ms, unsettled)
        and not unsettled
    )


def _terms_differ(before: CompiledPolicy, after: CompiledPolicy) -> bool:
    old, new = before.document, after.document
    return (
        any(getattr(old.memory, name) != getattr(new.memory, name) for name in ("lateness", "rearm"))
        or old.autonomy != new.autonomy
        or old.capacity != new.capacity
        or _normal_clause(old) != _normal_clause(new)
        or any({*getattr(old.holds, name)} != {*getattr(new.holds, name)} for name in _HOLD_LISTS)
        or any(getattr(old.holds, name) != getattr(new.holds, name) for name in ("answer_within", "on_silence"))
        or any(old.holds.terms_of(each) != new.holds.terms_of(each) for each in _run_classes(old, new))
    )


def _normal_clause(document: PolicyDocument) -> NormalClause | None:
    """What a version says of a return to normal, with its classes in one order."""
    clause = document.return_to_normal
    return clause and clause.model_copy(update={"classes": tuple(sorted(clause.classes))})


def _run_classes(*documents: PolicyDocument) -> set[str]:
    """The classes whose machines some version has run on test first."""
    return {each for document in documents if document.holds.test_run for each in document.holds.test_run.classes}


class _Shown(NamedTuple):
    """The terms of the earlier version, the version whose memory a witness shows, and the one that remembers more."""

    terms: Terms
    by: CompiledPolicy
    more: CompiledPolicy


class _Comparison:
    def __init__(self, before: CompiledPolicy, after: CompiledPolicy, timeout_ms: int, unsettled: list[str]) -> None:
        self._before = before
        self._after = after
        self._timeout = timeout_ms
        self._unsettled = unsettled

    def effects(self) -> Iterator[Effect]:
        try:
            news, olds, statements = side_by_side(self._after, self._before)
            old, new = judgement(self._before, olds), judgement(self._after, news)
        except NotTranslated as error:
            self._unsettled.append(error.problem)
            return
        shown, by, more = narrower((olds, self._before), (news, self._after))
        search = Search(statements, (shown,), self._timeout)
        if search.ask(z3.Or(old.rung != new.rung, self._otherwise(old, new))) is Answer.NONE:
            return
        for was, now in _pairs(self._before, self._after):
            moved = z3.And(old.rung == int(was), new.rung == int(now))
            if was == now:
                moved = z3.And(moved, self._otherwise(old, new))
            yield from self._effect(search, _Shown(olds, by, more), moved, was, now)

    def asks_for_no_more(self) -> bool:
        """Whether it is proved that no situation is decided at a higher rung, or otherwise at the same rung."""
        try:
            news, olds, statements = side_by_side(self._after, self._before)
            old, new = judgement(self._before, olds), judgement(self._after, news)
        except NotTranslated:
            return False
        more = z3.Or(new.rung > old.rung, z3.And(new.rung == old.rung, self._otherwise(old, new)))
        return Search(statements, (), self._timeout).ask(more) is Answer.NONE

    def _otherwise(self, old: Judgement, new: Judgement) -> "z3.BoolRef":
        """The term that they decide on different actions at the same rung."""
        actions: dict[tuple[object, ...], int] = {}
        terms = []
        for policy, decided in ((self._before, old), (self._after, new)):
            term = z3.IntVal(-1)
            for rule, decides in zip(policy.rules, decided.decides, strict=True):
                term = z3.If(decides, z3.IntVal(actions.setdefault(_action(rule.verdict), len(actions))), term)
            terms.append(term)
        return terms[0] != terms[1]

    def _effect(self, search: Search, shown: _Shown, moved: "z3.BoolRef", was: Rung, now: Rung) -> Iterator[Effect]:
        answer = search.ask(moved)
        words = _LIKEWISE if was == now else f"{_spoken(was)} → {_spoken(now)}"
        if answer is Answer.NONE:
            return
        if answer is Answer.UNKNOWN:
            self._unsettled.append(f"{words}: the solver did not come to an end")
            return

        def otherwise(made: Sequence[Situation]) -> bool:
            old, new = seen(self._before, made[0]).verdict, seen(self._after, made[0]).verdict
            return (old.rung, new.rung) == (was, now) and (was != now or _action(old) != _action(new))

        witness = confirmed(search, (shown.by,), otherwise, moved, other=shown.more)
        where = self._where(search, shown.terms, moved)
        if witness is None:
            self._unsettled.append(f"{words}{where}: no events were found that lead there")
        rules = ""
        if witness is not None:
            old, new = (seen(policy, witness[0]).verdict for policy in (self._before, self._after))
            rules = f" (rule {old.rule} → {new.rule})" if old.rule != new.rule else f" (rule {old.rule})"
        yield Effect(
            before=was.word,
            after=now.word,
            says=f"{words}{where}{rules}",
            where=where.strip(),
            witness=witness[0] if witness is not None else None,
        )

    def _where(self, search: Search, olds: Terms, moved: "z3.BoolRef") -> str:
        """The words of variables to which an effect is limited."""
        said = []
        for name, label in _NARROWED.items():
            words = self._words(name)
            found = [word for word in words if search.ask(moved, olds[name] == literal(word)) is not Answer.NONE]
            elsewhere = z3.And([olds[name] != literal(word) for word in words])
            if len(found) < len(words) and search.ask(moved, elsewhere) is Answer.NONE:
                said.append(f"{label} {', '.join(word or 'none' for word in found)}")
        return f" for {'; '.join(said)}" if said else ""

    def _words(self, name: str) -> Sequence[str]:
        variable = variables_of(self._before)[name]
        if variable.words:
            return variable.words
        mentioned = [
            part.word[1:-1]
            for policy in (self._before, self._after)
            for condition in policy.chain.conditions
            for atom in condition.node.atoms()
            if any(each.word == name for each in atom.parts)
            for part in atom.walk()
            if part.word[:1] in ("'", '"')
        ]
        return list(dict.fromkeys(mentioned))


def _pairs(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[tuple[Rung, Rung]]:
    olds = sorted({rule.verdict.rung for rule in before.rules}, reverse=True)
    news = sorted({rule.verdict.rung for rule in after.rules}, reverse=True)
    return ((was, now) for was in olds for now in news)


def _action(verdict: Verdict) -> tuple[object, ...]:
    return (verdict.severity, verdict.priority, verdict.due_within, verdict.review)


def _spoken(rung: Rung) -> str:
    return rung.word.replace("_", " ")


def _timing(before: CompiledPolicy, after: CompiledPolicy, timeout_ms: int, unsettled: list[str]) -> bool:
    """Whether the time of work may differ, for a verdict of either version."""
    old, new = before.document, after.document
    same = shared(after, before)
    asked = {name for name in (*before.timing.names, *after.timing.names) if name not in TIMING_VARIABLES}
    plain = [[(rule.when, rule.urgency) for rule in document.timing] for document in (old, new)]
    repriced = _prices_differ(before, after, same)
    if plain[0] == plain[1] and old.costs == new.costs and asked <= same and not repriced:
        return False
    if repriced and old.prices is not None and new.prices is not None:
        return True
    mine, theirs = ({**TIMING_VARIABLES, **policy.names.own} for policy in (before, after))
    own = {name for name in theirs if name not in TIMING_VARIABLES} - same
    own |= {name for name in theirs if name.startswith("cost.") and old.costs != new.costs}
    terms = {name: constant(name, variable) for name, variable in mine.items()}
    others = {
        name: constant(f"other {name}", variable) if name in own else terms[name] for name, variable in theirs.items()
    }
    try:
        chosen = _chosen(before, old.timing, terms), _chosen(after, new.timing, others)
    except NotTranslated as error:
        unsettled.append(f"timing: {error.problem}")
        return False
    given = z3.Or([given_by(terms, rule.verdict) for policy in (before, after) for rule in policy.rules])
    answer = Search([given, chosen[0] != chosen[1]], (), timeout_ms).ask()
    if answer is Answer.UNKNOWN:
        unsettled.append("timing: the solver did not come to an end")
    return answer is Answer.FOUND


def _prices_differ(before: CompiledPolicy, after: CompiledPolicy, same: set[str]) -> bool:
    """Whether the least cost may differ. What is meant by an amount, or by the hours of the crew, counts too."""
    old, new = before.document.prices, after.document.prices
    named = [amount for terms in (old, new) if terms is not None for amount in terms.amounts().values()]
    hours = [f"calendar.{terms.crew.regular}" for terms in (old, new) if terms is not None and terms.crew.regular]
    return old != new or not {*hours, *(amount for amount in named if isinstance(amount, str))} <= same


def _chosen(policy: CompiledPolicy, rules: Sequence[TimingRule], terms: Terms) -> "z3.ExprRef":
    """The urgency of the first timing rule whose condition is true."""
    translation = Translation(terms)
    chosen = literal(rules[-1].urgency.value)
    for rule, condition in reversed(list(zip(rules[:-1], policy.timing.conditions, strict=False))):
        chosen = z3.If(translation.condition(condition), literal(rule.urgency.value), chosen)
    return chosen
