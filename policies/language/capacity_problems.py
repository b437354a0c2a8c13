"""Finds contradictions in what a document states of the crews, each with its place."""

from collections.abc import Iterator

from policies.language.schema import PolicyDocument
from policies.language.text import Path, PolicyText, TextRejected


def capacity_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    """All of them, in no order."""
    named: set[str] = set()
    owner: dict[str, str] = {}
    for position, crew in enumerate(document.capacity.crews if document.capacity else ()):
        path: Path = ("capacity", "crews", position)
        if crew.name in named:
            yield source.rejected((*path, "name"), f"two crews are called {crew.name}", fix="put both into one")
        named.add(crew.name)
        for place, name in enumerate(crew.classes):
            where: Path = (*path, "classes", place)
            if name in crew.classes[:place]:
                yield source.rejected(where, f"{name} is named twice", fix="leave one of the two out")
            elif name in owner:
                problem = f"{name} is a class of crew {owner[name]} already"
                yield source.rejected(where, problem, fix="name each class in one crew")
            owner.setdefault(name, crew.name)
