"""`policy prove` and `policy try`: prove a version's properties, and judge given situations."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli.output import Json, say, write_json, write_rich
from millwright.cli.versions import newest, version_named

if TYPE_CHECKING:
    from policies.engine.judging import CompiledPolicy
    from policies.engine.trial import Situation
    from policies.proof.prover import Proof

_UNSETTLED = 2
"""The exit code for neither proved nor refuted, or if there is nothing to prove."""
_MARKS = {"proved": "proved ", "refuted": "REFUTED", "unknown": "unknown"}


def prove(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION|FILE]", help="A version, or a draft's file; else the newest.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long one question to the solver may take.")] = 20.0,
    json: Json = False,
) -> None:
    """Prove a version's properties; exits 1 if one is refuted, 2 if one is unknown."""
    from policies.proof.prover import Prover

    policy = newest() if version is None else version_named(context, version)
    promised = policy.document.properties
    proofs = list(Prover(policy, lambda name: version_named(context, name), round(seconds * 1000)).prove(promised))
    if json:
        write_json([_summary(proof) for proof in proofs])
    else:
        _tell(policy, proofs)
    refuted = any(proof.result == "refuted" for proof in proofs)
    settled = bool(proofs) and all(proof.result != "unknown" for proof in proofs)
    if refuted:
        raise typer.Exit(1)
    if not settled:
        raise typer.Exit(_UNSETTLED)


def _summary(proof: "Proof") -> dict[str, object]:
    witness = [each.model_dump(mode="json", exclude_defaults=True) for each in proof.witness]
    return {
        "property": proof.property,
        "says": proof.says,
        "result": proof.result,
        "why": proof.why,
        "witness": {"situations": witness} if witness else None,
    }


def _tell(policy: "CompiledPolicy", proofs: "list[Proof]") -> None:
    document = policy.document
    if not proofs:
        say(f"{document.policy} {document.version} has no properties, so there is nothing to prove.")
        return
    for proof in proofs:
        say(f"{_MARKS[proof.result]}  {proof.property}: {proof.says}")
        if proof.why is not None:
            say(f"         {proof.why}")
        for each in proof.witness:
            say(f"         {each.name}: {_seen(each)}")
    proved = sum(proof.result == "proved" for proof in proofs)
    say(f"{proved} of {len(proofs)} properties of {document.policy} {document.version} are proved.")
    if any(proof.witness for proof in proofs):
        say("See it happen: write the `witness` of `--json` to a file and run `millwright policy try FILE`.")


def _seen(situation: "Situation") -> str:
    from millwright.explaining.why import seen

    context, before = situation.context, len(situation.events) - 1
    earlier = f" After {before} earlier event{'' if before == 1 else 's'}." if before else ""
    about = f"{context.asset_class or 'asset without a class'} of criticality {context.criticality or 'none'}"
    return f"{seen(situation.events[-1])} It is a {about}.{earlier}"


def try_(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Situations in JSON; `-` reads stdin.")],
    policy: Annotated[
        str | None, typer.Option(metavar="VERSION|FILE", help="A version, or a draft's file; else the newest.")
    ] = None,
    json: Json = False,
) -> None:
    """Judge given situations, and show the trace of each verdict and what would have changed it."""
    from millwright.explaining.trying import render_trial
    from policies.engine.counterfactual import counterfactuals
    from policies.engine.trial import read_situations, try_situation

    version = newest() if policy is None else version_named(context, policy)
    situations = read_situations(_text(file), "stdin" if file == "-" else file)
    told = []
    for situation in situations:
        trial = try_situation(version, situation)
        last, before = situation.events[-1], trial.before
        told.append((situation, trial, counterfactuals(version, before, last, situation.context)))
    if json:
        write_json(
            [
                trial.model_dump(mode="json") | {"changes": changes.model_dump(mode="json")["inputs"]}
                for _, trial, changes in told
            ]
        )
        return
    for situation, trial, changes in told:
        write_rich(render_trial(situation, trial, changes))


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{file} cannot be read: {error}", field="file") from error


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(prove)
    app.command("try")(try_)
