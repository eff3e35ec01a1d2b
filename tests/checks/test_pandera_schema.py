from __future__ import annotations

import sys

import pandas as pd
import pandera.pandas as pandera
import pytest

from jupyter_etl.checks.pandera_schema import check_schema
from jupyter_etl.errors import DeclarationError, MissingDependency
from jupyter_etl.model import CheckStatus

FRAME = pd.DataFrame({"id": [1, 1, 2], "amount": [-1.0, 2.0, None], "note": ["x" * 500, "b", "c"]})
SCHEMA = pandera.DataFrameSchema(
    {
        "id": pandera.Column(int, unique=True),
        "amount": pandera.Column(float, pandera.Check.ge(0), nullable=True),
    }
)


class Orders(pandera.DataFrameModel):
    id: int


def test_each_broken_check_is_a_result_with_its_rows() -> None:
    unique, positive = check_schema(SCHEMA, FRAME, dataset="orders")
    assert (unique.rule.text, unique.failed_rows, unique.total_rows) == (
        "id: field_uniqueness", 2, 3,
    )  # fmt: skip
    assert positive.rule.text == "amount: greater_than_or_equal_to(0)"
    assert positive.message == "1 of 3 rows: amount: greater_than_or_equal_to(0) is false"
    assert positive.status is CheckStatus.ERROR
    (row,) = positive.sample
    assert next(iter(row.items())) == ("amount", "-1.0")
    assert len(row["note"]) == 200


def test_what_holds_is_one_result() -> None:
    for schema in (Orders, Orders.to_schema()):
        (result,) = check_schema(schema, FRAME, dataset="orders")
        assert result.status is CheckStatus.PASS
        assert result.message == "3 rows: Orders of pandera holds"


def test_a_column_that_is_missing_is_a_result_without_rows() -> None:
    (result,) = check_schema(SCHEMA, FRAME[["id"]].drop_duplicates(), dataset="orders")
    assert result.rule.text == "amount: column_in_dataframe"
    assert (result.failed_rows, result.sample) == (None, ())


def test_the_rows_kept_are_twenty_at_most_and_bounded() -> None:
    many = pd.DataFrame({"id": [0] * 1000, "amount": [-1.0] * 1000, "text": ["é" * 200] * 1000})
    _, positive = check_schema(SCHEMA, many[["id", "amount"]], dataset="d")
    assert (positive.failed_rows, len(positive.sample)) == (1000, 20)
    wide = pd.concat([many, *(many[["text"]].add_suffix(str(n)) for n in range(20))], axis=1)
    _, positive = check_schema(SCHEMA, wide, dataset="d")
    assert len(positive.sample) == 1


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(DeclarationError, match="int is neither rules nor a schema"):
        check_schema(3, FRAME, dataset="orders")


def test_a_missing_pandera_shows_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    with pytest.raises(MissingDependency) as caught:
        check_schema(SCHEMA, FRAME, dataset="orders")
    assert "jupyter-etl[pandera]" in caught.value.hint
