"""Checks by pandera schemas."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_etl.checks.failing_rows import SAMPLE_CHARACTERS, SAMPLE_COLUMNS, SAMPLE_ROWS, bounded
from jupyter_etl.errors import DeclarationError, MissingDependency, user_code_boundary
from jupyter_etl.model import CheckResult, CheckRule, CheckStatus

if TYPE_CHECKING:
    import pandas as pd


def check_schema(schema: object, frame: pd.DataFrame, *, dataset: str) -> list[CheckResult]:
    """Apply a schema to a frame completely before reporting failures.

    Args:
        schema: A pandera ``DataFrameSchema``, or a ``DataFrameModel``.

    Returns:
        A result for each failed column and check, or a single passing one.

    Raises:
        DeclarationError: It is not a schema, or one of its checks raised an exception.
        MissingDependency: pandera is not installed.
    """
    try:
        pandera = importlib.import_module("pandera.pandas")
    except ModuleNotFoundError as problem:
        raise MissingDependency(
            "A check by a schema needs the package pandera.",
            hint='pip install "jupyter-etl[pandera]"',
        ) from problem
    chosen: Any = schema
    if isinstance(schema, type) and issubclass(schema, pandera.DataFrameModel):
        chosen = chosen.to_schema()
    if not isinstance(chosen, pandera.DataFrameSchema):
        raise DeclarationError(
            f"{type(schema).__name__} is neither rules nor a schema of pandera.",
            hint="Pass text with one rule per line, or a pandera DataFrameSchema.",
        )
    frame = frame.reset_index(drop=True)
    try:
        with user_code_boundary(f"The schema of {dataset}", DeclarationError):
            found = _failures(chosen, frame, pandera.errors.SchemaErrors)
    except DeclarationError as problem:
        problem.hint = problem.hint or "See the checks of the schema."
        raise
    title = chosen.name or "schema"
    if not found:
        rule = CheckRule(text=f"{title} of pandera", kind="schema")
        return [
            CheckResult(
                rule=rule,
                status=CheckStatus.PASS,
                dataset=dataset,
                failed_rows=0,
                total_rows=len(frame),
                message=f"{len(frame):,} rows: {rule.text} holds",
            )
        ]
    return [_result(column, check, places, frame, dataset) for column, check, places in found]


def _failures(
    schema: Any, frame: pd.DataFrame, broken: type[Exception]
) -> list[tuple[str, str, list[int]]]:
    """Return column, check and positions of the failing rows for each failure."""
    try:
        schema.validate(frame, lazy=True)
    except broken as problem:
        cases: pd.DataFrame = problem.failure_cases  # type: ignore[attr-defined]  # pandera's own
        places: dict[tuple[str, str], list[int]] = {}
        for case in cases.to_dict("records"):
            about = "" if case["column"] is None else str(case["column"])
            if case["schema_context"] == "DataFrameSchema" and not about:
                about = str(case["failure_case"])
            rows = places.setdefault((about, str(case["check"])), [])
            if case["index"] is not None and case["index"] == case["index"]:
                rows.append(int(case["index"]))
        return [(column, check, sorted(set(rows))) for (column, check), rows in places.items()]
    return []


def _result(
    column: str, check: str, places: list[int], frame: pd.DataFrame, dataset: str
) -> CheckResult:
    rule = CheckRule(text=f"{column}: {check}".lstrip(": "), kind="schema", column=column or None)
    count = f"{len(places):,} of {len(frame):,} rows" if places else f"{len(frame):,} rows"
    return CheckResult(
        rule=rule,
        status=CheckStatus.ERROR,
        dataset=dataset,
        failed_rows=len(places) if places else None,
        total_rows=len(frame),
        message=f"{count}: {rule.text} is false",
        sample=bounded(_rows(frame, column, places[:SAMPLE_ROWS])),
    )


def _rows(frame: pd.DataFrame, column: str, places: list[int]) -> Iterator[dict[str, str]]:
    names = sorted(map(str, frame.columns), key=lambda name: name != column)[:SAMPLE_COLUMNS]
    for row in frame[names].iloc[places].to_dict("records"):
        yield {
            str(name): "NULL" if value is None or value != value else str(value)[:SAMPLE_CHARACTERS]
            for name, value in row.items()
        }
