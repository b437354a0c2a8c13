"""Policies that are broken at random, with a seed: each is a published or drafted document with one to three
mutations."""

import json
import random
from collections.abc import Iterator, Sequence
from copy import deepcopy

from domain.canonical import Json
from policies.language.text import Path, PolicyText, read_text

_WRONG: tuple[Json, ...] = (
    None, True, False, 0, -1, 7, 2**53, 10**30, -0.5, 1e300, "", " ", "x", "Ä", "\u202e", "true", "PT0S", "P1Y",
    "-PT5M", "PT99999999H", "1.0", "../x.yaml", "'", '"', "\\", "a\nb", "x" * 1_200, [], [[]],
    {}, {"a": 1}, ["a", "a"], [None],
    "anomaly.score > 4", "anomaly.scor > 4.0", "1/0 == 1", "!" * 40, "(" * 40 + "true" + ")" * 40, "true &&", "&& true",
    "a.b.c", "[1,2,3]", "matches('a','b')", "asset.id in []", "anomaly.kind == 'x'", "memory", "null",
    "9" * 400 + " > 1",
)  # fmt: skip
_TEXTS: tuple[tuple[str, str], ...] = (
    (": ", ":"), (":", ""), ("- ", "-"), ("{", "["), ("}", ""), ("'", '"'), ("'", ""), ("\n", ""), ("\n  ", "\n   "),
    ("true", "maybe"), ("PT", "P"), ("anomaly", "anomly"), ("&&", "&"), ("==", "="), ("id: ", "id: &a "),
    (" when", "\twhen"), ("rung: ", "rung: *a "), ("version", "--- \nversion"), ("0", "O"), ("memory", "\x00"),
    ("because", "? because"), ("in [", "in ("), ("because: ", "because: !!python/object:os.system "),
    ("rules:", "rules: |"),     ("title: ", "title: >\n"), ("policy", "policy: a\npolicy"), ("asset", "\ud800"),
    ("when: ", "when: \"\\"), (".", ".."),
)  # fmt: skip


def mutations(texts: Sequence[str], number: int, seed: int) -> Iterator[str]:
    """So many broken documents, the same for the same seed; a few of them may still be valid."""
    chance = random.Random(seed)
    sources = [read_text(text, "whole.yaml") for text in texts]
    for _ in range(number):
        place = chance.randrange(len(texts))
        if chance.random() < 0.25:
            yield _of_text(texts[place], chance)
        else:
            yield _of_values(sources[place], chance)


def _of_text(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 2, 3])):
        old, new = chance.choice(_TEXTS)
        places = [place for place in range(len(text)) if text.startswith(old, place)]
        if places:
            place = chance.choice(places)
            text = text[:place] + new + text[place + len(old) :]
    return text[: chance.randrange(len(text))] if chance.random() < 0.1 else text


def _of_values(source: PolicyText, chance: random.Random) -> str:
    data = deepcopy(source.data)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        _break(data, chance.choice([path for path in source.values if path]), chance)
    return "".join(_written(data, 0))


def _written(value: Json, depth: int) -> Iterator[str]:
    """Block YAML with one value on each line, so that a line number identifies a value."""
    lead = "  " * depth
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield f"{lead}{json.dumps(name)}:"
            yield from _entry(each, depth)
    elif isinstance(value, list) and value:
        for each in value:
            yield f"{lead}-"
            yield from _entry(each, depth)
    else:
        yield f"{lead}{json.dumps(value)}\n"


def _entry(value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield "\n"
        yield from _written(value, depth + 1)
    else:
        yield f" {json.dumps(value)}\n"


def _break(data: Json, path: Path, chance: random.Random) -> None:
    within: Json = data
    for part in path[:-1]:
        below = _below(within, part)
        if below is None:
            return
        within = below
    last, value = path[-1], chance.choice(_WRONG)
    done = chance.choice(["set", "set", "delete", "rename", "double", "nest"])
    if isinstance(within, list) and isinstance(last, int) and last < len(within):
        match done:
            case "delete":
                del within[last]
            case "double" | "rename":
                within.insert(last, within[last])
            case "nest":
                within[last] = _nested(within[last], chance)
            case _:
                within[last] = value
    elif isinstance(within, dict) and isinstance(last, str) and last in within:
        match done:
            case "delete":
                del within[last]
            case "rename":
                within[chance.choice([last + "s", last[:-1], last.upper(), "", "rules", "id"])] = within.pop(last)
            case "nest":
                within[last] = _nested(within[last], chance)
            case _:
                within[last] = value


def _below(within: Json, part: str | int) -> Json:
    if isinstance(within, dict) and isinstance(part, str):
        return within.get(part)
    return within[part] if isinstance(within, list) and isinstance(part, int) and part < len(within) else None


def _nested(value: Json, chance: random.Random) -> Json:
    for _ in range(chance.choice([1, 2, 20])):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value
