"""Messages of errors: whatever was typed may be in them, and they end in ledger and alerts."""

from __future__ import annotations

from copy import copy

import pytest

from jupyter_etl.errors import DeclarationError, NotFound, SourceError
from jupyter_etl.language.names import parse_name
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.session import DataSession


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        ("no 'postgresql://u:hunter2@h/db'.", "no 'postgresql://u:***@h/db'."),
        (
            "postgresql+psycopg://u:p@ss/w?rd@h:5432/db is",
            "postgresql+psycopg://u:***@h:5432/db is",
        ),
        (
            "no notebook at /x/postgresql:/u:hunter2@h/db.",
            "no notebook at /x/postgresql:/u:***@h/db.",
        ),
        ("redis://:hunter2@h and ftp://u:x1@h", "redis://:***@h and ftp://u:***@h"),
        ("postgresql://u:1234567@h", "postgresql://u:***@h"),
        ("'Driver=x;Pwd=hunter2;Server=h'", "'Driver=x;Pwd=***;Server=h'"),
        ("x?user=u&password=hunter2&a=1", "x?user=u&password=***&a=1"),
    ],
)
def test_passwords_are_masked(written: str, reported: str) -> None:
    problem = SourceError(written, hint=f"See {written}")
    assert (problem.message, problem.hint, problem.args) == (
        reported,
        f"See {reported}",
        (reported,),
    )
    assert copy(problem).message == reported


@pytest.mark.parametrize(
    "text",
    [
        "http://h:8080/a@2x.png",
        "http://localhost:8888 refused it; write to sam@example.org",
        "postgresql://u@h:5432/db --secret wh_pw",
        "https://h/x?day=2026-01-01",
        "s3://bucket/a@b/c:d",
        "amount >= 0 and rows = 5",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert SourceError(text).message == text


def test_a_url_in_place_of_a_name_is_not_shown(home: object, here: object) -> None:
    session: DataSession = kernel_state.data_session({})
    for call in (session.load, session.preview, session.rows):
        with pytest.raises(NotFound) as caught:
            call("postgresql://u:hunter2@h/db.orders")
        assert "hunter2" not in str(caught.value)
        assert "%etl source NAME LOCATION --secret NAME" in caught.value.hint
    with pytest.raises(DeclarationError) as refused:
        parse_name("postgresql://u:hunter2@h/db", what="secret")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(NotFound, match="to a variable first"):
        session.load("a[:0]")
