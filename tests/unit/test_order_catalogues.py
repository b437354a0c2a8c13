"""The catalogue of each language has every message of an order, and the sentences that the record has in English."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import spanish
from domain.assets import retired_words
from domain.wording import ENGLISH, SPANISH, WORDINGS, Wording
from policies.engine import counterfactual
from policies.language.display_names import LABELS
from tests.support.english_words import english_words
from tests.support.plant import START

ROOT: Final = Path(__file__).resolve().parents[2]
LEFT_OUT: Final = {"Not readable, and perhaps open: {count} more ({first}).": {"first"}}
"""What a translation leaves out: why a record cannot be read is said in English, in the words of the case."""


@cache
def said_in_code() -> tuple[str, ...]:
    """Every message that the code says or marks."""
    found = []
    for path in [*(ROOT / "domain").glob("*.py"), *(ROOT / "activities").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="say" | "message"), args=[ast.Constant(value=str(text)), *_]):
                    found.append(text)
                case _:
                    pass
    return tuple(found)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_message_of_the_code_is_in_the_catalogue_and_the_catalogue_has_no_other() -> None:
    assert set(said_in_code()) == set(spanish.MESSAGES)


@pytest.mark.parametrize("catalogue", [spanish.MESSAGES, spanish.RECORDED], ids=["said", "recorded"])
def test_a_translation_has_the_placeholders_of_the_message(catalogue: dict[str, str]) -> None:
    for english, translated in catalogue.items():
        assert placeholders(translated) == placeholders(english) - LEFT_OUT.get(english, set())
        assert translated != english


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(0, 3))
def test_a_number_has_the_same_digits_in_every_language(value: float, decimals: int) -> None:
    said = {re.sub(r"[^\d-]", "", say.number(value, decimals)) for say in WORDINGS.values()}
    assert len(said) == 1


@pytest.mark.parametrize(
    ("say", "words"), [(ENGLISH, ("12,345.7", "12345.7")), (SPANISH, ("12 345,7", "12345,7"))], ids=["en", "es"]
)
def test_a_number_is_written_as_the_language_does(say: Wording, words: tuple[str, str]) -> None:
    assert (say.number(12345.67, 1), say.plain_number(12345.67, 1)) == words


def counterfactuals() -> Iterator[str]:
    """Sentences of the engine on every name and rung."""
    changes = [form.format(now=1, then=2) for form in counterfactual._ONE_MORE.values()]
    for label in LABELS.values():
        changes += [f"if it were so that {label}", f"if it were not so that {label}", f"with 3 {label} (there are 1)"]
        limits = (
            "more than 2.5",
            "less than 2.5",
            "exactly 2.5",
            "at least 2.5",
            "at most 2.5",
            "never",
            "none",
            "7.1",
        )
        changes += [f"if {label} were {limit} (it is 3.2)" for limit in limits]
    for would, change in product(counterfactual._WOULD.values(), changes):
        yield f"It would {would} {change}."


def test_every_sentence_of_a_counterfactual_is_translated_whole() -> None:
    for sentence in counterfactuals():
        translated = SPANISH.recorded(sentence)
        assert english_words(translated) == set(), sentence
        assert re.search(r"\d\.\d", translated) is None


@pytest.mark.parametrize(
    ("sentence", "translated"),
    [
        ("the MES does not answer; no se sabe", "el MES no responde; no se sabe"),
        (
            "the MES knows neither a running job nor a planned stop; así lo fija la política",
            "el MES no conoce ningún trabajo de producción en curso ni una parada planificada; así lo fija la política",
        ),
        ("its consequence is safety: fuga", "su consecuencia afecta a la seguridad: fuga"),
        (
            "its evidence was judged again, the last as watch",
            "su evidencia se volvió a evaluar, la última como «observar»",
        ),
        (
            f"{retired_words('M1', START)} by Pia: vendida",
            f"Pia dio de baja M1 el {START:%Y-%m-%d %H:%M} UTC: vendida",
        ),
        ("palabras de una persona", "palabras de una persona"),
    ],
)
def test_what_the_record_has_in_english_is_translated_and_a_person_s_words_are_kept(
    sentence: str, translated: str
) -> None:
    assert SPANISH.recorded(sentence) == translated
    assert ENGLISH.recorded(sentence) == sentence
