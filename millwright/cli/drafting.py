"""`policy draft`, `submit`, `approve`, `withdraw`, `list`, `history`, `export`, `import`: from a draft to approval."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, SigningKey, signer
from millwright.cli.output import Json, say, write_json, write_table
from millwright.cli.stored_versions import SeenVersion, stored_version

if TYPE_CHECKING:
    from millwright.cli.api_client import Api
    from millwright.settings import Settings
    from millwright.storage.policies.drafts import Draft
    from millwright.storage.policies.version_states import VersionAct, VersionState

Named = Annotated[str, typer.Argument(metavar="VERSION", help="A version's number, POLICY@VERSION, or its digest.")]


class _Saved(Answer):
    policy: str
    version: str
    revision: int
    digest: str


class _Drafts(Answer):
    drafts: list[SeenVersion]


class _Versions(Answer):
    versions: list[SeenVersion]


class _Submitted(Answer):
    proved: bool


class _Approvals(Answer):
    approvals: int
    lacking: int


class _Withdrawn(Answer):
    ended: int


def draft(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy document; its cases file lies beside it.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Save a policy document as a draft, or as its next revision. The author is the person who saves it."""
    with api_of(context, key) as api:
        say(_save(api, file, reason))


def _save(api: "Api", file: Path, reason: str) -> str:
    from policies.engine.judging import compile_policy

    text = _read(file)
    document = compile_policy(text, str(file)).document
    exported = file.parent / f"{document.version}.cases.yaml"
    cases = _read(exported if exported.is_file() else file.parent / document.cases)
    saved = api.act(("policies", "drafts"), _Saved, {"document": text, "cases": cases, "reason": reason})
    return f"{saved.policy} {saved.version} is saved as revision {saved.revision}; digest {saved.digest[:12]}."


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
    from domain.approvals import SUBMIT

    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        found = _draft_named(api, version)
        path = ("policies", "drafts", found.policy, found.version, "submission")
        told = api.act(path, _Submitted, {"meaning": meaning, **person.sign(found.digest, SUBMIT, meaning)})
    checked = "checked and proved" if told.proved else "checked"
    say(
        f"{found.policy} {found.version} is {checked}, and in review; digest {found.digest}.\n"
        f"Attach its backtest, and fewer need approve: `millwright policy backtest {found.version} --attach`."
    )


def _draft_named(api: "Api", name: str) -> SeenVersion:
    policy, _, version = name.rpartition("@")
    drafts = api.read(("policies",), _Drafts).drafts
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
    from domain.approvals import APPROVE

    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        found = stored_version(api, version)
        signed = {"meaning": meaning, **person.sign(found.digest, APPROVE, meaning)}
        told = api.act(("policies", found.digest, "approvals"), _Approvals, signed)
    state = f"approved by {told.approvals}; it takes {told.lacking} more" if told.lacking else "approved"
    say(f"{found.policy} {found.version} is {state}.")


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
    from domain.approvals import WITHDRAW, one_line, withdrawing_meaning
    from domain.assigning import AssignedAs

    roles: dict[str, AssignedAs] = {"canary": "canary", "shadow": "shadow"}
    if only is not None and only not in roles:
        raise Rejected(f"{only!r} cannot be ended by itself", field="only", fix="canary or shadow")
    role = roles[only] if only is not None else None
    why = one_line(reason)
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        found = stored_version(api, version)
        signed = person.sign(found.digest, WITHDRAW, withdrawing_meaning(role, why))
        told = api.act(("policies", found.digest, "withdrawal"), _Withdrawn, {"only": role, "reason": why, **signed})
    what = "is withdrawn" if role is None else f"is no {role} any more"
    say(f"{found.policy} {found.version} {what}; {told.ended} assignments ended.")


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

    rows = [
        (act.at, act.by, words_of(act)) if act.signed is None else (act.signed.local, act.signed.name, words_of(act))
        for act in told
    ]
    write_table(("at", "who", "what was done"), rows, "Nothing was done to it.")


async def _history(settings: "Settings", version: str) -> "list[VersionAct]":
    async with opened(settings) as storage:
        found = await storage.versions.named(version)
        display = await storage.people.signature_display(storage.zone)
        return await storage.policies.states.history(found.digest, found.policy, found.version, display)


def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder, such as one that Git keeps.")],
) -> None:
    """Write every stored version as POLICY/VERSION.yaml, byte for byte, and their digests as digests.toml."""
    count = finish(_export(settings_of(context), directory))
    say(f"{count} versions are in {directory}.")


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
    from policies.engine.judging import compile_policy

    with api_of(context, key) as api:
        stored = {(seen.policy, seen.version): seen.digest for seen in api.read(("policies",), _Versions).versions}
        new: list[Path] = []
        paths = _versions_in(directory)
        for path in paths:
            policy = compile_policy(_read(path), str(path))
            name = (policy.document.policy, policy.document.version)
            known = stored.get(name)
            if known is None:
                new.append(path)
            elif known != policy.digest:
                problem = f"{' '.join(name)} is stored as {known[:12]}, and {path} is {policy.digest[:12]}"
                raise Rejected(problem, field="version", fix="give the changed text a new version")
        for path in new:
            say(_save(api, path, reason))
    say(f"{len(paths) - len(new)} versions are stored already, with the same digest.")


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
