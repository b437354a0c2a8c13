"""`policy draft`, `submit`, `approve`, `withdraw`, `list`, `history`, `export`, `import`: from a draft to approval."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, SigningKey, actor, signer
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from millwright.bootstrap import Storage
    from millwright.settings import Settings
    from millwright.storage.policies.drafts import Draft
    from millwright.storage.policies.version_states import VersionAct, VersionState

Named = Annotated[str, typer.Argument(metavar="VERSION", help="A version's number, POLICY@VERSION, or its digest.")]


def draft(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy document; its cases file lies beside it.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Save a policy document as a draft, or as its next revision. The author is the person who saves it."""
    saved = finish(_draft(settings_of(context), file, reason, key))
    typer.echo(saved)


async def _draft(settings: "Settings", file: Path, reason: str, key: str | None) -> str:
    async with opened(settings) as storage:
        by = await actor(storage, key, "author")
        return await _save(storage, file, reason, by)


async def _save(storage: "Storage", file: Path, reason: str, by: str) -> str:
    from millwright.policy_operations.draft_checks import save_draft
    from policies.engine.judging import compile_policy

    text = _read(file)
    document = compile_policy(text, str(file)).document
    exported = file.parent / f"{document.version}.cases.yaml"
    policy, version, revision, digest = await save_draft(
        storage.policies.drafts,
        document=text,
        cases=_read(exported if exported.is_file() else file.parent / document.cases),
        by=by,
        reason=reason,
        file=str(file),
    )
    return f"{policy} {version} is saved as revision {revision}; digest {digest[:12]}."


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{file} cannot be read: {error}", field="file") from error


