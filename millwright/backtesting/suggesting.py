"""Suggests drafts: they are selected on one part of the stored events, and tested on a later part."""

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
"""The share of the period, from its beginning, that the search uses; the rest is the test part."""
MOST = 5
"""Maximum number of proposals, each another idea."""
_LEAST_GAIN = 0.1
_MOST_LOSS = 0.05
_LOSS_WEIGHS = 5.0
"""The weight of a lost share of the hits, relative to a saved share of the false orders."""


class Effect(Model):
    """The effect of a draft compared with its version: false orders, and hits, with their totals."""

    false_before: int
    false_after: int
    hits_before: int
    hits_after: int

    @property
    def words(self) -> str:
        """The effect as text: −71 % false orders, −4 % hits."""
        return (
            f"{_change(self.false_before, self.false_after)} false orders "
            f"({self.false_before} → {self.false_after}), {_change(self.hits_before, self.hits_after)} hits "
            f"({self.hits_before} → {self.hits_after})"
        )

    @property
    def gain(self) -> float:
        """The value of the change: the saved share of false orders minus the weighted lost share of hits."""
        return _share(self.false_before, self.false_after) - _LOSS_WEIGHS * _share(self.hits_before, self.hits_after)

    @property
    def worthwhile(self) -> bool:
        """Whether it saves a tenth of the false orders for at most a twentieth of the hits, or finds more with no more
        alarms."""
        saved = _share(self.false_before, self.false_after)
        lost = _share(self.hits_before, self.hits_after)
        return (saved >= _LEAST_GAIN and lost <= _MOST_LOSS) or (lost < 0 and saved >= 0)


class Suggestion(Model):
    """A draft with its effects on the search part and on the test part."""

    words: str
    text: str
    digest: str
    found: Effect
    shown: Effect
    backtest: Backtest
    """The backtest of the draft against its version, on the test part."""


class Refusal(Model):
    """A change with a good effect that `policy check` refuses, with the message of the check."""

    words: str
    problem: str


class Suggestions(Model):
    """The result of a search. `left_alone` are the parts of the version without a tried change."""

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
    """The version to improve, and the period."""

    policy: CompiledPolicy
    since: datetime | None = None
    until: datetime | None = None
    failures: Path | None = None
    processes: int | None = None


async def suggest(engine: AsyncEngine, search: Search, progress: Progress) -> Suggestions:
    """Searches for drafts on the first part of a period and backtests the best on the rest.

    Only the first part selects: a draft with a bad result on the second part is still shown, because dropping it would
    select by the test data.

    Raises:
        Rejected: nothing is stored in the period, or the failure register cannot be read.
        StorageUnavailable: the database does not answer.
    """
    async with read_history(engine) as history:
        whole = await read_past(history, search.since, search.until, search.failures)
        first, last = whole.period.first, whole.period.last
        split = first + FOUND_ON * (last - first)
        # The search must not use any event, finding or failure of the second part.
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
        replays = await replay_many(
            history, texts, first, split, progress, search.processes, inputs=search.policy.read_inputs
        )
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
    """Writes each draft with its backtest beside it; returns the drafts' files.

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
    """False orders: wrong or unlabelled ones."""
    return measures.wrong + measures.unlabelled


def _compiling(made: Sequence[Proposal]) -> tuple[list[Proposal], list[Refusal]]:
    """The proposals that compile: a changed value may be invalid at its place."""
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
    """The best strength of each idea that passes the check, the best ideas first; and the refused ones."""
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
    """The blocking findings of the check on a draft, except those on its cases, which are not written yet."""
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
