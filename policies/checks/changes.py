"""The changes between two versions, in terms of rules (thresholds, actions, order) and not of lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from domain.model import Model
from domain.verdict import Rung
from policies.engine.judging import CompiledPolicy
from policies.language.capacity_terms import CapacityTerms, CrewTerms
from policies.language.display_names import LABELS
from policies.language.expanded_rules import WrittenRule
from policies.language.grammar import COMPOSED, Node, Part, parse
from policies.language.normal_terms import NormalClause
from policies.language.price_terms import PriceTerms
from policies.language.schema import Action, RunClause, TimingRule

_ASKED = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than", "==": "", "!=": "anything but"}
_SCOPES = {"asset.class": "class", "asset.criticality": "criticality", "asset.id": "asset", "asset.machine": "machine"}
_NAMED = ("calendars", "states", "cohorts", "waivers", "properties")


class Change(Model):
    """One change: its subject (`rule critical-certain`, `memory`), and the change in a sentence."""

    about: str
    says: str


def changes(before: CompiledPolicy, after: CompiledPolicy) -> list[Change]:
    """All changes, in the order of the document."""
    return [
        *_terms(before, after),
        *_own_names(before, after),
        *_rules(before.written, after.written),
        *_timing(before.document.timing, after.document.timing),
        *_autonomy(before, after),
        *_holds(before, after),
        *_prices(before.document.prices, after.document.prices),
        *_capacity(before.document.capacity, after.document.capacity),
        *_normal(before.document.return_to_normal, after.document.return_to_normal),
    ]


def added_unattended(before: CompiledPolicy, after: CompiledPolicy) -> list[str]:
    """The machines whose hold is released without a person in the later version and not in the earlier one."""
    old, new = (each.document.holds.release_unattended for each in (before, after))
    return sorted({*new} - {*old})


def duration(span: timedelta | None) -> str:
    """A length of time as a person writes it."""
    if span is None:
        return "none"
    minutes = span / timedelta(minutes=1)
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"


def _terms(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[Change]:
    old, new = before.document, after.document
    if old.policy != new.policy:
        yield Change(about="policy", says=f"another policy: {old.policy} → {new.policy}")
    if old.applies_to != new.applies_to:
        for says in _conditions(old.applies_to, new.applies_to):
            yield Change(about="applies to", says=says)
    for name in ("window", "lateness", "rearm"):
        was, now = getattr(old.memory, name), getattr(new.memory, name)
        if was != now:
            yield Change(about="memory", says=f"{name} {duration(was)} → {duration(now)}")
    if old.memory.evidence_above != new.memory.evidence_above:
        says = f"evidence begins above {old.memory.evidence_above:g} → {new.memory.evidence_above:g} standard errors"
        yield Change(about="memory", says=says)
    if old.quality.on_bad != new.quality.on_bad:
        says = f"a bad signal leads to {_rung(old.quality.on_bad)} → {_rung(new.quality.on_bad)}"
        yield Change(about="quality", says=says)
    for name in ("failure", "interruption"):
        was, now = getattr(old.costs, name), getattr(new.costs, name)
        if was != now:
            yield Change(about="costs", says=f"{name} {duration(was)} → {duration(now)} of production")


def _autonomy(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[Change]:
    old, new = before.document.autonomy, after.document.autonomy
    if old.default != new.default:
        yield Change(about="autonomy", says=f"by default {old.default} → {new.default}")
    if old.promote_at != new.promote_at:
        was, now = (f"{each.precision_lower_bound:g} of {each.confirmed}" for each in (old.promote_at, new.promote_at))
        yield Change(about="autonomy", says=f"earned at a precision of {was} → {now} confirmed cases")
    if old.enforce != new.enforce:
        says = "enforced: an order waits for the planner unless its asset class and failure mode are automatic"
        if old.enforce:
            says = "no longer enforced: every order at work order or above is released at once"
        yield Change(about="autonomy", says=says)


def _holds(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[Change]:
    for machine in added_unattended(before, after):
        says = f"{machine} is added: its hold is released without a person of production saying so"
        yield Change(about="unattended release", says=says)
    for machine in added_unattended(after, before):
        says = f"{machine} is left out: its hold is released only when a person of production says so"
        yield Change(about="unattended release", says=says)
    old, new = before.document.holds, after.document.holds
    for name in sorted({*new.place_unasked} - {*old.place_unasked}):
        says = f"{name} is added: a hold on an asset of this class is placed without asking production"
        yield Change(about="unasked hold", says=says)
    for name in sorted({*old.place_unasked} - {*new.place_unasked}):
        says = f"{name} is left out: a hold on an asset of this class is placed only when production accepts it"
        yield Change(about="unasked hold", says=says)
    if old.answer_within != new.answer_within:
        says = f"production has to answer within {duration(old.answer_within)} → {duration(new.answer_within)}"
        yield Change(about="hold answer", says=says)
    if old.on_silence != new.on_silence:
        yield Change(about="hold answer", says=f"if production does not answer: {old.on_silence} → {new.on_silence}")
    if _run_words(old.test_run) != _run_words(new.test_run):
        yield Change(about="test run", says=f"{_run_words(old.test_run)} → {_run_words(new.test_run)}")


def _run_words(run: RunClause | None) -> str:
    if run is None:
        return "none"
    return (
        f"{', '.join(sorted(run.classes))} within {duration(run.within)}, {duration(run.steady)} steady at a score of "
        f"at most {run.score:g}"
    )


def _prices(old: PriceTerms | None, new: PriceTerms | None) -> Iterator[Change]:
    was, now = (dict(_leaves("", each.model_dump(by_alias=True))) if each is not None else {} for each in (old, new))
    for name in dict.fromkeys([*was, *now]):
        before, after = was.get(name, "none"), now.get(name, "none")
        if before != after:
            yield Change(about=f"prices {name}", says=f"{before} → {after}")


def _capacity(old: CapacityTerms | None, new: CapacityTerms | None) -> Iterator[Change]:
    was, now = ({crew.name: crew for crew in terms.crews} if terms is not None else {} for terms in (old, new))
    for name in dict.fromkeys([*was, *now]):
        before, after = _crew_words(was.get(name)), _crew_words(now.get(name))
        if before != after:
            yield Change(about=f"crew {name}", says=f"{before} → {after}")


def _crew_words(crew: CrewTerms | None) -> str:
    if crew is None:
        return "not bounded"
    return f"{crew.new_orders_a_week} new orders in 7 days for {', '.join(sorted(crew.classes))}"


def _normal(old: NormalClause | None, new: NormalClause | None) -> Iterator[Change]:
    before, after = _normal_words(old), _normal_words(new)
    if before != after:
        yield Change(about="return to normal", says=f"{before} → {after}")


def _normal_words(clause: NormalClause | None) -> str:
    if clause is None:
        return "none"
    counts = "while the machine runs" if clause.while_running else "unless the machine is known to stand"
    within = clause.verify_within
    verified = "not verified after work" if within is None else f"verified within {duration(within)} after work"
    return (
        f"{', '.join(sorted(clause.classes))} after {duration(clause.steady)} at a score of at most {clause.score:g} "
        f"{counts}, {verified}"
    )


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Each plain value with its place, as text; an entry of a list is placed by its id."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(f"{name} {inner['id']}", inner)
    else:
        yield name, duration(value) if isinstance(value, timedelta) else _shown(value)


def _own_names(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[Change]:
    old, new = before.document, after.document
    for name in sorted({*old.parameters, *new.parameters}):
        was, now = old.parameters.get(name), new.parameters.get(name)
        if was != now:
            yield Change(about=f"parameter {name}", says=f"{_shown(was)} → {_shown(now)}")
    for field in _NAMED:
        olds, news = ({each.id: each for each in getattr(document, field)} for document in (old, new))
        kind = {"properties": "property"}.get(field, field.removesuffix("s"))
        for name in sorted({*olds, *news}):
            if olds.get(name) != news.get(name):
                says = "is new" if name not in olds else "is gone" if name not in news else "is changed"
                yield Change(about=f"{kind} {name}", says=says)
    if old.overrides != new.overrides:
        yield Change(about="overrides", says="are changed for some assets; their rules and parameters are told below")
    yield from _parameter_choices(before, after)


def _parameter_choices(before: CompiledPolicy, after: CompiledPolicy) -> Iterator[Change]:
    old = {each.name: each for each in before.names.parameters}
    for parameter in after.names.parameters:
        was = {choice.when: choice.value for choice in old[parameter.name].choices} if parameter.name in old else {}
        now = {choice.when: choice.value for choice in parameter.choices}
        for scope in dict.fromkeys([*was, *now]):
            if was.get(scope) != now.get(scope):
                says = f"where {scope}: {_shown(was.get(scope))} → {_shown(now.get(scope))}"
                yield Change(about=f"parameter {parameter.name}", says=says)


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _rung(rung: Rung) -> str:
    return rung.word.replace("_", " ")


def _rules(before: Sequence[WrittenRule], after: Sequence[WrittenRule]) -> Iterator[Change]:
    olds, news = {rule.id: rule for rule in before}, {rule.id: rule for rule in after}
    for rule in before:
        if rule.id not in news:
            yield Change(about=f"rule {rule.id}{_scope(rule.when)}", says=f"is gone; it led to {_rung(rule.then.rung)}")
    for rule in after:
        about = f"rule {rule.id}{_scope(rule.when)}"
        old = olds.get(rule.id)
        if old is None:
            yield Change(about=about, says=f"is new: {_rung(rule.then.rung)} where {rule.when}")
            continue
        for says in (*_conditions(old.when, rule.when), *_actions(old.then, rule.then)):
            yield Change(about=about, says=says)
        if (old.because, old.response) != (rule.because, rule.response):
            yield Change(about=about, says="its words are changed")
    yield from _order("rules", [rule.id for rule in before], [rule.id for rule in after])


def _timing(before: Sequence[TimingRule], after: Sequence[TimingRule]) -> Iterator[Change]:
    olds, news = {rule.id: rule for rule in before}, {rule.id: rule for rule in after}
    for rule in before:
        if rule.id not in news:
            yield Change(about=f"timing {rule.id}", says="is gone")
    for rule in after:
        old = olds.get(rule.id)
        if old is None:
            yield Change(about=f"timing {rule.id}", says=f"is new: {rule.urgency.value} where {rule.when}")
            continue
        for says in _conditions(old.when, rule.when):
            yield Change(about=f"timing {rule.id}", says=says)
        if old.urgency != rule.urgency:
            yield Change(about=f"timing {rule.id}", says=f"{old.urgency.value} → {rule.urgency.value}")
        if old.site_rule != rule.site_rule:
            says = f"the site rule is {_shown(old.site_rule)} → {_shown(rule.site_rule)}"
            yield Change(about=f"timing {rule.id}", says=says)
    yield from _order("timing rules", [rule.id for rule in before], [rule.id for rule in after])


def _order(kind: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    """The smallest set of items that were moved: all but the longest common subsequence."""
    place = {name: position for position, name in enumerate(before)}
    both = [name for name in after if name in place]
    best: list[tuple[str, ...]] = []
    for position, name in enumerate(both):
        runs = [best[each] for each in range(position) if place[both[each]] < place[name]]
        best.append((*_longest(runs), name))
    stay = set(_longest(best))
    moved = [name for name in both if name not in stay]
    if moved:
        number = f"{len(moved)} {kind if len(moved) > 1 else kind.removesuffix('s')}"
        yield Change(about="order", says=f"{number} reordered: {', '.join(moved)}")


def _longest(runs: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return max(runs, key=lambda run: len(run), default=())


def _actions(old: Action, new: Action) -> Iterator[str]:
    if old.rung != new.rung:
        hold = Rung.WORK_ORDER_AND_HOLD
        note = (
            "; a hold is no longer proposed" if old.rung is hold else "; a hold is proposed" if new.rung is hold else ""
        )
        yield f"{_rung(old.rung)} → {_rung(new.rung)}{note}"
    if old.severity != new.severity:
        yield f"severity {old.severity} → {new.severity}"
    if old.priority != new.priority:
        yield f"priority {old.priority} → {new.priority}"
    if old.due_within != new.due_within:
        yield f"due within {duration(old.due_within)} → {duration(new.due_within)}"
    if old.review != new.review:
        yield f"review by {old.review} → {new.review}"


def _conditions(old: str, new: str) -> Iterator[str]:
    """The change of a condition: thresholds by name if its shape is the same, else its added and removed statements."""
    if old == new:
        return
    before, after = parse(old, COMPOSED), parse(new, COMPOSED)
    asked, asks = _asked(old, before), _asked(new, after)
    gone = [each for each in asked if each not in asks]
    come = [each for each in asks if each not in asked]
    if _skeleton(before) != _skeleton(after) and not (_is_list(before) and _is_list(after)):
        yield f"asks {old} → {new}"
        return
    for was in list(gone):
        now = next((each for each in come if asks[each][:2] == asked[was][:2]), None)
        if now is not None and asked[was][2] != asks[now][2]:
            gone.remove(was)
            come.remove(now)
            yield _moved(asked[was], asks[now])
    if gone or come:
        if gone:
            yield f"no longer requires {'; '.join(gone)}"
        if come:
            yield f"now also asks {'; '.join(come)}"
    elif asked == asks:
        yield f"asks {old} → {new}"


def _is_list(node: Node) -> bool:
    """Whether a condition is one statement, or statements joined by `&&`. Then added and removed statements are
    enough."""
    return node.part not in (Part.ANY, Part.NOT) and all(
        part.part not in (Part.ANY, Part.ALL, Part.NOT) for part in (node.parts if node.part is Part.ALL else ())
    )


def _skeleton(node: Node) -> tuple[object, ...]:
    if node.part in (Part.ANY, Part.ALL, Part.NOT):
        return (node.part, *(_skeleton(part) for part in node.parts))
    return ()


def _asked(text: str, node: Node) -> Mapping[str, tuple[str, str, tuple[str, ...]]]:
    """Each statement with its name, its operator and the value that the name is compared with."""
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for atom in node.atoms():
        said = text[atom.start : atom.end]
        if atom.part is Part.COMPARISON and atom.parts[0].part is Part.NAME:
            right = atom.parts[1]
            members = right.parts if right.part is Part.LIST else (right,)
            found[said] = (atom.parts[0].word, atom.word, tuple(text[each.start : each.end] for each in members))
        else:
            found[said] = (said, "", ())
    return found


def _moved(was: tuple[str, str, tuple[str, ...]], now: tuple[str, str, tuple[str, ...]]) -> str:
    name, operator, old = was
    label = LABELS.get(name, name)
    if operator == "in":
        more = [each for each in now[2] if each not in old]
        less = [each for each in old if each not in now[2]]
        said = [*(f"{_plain(each)} is new" for each in more), *(f"{_plain(each)} is left out" for each in less)]
        return f"{label}: {', '.join(said)}"
    asked = f"{_ASKED[operator]} ".lstrip()
    return f"{label}: {asked}{_plain(old[0])} → {asked}{_plain(now[2][0])}"


def _plain(literal: str) -> str:
    return LABELS.get(literal, literal.strip("'\""))


def _scope(when: str) -> str:
    """The assets to which a rule applies, if its condition names them directly."""
    node = parse(when, COMPOSED)
    said = [
        f"{_SCOPES[name]} {', '.join(_plain(each) for each in against)}"
        for name, operator, against in _asked(when, node).values()
        if name in _SCOPES and operator in ("==", "in") and _is_list(node)
    ]
    return f" ({'; '.join(said)})" if said else ""
