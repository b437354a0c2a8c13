"""`policy`: show policy versions."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli import checking, diff, pricing, prove
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.effective import show_effective
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.settings import Settings
    from millwright.storage.policies.versions import StoredVersion

app = typer.Typer(no_args_is_help=True, help="Policies: versioned rule sets, never changed once published.")
for _module in (checking, prove, diff, pricing):
    _module.register(app)


@app.command()
def show(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A version's number or digest; without it, all.")
    ] = None,
    asset: Annotated[
        str | None, typer.Option(help="An asset: show the version for it, with overrides applied.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="The event time for the waivers; default now.")] = None,
    json: Json = False,
) -> None:
    """Show the stored versions and where they are assigned, the text of one, or one version for an asset."""
    if asset is not None:
        show_effective(context, version, asset, at, json=json)
        return
    stored = finish(_stored(settings_of(context)))
    if version is None:
        if json:
            write_json([_listed(published) for published in stored])
            return
        rows = [
            (
                published.policy,
                published.version,
                ", ".join(published.roles) or "-",
                published.author,
                published.digest[:12],
            )
            for published in stored
        ]
        write_table(("policy", "version", "assigned as", "author", "digest"), rows, "No version is stored.")
        return
    found = [published for published in stored if published.version == version or published.digest.startswith(version)]
    if not found:
        known = ", ".join(published.version for published in stored) or "none"
        raise Rejected(f"no version {version} is stored", field="version", fix=f"there are {known}")
    if json:
        write_json([_listed(published) | {"document": published.document} for published in found])
        return
    for published in found:
        say(published.document)


def _listed(version: "StoredVersion") -> dict[str, object]:
    names = ("policy", "version", "digest", "author", "roles")
    return {name: getattr(version, name) for name in names}


async def _stored(settings: "Settings") -> "list[StoredVersion]":
    async with opened(settings) as storage:
        return await storage.versions.versions()