def submit(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The draft's version, or POLICY@VERSION.")],
    meaning: Annotated[str, typer.Option(help="What your signature says.")] = "I submit this version for review",
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Submit a draft for review, if it is checked and its properties are proved. Its text never changes afterwards."""
    typer.echo(finish(_submit(settings_of(context), version, meaning, key, signing_key)))


async def _submit(settings: "Settings", version: str, meaning: str, key: str | None, file: Path | None) -> str:
    from domain.approvals import SUBMIT
    from millwright.policy_operations.draft_checks import examine_draft

    async with opened(settings) as storage:
        person = await signer(storage, settings, key, file)
        found = await _found(storage, version)
        examined = await asyncio.to_thread(examine_draft, found, await storage.versions.versions())
        signature = person.sign(found.digest, SUBMIT, meaning, storage.clock.now())
        await storage.policies.drafts.submit(found, signature, examined)
    said = "checked" if examined.proof is None else "checked and proved"
    return (
        f"{found.policy} {found.version} is {said}, and in review; digest {found.digest}.\n"
        f"Attach its backtest, and fewer need approve: `millwright policy backtest {found.version} --attach`."
    )


async def _found(storage: "Storage", name: str) -> "Draft":
    policy, _, version = name.rpartition("@")
    drafts = await storage.policies.drafts.drafts()
    found = [stored for stored in drafts if stored.version == version and policy in ("", stored.policy)]
    if len(found) != 1:
        known = ", ".join(f"{stored.policy}@{stored.version}" for stored in drafts) or "none"
        raise Rejected(f"no one draft is called {name}", field="version", fix=f"there are {known}")
    return found[0]


def approve(
    context: typer.Context,
    version: Named,
    meaning: Annotated[str, typer.Option(help="What your signature says, such as: I reviewed it and its cases.")],
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Approve a version in review. Authors cannot approve their own version. A larger change needs more approvals."""
    typer.echo(finish(_approve(settings_of(context), version, meaning, key, signing_key)))


async def _approve(settings: "Settings", version: str, meaning: str, key: str | None, file: Path | None) -> str:
    from domain.approvals import APPROVE

    async with opened(settings) as storage:
        person = await signer(storage, settings, key, file)
        found = await storage.versions.named(version)
        signature = person.sign(found.digest, APPROVE, meaning, storage.clock.now())
        count, lacking = await storage.policies.lifecycle.approve(found.digest, signature)
    state = "approved" if lacking is None else f"approved by {count}; it takes {lacking} more"
    return f"{found.policy} {found.version} is {state}."


def withdraw(
    context: typer.Context,
    version: Named,
    reason: Reason,
    only: Annotated[
        str | None, typer.Option(help="canary or shadow: end only that; without it, the version is gone for good.")
    ] = None,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Withdraw a version from review or use, or end its canaries or shadows. Roll back an active version first."""
    typer.echo(finish(_withdraw(settings_of(context), version, reason, only, key, signing_key)))


async def _withdraw(
    settings: "Settings", version: str, reason: str, only: str | None, key: str | None, file: Path | None
) -> str:
    from domain.approvals import WITHDRAW, one_line, withdrawing_meaning
    from domain.assigning import AssignedAs

    roles: dict[str, AssignedAs] = {"canary": "canary", "shadow": "shadow"}
    if only is not None and only not in roles:
        raise Rejected(f"{only!r} cannot be ended by itself", field="only", fix="canary or shadow")
    role = roles[only] if only is not None else None
    why = one_line(reason)
    async with opened(settings) as storage:
        person = await signer(storage, settings, key, file)
        found = await storage.versions.named(version)
        meaning = withdrawing_meaning(role, why)
        signature = person.sign(found.digest, WITHDRAW, meaning, storage.clock.now())
        ended = await storage.policies.lifecycle.withdraw(found.digest, role, why, signature)
    what = "is withdrawn" if role is None else f"is no {role} any more"
    return f"{found.policy} {found.version} {what}; {ended} assignments ended."


def listed(context: typer.Context, json: Json = False) -> None:
    """List every version and draft with its state: in review, approved, active, and where."""
    states, drafts = finish(_all(settings_of(context)))
    if json:
        shown = ("policy", "version", "revision", "digest", "author", "saved_at")
        write_json(
            {"versions": [_fields(state) for state in states]}
            | {"drafts": [{name: getattr(stored, name) for name in shown} for stored in drafts]}
        )
        return
    rows = [
        (
            state.policy,
            state.version,
            state.state,
            "; ".join(state.places) or "-",
            _signed(state),
            state.author,
            state.digest[:12],
        )
        for state in states
    ]
    rows += [(stored.policy, stored.version, "draft", "-", "-", stored.author, stored.digest[:12]) for stored in drafts]
    write_table(
        ("policy", "version", "state", "assigned", "approved by", "author", "digest"), rows, "No version is stored."
    )


def _signed(version: "VersionState") -> str:
    lacking = max(version.approvals_needed - len(version.approved_by), 0) if version.state == "in review" else 0
    return ", ".join(version.approved_by) + (f" ({lacking} lacking)" if lacking else "")


def _fields(value: object) -> dict[str, object]:
    from dataclasses import fields

    return {each.name: getattr(value, each.name) for each in fields(value)}  # type: ignore[arg-type]  # slots, no dict


async def _all(settings: "Settings") -> "tuple[list[VersionState], list[Draft]]":
    async with opened(settings) as storage:
        states = await storage.policies.states.all(storage.clock.now())
        return states, await storage.policies.drafts.drafts()


def history(context: typer.Context, version: Named, json: Json = False) -> None:
    """Show everything that was done to a version: by whom, when and why."""
    told = finish(_history(settings_of(context), version))
    if json:
        write_json([_fields(act) for act in told])
        return
    from millwright.cli.act_descriptions import words_of

    rows = [(act.at, act.by, words_of(act)) for act in told]
    write_table(("at", "who", "what was done"), rows, "Nothing was done to it.")


async def _history(settings: "Settings", version: str) -> "list[VersionAct]":
    async with opened(settings) as storage:
        found = await storage.versions.named(version)
        return await storage.policies.states.history(found.digest, found.policy, found.version)


def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder, such as one that Git keeps.")],
) -> None:
    """Write every stored version as POLICY/VERSION.yaml, byte for byte, and their digests as digests.toml."""
    count = finish(_export(settings_of(context), directory))
    typer.echo(f"{count} versions are in {directory}.")


async def _export(settings: "Settings", directory: Path) -> int:
    async with opened(settings) as storage:
        stored = await storage.versions.versions()
        cases = {submitted.digest: submitted.cases for submitted in await storage.policies.drafts.submitted()}
    by_policy: dict[str, list[str]] = {}
    for version in stored:
        path = directory / version.policy / f"{version.version}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(version.document.encode())
        if version.digest in cases:
            _keep_cases(path, version.document, cases[version.digest])
        by_policy.setdefault(version.policy, []).append(f'"{version.version}" = "{version.digest}"')
    tables = [f"[{policy}]\n" + "\n".join(lines) + "\n" for policy, lines in sorted(by_policy.items())]
    (directory / "digests.toml").write_text("\n".join(tables), encoding="utf-8")
    return len(stored)


def _keep_cases(path: Path, document: str, cases: str) -> None:
    """Writes a version's cases under their name in the document, or under its own if another version has that name."""
    from policies.engine.judging import compile_policy

    beside = path.parent / compile_policy(document, str(path)).document.cases
    if beside.exists() and beside.read_text(encoding="utf-8") != cases:
        beside = path.with_name(f"{path.stem}.cases.yaml")
    beside.write_text(cases, encoding="utf-8")


def take_in(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of POLICY/VERSION.yaml.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Save the versions of a folder that are not stored yet as drafts of their author. Stored ones must be equal."""
    for line in finish(_import(settings_of(context), directory, reason, key)):
        typer.echo(line)


async def _import(settings: "Settings", directory: Path, reason: str, key: str | None) -> list[str]:
    from policies.engine.judging import compile_policy

    said = []
    async with opened(settings) as storage:
        by = await actor(storage, key, "author")
        stored = {(version.policy, version.version): version.digest for version in await storage.versions.versions()}
        for path in _versions_in(directory):
            policy = compile_policy(_read(path), str(path))
            name = (policy.document.policy, policy.document.version)
            known = stored.get(name)
            if known is None:
                said.append(await _save(storage, path, reason, by))
            elif known == policy.digest:
                said.append(f"{' '.join(name)} is stored already, with the same digest.")
            else:
                problem = f"{' '.join(name)} is stored as {known[:12]}, and {path} is {policy.digest[:12]}"
                raise Rejected(problem, field="version", fix="give the changed text a new version")
    return said


def _versions_in(directory: Path) -> list[Path]:
    found = sorted(directory.glob("*/*.yaml"))
    return [path for path in found if path.stem.count(".") == 2 and path.stem.replace(".", "").isdigit()]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("draft", draft),
        ("submit", submit),
        ("approve", approve),
        ("withdraw", withdraw),
        ("list", listed),
        ("history", history),
        ("export", export),
        ("import", take_in),
    ):
        app.command(name)(command)
