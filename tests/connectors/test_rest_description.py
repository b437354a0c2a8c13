"""Descriptions of a CMMS: what is refused when one is read, with file, line, field and what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.cmms.rest import RestSettings
from connectors.cmms.rest.description import REQUIRED
from connectors.cmms.rest.loading import RestDescriptionFile, parse_description, shipped_names
from connectors.cmms.rest.yaml_text import RestTextRejected, read_yaml
from millwright.runtime.connector_settings import cmms_settings_model, own_settings
from millwright.settings import ConnectorSettings
from tests.connectors.rest_answers import SMALL, settings_of, written

GIVEN = {"url": "https://acme.example/api", "token": "the-token", "values": {"plant": "N"}}


def refusal(text: str) -> str:
    with pytest.raises(RestTextRejected) as refused:
        parse_description(text, "acme.yaml")
    return str(refused.value)


def line_of(part: str, text: str = SMALL) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("name", shipped_names())
def test_every_description_that_is_shipped_can_be_read(name: str) -> None:
    file = RestDescriptionFile.model_validate(name)
    assert (file.file, len(file.digest)) == (name, 64)


def test_only_the_description_of_gitlab_is_complete() -> None:
    complete = [name for name in shipped_names() if not RestDescriptionFile.model_validate(name).description.lacks]
    assert complete == ["gitlab_issues"]


@pytest.mark.parametrize("name", ["upkeep", "dynamics_365_field_service"])
def test_a_description_that_is_not_complete_is_refused_at_the_start_with_every_reason(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RestSettings.model_validate({"description": name, **GIVEN})
    words = str(refused.value)
    lacks = RestDescriptionFile.model_validate(name).description.lacks
    assert [reason for reason in lacks.values() if reason not in words] == []
    assert "take them out of `lacks`" in words


@pytest.mark.parametrize(
    ("part", "instead", "told"),
    [
        ("format: 1\n", "format: 2\n", "acme.yaml:1: format: Input should be 1"),
        ("vendor: Acme\n", "vendor: Acme\ncolour: red\n", "colour: Extra inputs are not permitted"),
        ("vendor: Acme\n", "vendor: Acme\nvendor: Bcme\n", "acme.yaml:3: vendor: is there twice; keep one"),
        ("vendor: Acme\n", "vendor: &a Acme\n", "anchors (&) and aliases (*) are not allowed"),
        ("vendor: Acme\n", "vendor: !!python/name:os.system Acme\n", "tags (!) are not allowed"),
        ("vendor: Acme\n", "vendor: [\n", "this is not YAML"),
        ("vendor: Acme\n", "vendor: Acme\n---\nvendor: Acme\n", "this is not YAML"),
        ("user: body.name", "user: body.name +", "check.user: at 1:12: Syntax error"),
        (
            "user: body.name",
            "user: token",
            "undeclared reference to 'token' (in container ''); names here are body, site",
        ),
        ("=wanted.key", "=wanted.kez", "key: at 1:7: undeclared reference to 'wanted.kez'"),
        ("=draft.due_at", "=draft.token", "undeclared reference to 'draft.token'"),
        ("touched: row.by != us", "touched: row.by + us", "order.touched: is always STRING; it must be BOOL"),
        ("rows: body.rows", "rows: '1'", "answers.rows: is always INT; it must be LIST"),
        ("path: /me }\n  user", "path: //evil.example/me }\n  user", "must begin with one slash"),
        ("path: /me }\n  user", "path: https://evil.example/me }\n  user", "must begin with one slash"),
        ("path: /me }\n  user", "path: /../me }\n  user", "must have no ?, #, \\ or .."),
        ("path: /me }\n  user", "path: '/me?all=1' }\n  user", "write parameters under `query`"),
        ("auth: {", "headers: { Authorization: x }\nauth: {", "Authorization is set by the connector"),
        ("auth: {", "headers: { 'X\\nY': x }\nauth: {", "headers.X"),
        ("by: none", "by: page", "`parameter` is needed by page, offset and cursor"),
        ("by: none", "by: cursor, parameter: after", "`next` is needed by next_link and cursor"),
        ("kind: bearer", "kind: header", "header needs these fields besides `kind`, and no other: header"),
        ("4: low }", "5: low }", "priorities: needs a value for each of 1, 2, 3 and 4"),
        ("done: completed", "done: finished", "order.status.words.done: Input should be"),
        ("done: completed", "gone: deleted", "no word means `deleted`"),
        ("done: completed", "new: waiting_approval", "`release` and a word that means `waiting_approval` need each"),
        ("among: notes", "among: comments", "note.among is comments, which is not under `beside`"),
        ("key: { field: row.key }", "key: {}", "without our key no order can be proved ours"),
        ("summary: 60", "summary: 10", "limits.summary: Input should be greater than or equal to 40"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_a_wrong_description_is_told_with_its_place(part: str, instead: str, told: str) -> None:
    assert part in SMALL
    assert told in refusal(SMALL.replace(part, instead, 1))


def test_the_line_is_that_of_the_field_that_is_wrong() -> None:
    words = refusal(SMALL.replace("touched: row.by != us", "touched: row.by +", 1))
    assert words.startswith(f"acme.yaml:{line_of('  touched:')}: order.touched: ")


def test_several_mistakes_are_told_at_once() -> None:
    words = refusal(SMALL.replace("format: 1", "format: 2").replace("user: body.name", "user: nobody"))
    assert "format: " in words
    assert "check.user: " in words


@pytest.mark.parametrize("part", REQUIRED)
def test_a_required_part_is_there_or_a_reason_why_not(part: str) -> None:
    lines = SMALL.splitlines(keepends=True)
    begin = next(place for place, line in enumerate(lines) if line.startswith(f"{part}:"))
    end = next((place for place in range(begin + 1, len(lines)) if lines[place][0] != " "), len(lines))
    without = "".join(lines[:begin] + lines[end:])
    assert f"needs `{part}`, or the reason under `lacks.{part}`" in refusal(without)
    explained = parse_description(f"{without}lacks: {{ {part}: nobody knows }}\n", "acme.yaml")
    assert explained.lacks == {part: "nobody knows"}


def test_a_reason_for_a_part_that_is_there_is_refused() -> None:
    assert "needs `read`, or" in refusal(f"{SMALL}lacks: {{ read: nobody knows }}\n")


def test_a_text_that_is_too_long_or_too_deep_is_refused() -> None:
    assert "at most 65536 are allowed" in refusal(SMALL + "#" * 70_000)
    for depth in (20, 30_000):
        nested = "[" * depth + "]" * depth
        assert "nested deeper than 16 levels" in refusal(SMALL.replace("vendor: Acme", f"vendor: {nested}"))


def test_a_plain_number_is_a_number_and_everything_else_is_text() -> None:
    read = read_yaml("a: [7, -1, 0.5, 007, 1e3, '7', 1_000, 0x1F, true, null, yes, 2026-01-31]", "acme.yaml").data
    words = ["007", "1e3", "7", "1_000", "0x1F"]
    assert read == {"a": [7, -1, 0.5, *words, True, None, "yes", "2026-01-31"]}


def test_the_file_of_a_site_is_read_and_its_digest_is_in_the_record_of_settings(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)
    made = RestSettings.model_validate({"description": path, **GIVEN})
    told = made.model_dump(mode="json")["description"]
    assert told.keys() == {"file", "digest"}
    written(tmp_path, SMALL.replace("urgent", "at once"))
    assert RestSettings.model_validate({"description": path, **GIVEN}).description.digest != told["digest"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"description": "no-such"}, "cmms__description"),
        ({"values": {}}, "needs plant: The plant."),
        ({"values": {"plant": "N", "floor": "2"}}, "has floor, for which the description does not ask"),
        ({"token": None}, "cmms__token: Value error, must be set: the description signs in by `bearer`"),
        ({"user": "pat"}, "cmms__user: Value error, must not be set"),
        ({"url": "http://acme.example/api"}, "cmms__url"),
        ({"outcomes": {"cause": {"X": "no-such-class"}}}, "cmms__outcomes__cause__X"),
    ],
    ids=lambda value: "",
)
def test_a_wrong_setting_is_told_with_its_variable(given: dict[str, object], told: str, tmp_path: Path) -> None:
    own = {"description": written(tmp_path, SMALL), **GIVEN, **given}
    settings = ConnectorSettings.model_validate({"connector": "rest", **own})
    with pytest.raises(Exception, match="MILLWRIGHT_CMMS__") as refused:
        own_settings(settings, cmms_settings_model("rest"), "cmms")
    assert told in str(refused.value)
    assert "the-token" not in str(refused.value)


def test_no_secret_is_shown_of_settings() -> None:
    assert "the-token" not in f"{settings_of()!r} {settings_of().model_dump(mode='json')}"
