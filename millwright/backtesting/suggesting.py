"""Drafts that the past speaks for: sought on one part of it, shown on a later part that the search never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import PolicyRejected, Rejected
from domain.model import Model, Moment
from millwright.backtesting.backtest import Backtest, Question, run_backtest
from millwright.backtesting.past import Past, read_past
from millwright.backtesting.replaying import Progress, history_of, replay_many
from millwright.storage.reporting.history import read_history
from policies.checks.reachability import Reachability
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.evaluation.backtest import Replay
from policies.evaluation.measures import Measures, measure
from policies.evaluation.proposals import CHATTERING, Proposal, chatter, left_alone, proposals
from policies.language.text import read_text

FOUND_ON = 0.6
"""The share of the period, from its beginning, on which proposals are sought; the rest shows what they are worth."""
MOST = 5
"""How many proposals are made at most, each another idea."""
_LEAST_GAIN = 0.1
_MOST_LOSS = 0.05
_LOSS_WEIGHS = 5.0
"""Losing a share of the hits counts as much as this many such shares of the false orders saved."""


class Effect(Model):
    """What a draft changes against its version: orders that were not right, and hits, of how many."""

    false_before: int
    false_after: int
    hits_before: int
    hits_after: int

    @property
    def words(self) -> str:
        """For a planner: −71 % false orders, −4 % hits."""
        return (
            f"{_change(self.false_before, self.false_after)} false orders "
            f"({self.false_before} → {self.false_after}), {_change(self.hits_before, self.hits_after)} hits "
            f"({self.hits_before} → {self.hits_after})"
        )

    @property
    def gain(self) -> float:
        """What the change is worth: the share of false orders saved less the weighed share of hits lost."""
        return _share(self.false_before, self.false_after) - _LOSS_WEIGHS * _share(self.hits_before, self.hits_after)

    @property
    def worthwhile(self) -> bool:
        """Whether it saves a tenth of the false orders at a twentieth of the hits, or finds more at no more alarms."""
        saved = _share(self.false_before, self.false_after)
        lost = _share(self.hits_before, self.hits_after)
        return (saved >= _LEAST_GAIN and lost <= _MOST_LOSS) or (lost < 0 and saved >= 0)


class Suggestion(Model):
    """A draft with what it did where it was found, and where it was not."""

    words: str
    text: str
    digest: str
    found: Effect
    shown: Effect
    backtest: Backtest
    """Of the draft against its version, over the part that the search never saw."""


class Refusal(Model):
    """A change that the past spoke for and that `policy check` would refuse, with what it says."""

    words: str
    problem: str


class Suggestions(Model):
    """What came of a search. `left_alone` is what of the version no change was tried on."""

    version: str
    digest: str
    since: Moment
    split_at: Moment
    until: Moment
    tried: int
    suggestions: tuple[Suggestion, ...]
    refused: tuple[Refusal, ...]
    left_alone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What is to be improved, over which past."""

    policy: CompiledPolicy
    since: datetime | None = None
    until: datetime | None = None
    failures: Path | None = None
    processes: int | None = None


async def suggest(engine: AsyncEngine, search: Search, progress: Progress) -> Suggestions:
    """Seeks drafts on the first part of a period and backtests the best on the rest.

    The choice is made on the first part alone: a draft that disappoints on the second is shown all the same, because
    dropping it would be choosing by what was not to be seen.

    Raises:
        Rejected: nothing is stored in the period, or the failure register cannot be read.
        StorageUnavailable: the database is away.
    """
    async with read_history(engine) as history:
        whole = await read_past(history, search.since, search.until, search.failures)
        first, last = whole.period.first, whole.period.last
        split = first + FOUND_ON * (last - first)
        # Nothing of the second part may reach the search: no event, no finding, no failure.
        early = await read_past(history, first, split, search.failures)
        early = early.known_by(split)
        chattering = {
            early.classes[rows.asset]
            async for rows in history.faults(split)
            if rows.asset in early.classes and chatter(history_of(rows)) >= CHATTERING
        }
        classes = sorted({*early.classes.values()} - {""})
        tried, refused = _compiling(proposals(search.policy.text, classes, sorted(chattering - {""})))
        texts = [search.policy.text, *(proposal.text for proposal in tried)]
        replays = await replay_many(history, texts, first, split, progress, search.processes)
    before = _measured(search.policy, replays[0], early)
    measured = [
        (proposal, _effect(before, _measured(compile_policy(proposal.text, proposal.words), made, early)))
        for proposal, made in zip(tried, replays[1:], strict=True)
    ]
    made = []
    chosen, objected = best(measured)
    for proposal, found in chosen:
        draft = compile_policy(proposal.text, proposal.words)
        question = Question(draft, search.policy, split, last, search.failures, processes=search.processes)
        backtest = await run_backtest(engine, question, lambda _, __: None)
        shown = _effect(backtest.against.measures, backtest.candidate.measures)
        made.append(
            Suggestion(
                words=proposal.words,
                text=proposal.text,
                digest=draft.digest,
                found=found,
                shown=shown,
                backtest=backtest,
            )
        )
    return Suggestions(
        version=search.policy.document.version,
        digest=search.policy.digest,
        since=first,
        split_at=split,
        until=last,
        tried=len(tried),
        suggestions=tuple(made),
        refused=(*refused, *objected),
        left_alone=left_alone(search.policy.text),
    )


