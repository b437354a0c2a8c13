"""Rows for COPY come back from the database as they went in."""

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.storage.database.copying import COPY_FORMAT, copy_lines

VALUES = st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES) | st.just(("", None, "\x1f\x01\r\n")), max_size=300)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_what_is_copied_comes_back_as_it_was(postgres_url: str, rows: list[tuple[str | None, ...]]) -> None:
    with psycopg.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE copied (number int GENERATED ALWAYS AS IDENTITY, a text, b text, c text)")
        with cursor.copy(f"COPY copied (a, b, c) FROM STDIN {COPY_FORMAT}") as copy:
            for lines in copy_lines(rows):
                copy.write(lines)
        cursor.execute("SELECT a, b, c FROM copied ORDER BY number")
        assert cursor.fetchall() == rows
        connection.rollback()
