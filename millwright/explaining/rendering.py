"""Renders an answer of `why` for the terminal."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from domain.shown_signatures import SignatureDisplay
from millwright.explaining.decisions import Decision
from millwright.explaining.why import Why

_REMADE = {
    "equal": "[green]Judged again from what was stored: the same verdict.[/]",
    "different": "[red]Judged again from what was stored: another verdict.[/]",
    "impossible": "[red]It cannot be judged again.[/]",
}


def render(why: Why, display: SignatureDisplay) -> RenderableType:
    """The answer first, then the observation, the deciding rule, why the other rules did not decide, and the
    consequences.

    Args:
        display: shows who signed the versions.
    """
    parts: list[RenderableType] = [Text(why.answer, style="bold")]
    if why.event is not None:
        event = why.event
        parts += _titled("What was seen", [Text(why.seen or "Nothing that could be read as an anomaly.")])
        again = f" It came {why.repeats} more time(s), which changed nothing." if why.repeats else ""
        came = f"Event {event.id}, {event.source}|{event.external_id}, received {event.received_at:%Y-%m-%d %H:%M} UTC."
        parts.append(Padding(Text(came + again, style="dim"), (0, 0, 0, 2)))
    for decision in why.decisions:
        parts += _decision(decision, display)
    if why.consequences is not None:
        parts += _titled("What it led to", [Text(f"• {sentence}") for sentence in why.consequences.sentences])
    return Group(*parts)


def _titled(title: str, lines: list[RenderableType]) -> list[RenderableType]:
    return [Text(), Text(title, style="bold cyan"), *(Padding(line, (0, 0, 0, 2)) for line in lines)]


def _decision(decision: Decision, display: SignatureDisplay) -> list[RenderableType]:
    stand = "decides" if decision.acts else "judged aside, too late" if decision.aside else "in shadow, acts on nothing"
    if not decision.standing:
        stand = "replaced by a later judgement"
    rung = decision.rung.replace("_", " ")
    title = f"{decision.policy} {decision.version} ({stand}): {rung}, {decision.severity}, rule {decision.rule}"
    note = f" {escape(decision.note)}" if decision.note else ""
    remade = Text.from_markup(_REMADE[decision.remade] + note)
    lines: list[RenderableType] = [Text(decision.because)] if decision.because else []
    if not decision.standing:
        return _titled(title, [*lines, remade])
    lines += [Text(f"Response: {decision.response}", style="dim")] if decision.response else []
    lines += [Text(f"✓ {test.words}") if test.held else Text(f"– {test.words}") for test in decision.tests]
    if decision.missed:
        table = Table(box=None, padding=(0, 2, 0, 0), title="Rules before it", title_justify="left")
        table.add_column("rule", style="dim", no_wrap=True)
        table.add_column("did not decide, because")
        for missed in decision.missed:
            words = missed.error or "; ".join(test.words for test in missed.tests)
            table.add_row(escape(missed.rule), escape(words))
        lines.append(table)
    if decision.changes is not None:
        lines += [Text(f"• {words}") for words in decision.changes.told]
    lines.append(Text(f"Written by {decision.author}; digest {decision.digest[:16]}.", style="dim"))
    for each in decision.signed:
        signed = display.of(each.person, each.at, each.meaning)
        lines.append(Text(f"{each.act}, {signed.words}", style="dim"))
    return _titled(title, [*lines, remade])