def write_drafts(suggestions: Suggestions, folder: Path) -> list[Path]:
    """Writes each draft with its backtest beside it; gives the drafts' files.

    Raises:
        Rejected: the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, suggestion in enumerate(suggestions.suggestions, start=1):
            draft = folder / f"draft-{number}.yaml"
            draft.write_text(
                f"# Found {_when(suggestions)}: {suggestion.found.words}.\n"
                f"# Never published by itself.\n{suggestion.text}"
            )
            (folder / f"draft-{number}.backtest.json").write_text(suggestion.backtest.model_dump_json(indent=1) + "\n")
            written.append(draft)
    except OSError as error:
        raise Rejected(f"cannot be written: {error}", field="out", fix="name a folder of yours") from error
    return written


def _when(suggestions: Suggestions) -> str:
    return f"on {suggestions.since:%Y-%m-%d} to {suggestions.split_at:%Y-%m-%d}"


def _measured(policy: CompiledPolicy, made: Replay, past: Past) -> Measures:
    document = policy.document
    return measure(made.episodes, past.outcomes, past.classes, document.costs, document.memory.rearm)[0]


def _effect(before: Measures, after: Measures) -> Effect:
    return Effect(
        false_before=_false(before),
        false_after=_false(after),
        hits_before=before.recall.part,
        hits_after=after.recall.part,
    )


def _false(measures: Measures) -> int:
    """Orders for which nothing speaks: wrong, or such as nobody ever looked at."""
    return measures.orders - measures.right - measures.prevented


def _compiling(made: Sequence[Proposal]) -> tuple[list[Proposal], list[Refusal]]:
    """Those that are versions at all: a changed value may be none that its place allows."""
    sound, refused = [], []
    for proposal in made:
        try:
            compile_policy(proposal.text, proposal.words)
        except PolicyRejected as error:
            refused.append(Refusal(words=proposal.words, problem=error.problem))
        else:
            sound.append(proposal)
    return sound, refused


def best(measured: Sequence[tuple[Proposal, Effect]]) -> tuple[list[tuple[Proposal, Effect]], list[Refusal]]:
    """The best strength of each idea that the check lets pass, the best ideas first; and what it did not."""
    chosen: dict[str, tuple[Proposal, Effect]] = {}
    refused = []
    for proposal, effect in sorted(measured, key=lambda each: (-each[1].gain, each[0].words)):
        if not effect.worthwhile or proposal.family in chosen or len(chosen) == MOST:
            continue
        problem = _objection(proposal)
        if problem is None:
            chosen[proposal.family] = (proposal, effect)
        else:
            refused.append(Refusal(words=proposal.words, problem=problem))
    return list(chosen.values()), refused


def _objection(proposal: Proposal) -> str | None:
    """What the check has against a draft, its cases apart, which are still to be written."""
    findings = Reachability(
        compile_policy(proposal.text, proposal.words), read_text(proposal.text, proposal.words)
    ).findings()
    return next((finding.complaint.problem for finding in findings if finding.blocks), None)


def _share(before: int, after: int) -> float:
    return (before - after) / before if before else 0.0 if after == before else -1.0


def _change(before: int, after: int) -> str:
    if before == after:
        return "±0 %"
    return f"{-_share(before, after):+.0%}".replace("-", "−").replace("%", " %") if before else f"+{after}"
