"""Types of parameters in Python code, and the code that creates their values."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.notebooks.cells import parameters_in_python
from jupyter_etl.language.parameters.injection import inject_types
from jupyter_etl.language.parameters.typed_code import annotated_type, is_naive, made_type
from jupyter_etl.model import Parameter, ParameterType

AT = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
ID = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("date(2026, 1, 1)", "date"),
        ("datetime.date(2026, 1, 1)", "date"),
        ("dt.date.today()", "date"),
        ("date.fromisoformat('2026-01-01')", "date"),
        ("datetime.now().date()", "date"),
        ("date.today() - timedelta(days=1)", "date"),
        ("date.today() - BDay(1)", "date"),
        ("date(2026, 1, 1).replace(day=2)", "date"),
        ("datetime.strptime('2026', '%Y').date()", "date"),
        ("date.min", "date"),
        ("datetime(2026, 1, 1)", "datetime"),
        ("datetime.datetime.now(datetime.timezone.utc)", "datetime"),
        ("datetime.combine(date.today(), time())", "datetime"),
        ("pd.Timestamp('2026-01-01', tz='UTC')", "datetime"),
        ("pandas.to_datetime('2026-01-01')", "datetime"),
        ("datetime.now() if True else None", "datetime"),
        ("time(6, 30)", "time"),
        ("datetime.time(6)", "time"),
        ("datetime.now().time()", "time"),
        ("timedelta(hours=2)", "timedelta"),
        ("-timedelta(hours=2)", "timedelta"),
        ("2 * datetime.timedelta(hours=2)", "timedelta"),
        ("date(2026, 1, 2) - date(2026, 1, 1)", "timedelta"),
        ("Decimal('1.5')", "decimal"),
        ("decimal.Decimal('1.5') * 2", "decimal"),
        ("Decimal('1.234').quantize(Decimal('0.01'))", "decimal"),
        ("Path('data') / 'a.csv'", "path"),
        ("pathlib.Path.home()", "path"),
        ("Path('data').parent", "path"),
        ("PosixPath('data')", "path"),
        (f"UUID('{ID}')", "uuid"),
        ("uuid.uuid4()", "uuid"),
        ("time()", None),
        ("time.time()", None),
        ("date.today().isoformat()", None),
        ("datetime.now().year", None),
        ("timedelta(2) / timedelta(1)", None),
        ("str(Path('a'))", None),
        ("len(x)", None),
        ("f'{date.today()}'", None),
        ("x +", None),
        ("", None),
    ],
)
def test_the_type_of_what_code_makes(code: str, kind: str | None) -> None:
    assert made_type(code) == (kind and ParameterType(kind))


@pytest.mark.parametrize(
    ("annotation", "kind", "optional"),
    [
        ("date", "date", False),
        ("datetime.date", "date", False),
        ("dt.datetime", "datetime", False),
        ("'datetime'", "datetime", False),
        ("Optional[date]", "date", True),
        ("typing.Optional['date']", "date", True),
        ("date | None", "date", True),
        ("None | Decimal", "decimal", True),
        ("Union[Path, None]", "path", True),
        ("Union[str, int]", None, False),
        ("int | str", None, False),
        ("Annotated[UUID, 'of the order']", "uuid", False),
        ("Final[timedelta]", "timedelta", False),
        ("list[int | str]", "list", False),
        ("dict[str, date]", "dict", False),
        ("time", "time", False),
        ("Literal['a', 'b']", None, False),
        ("Widget", None, False),
        ("Any", "any", False),
        ("1 +", None, False),
        ("", None, False),
    ],
)
def test_annotations(annotation: str, kind: str | None, optional: bool) -> None:
    assert annotated_type(annotation) == (kind and ParameterType(kind), optional)


@pytest.mark.parametrize(
    ("code", "naive"),
    [
        ("datetime(2026, 1, 1)", True),
        ("datetime.utcnow()", True),
        ("pd.Timestamp('2026-01-01')", True),
        ("datetime(2026, 1, 1, tzinfo=UTC)", False),
        ("datetime.now(timezone.utc)", False),
        ("datetime.now().astimezone()", False),
        ("datetime.fromisoformat('2026-01-01T00:00+01:00')", False),
        ("datetime.fromisoformat('2026-01-01T00:00Z')", False),
        ("pd.Timestamp.now(tz='Europe/Paris')", False),
        ("date(2026, 1, 1)", False),
        ("None", False),
    ],
)
def test_naive_datetimes(code: str, naive: bool) -> None:
    assert is_naive(code) is naive


DECLARED = """
import datetime, decimal
from datetime import date
from pathlib import Path
day: date = date(2026, 1, 1)
shift = datetime.time(6)
lag = datetime.timedelta(hours=1)
rate = decimal.Decimal("1.10")
where = Path("data") / "a.csv"
order: "UUID | None" = None
at = datetime.datetime(2026, 1, 1)
zoned = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
stamp = pd.Timestamp("2026-01-01")
word = "a"
spelled: date = "2026-01-01"
n = 3
"""
GIVEN = {
    "day": "2026-02-03",
    "shift": "07:15",
    "lag": "1 day, 2:00:00",
    "rate": "-12.3400",
    "where": 'out/it\'s "one".csv',
    "order": ID,
    "at": "2026-02-03T04:05:06.000007",
    "zoned": "2026-02-03T04:05:00+01:00",
    "stamp": "2026-02-03",
    "word": "date(2026, 1, 1)",
    "spelled": "2026-02-03",
    "n": 4,
}
EXPECTED = {
    "day": dt.date(2026, 2, 3),
    "shift": dt.time(7, 15),
    "lag": dt.timedelta(days=1, hours=2),
    "rate": Decimal("-12.3400"),
    "where": Path('out/it\'s "one".csv'),
    "order": UUID(ID),
    "at": datetime(2026, 2, 3, 4, 5, 6, 7),  # noqa: DTZ001
    "zoned": datetime(2026, 2, 3, 3, 5, tzinfo=UTC),
    "stamp": pd.Timestamp("2026-02-03"),
    "word": "date(2026, 1, 1)",
    "spelled": "2026-02-03",
    "n": 4,
}


def injected(values: dict[str, object]) -> list[dict[str, Any]]:
    lines = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    return [
        {"source": "x = 1", "metadata": {}},
        {"source": f"# Parameters\n{lines}\n", "metadata": {"tags": ["injected-parameters"]}},
    ]


def test_values_have_the_type_of_the_default_and_no_name_is_taken() -> None:
    declared, _ = parameters_in_python(DECLARED)
    cells = injected(GIVEN)
    inject_types(cells, declared, GIVEN, at=AT)
    names: dict[str, Any] = {"date": "mine", "datetime": "mine", "Path": "mine"}
    exec(cells[1]["source"], names)  # noqa: S102 - as a kernel does
    assert names.pop("__builtins__")
    assert names == {"date": "mine", "datetime": "mine", "Path": "mine", **EXPECTED}
    assert {name: type(names[name]) for name in EXPECTED} == {
        name: type(value) for name, value in EXPECTED.items()
    }
    assert str(names["rate"]) == "-12.3400"
    assert cells[1]["source"].startswith("# Parameters\nday = ")
    assert '.date.fromisoformat("2026-02-03")' in cells[1]["source"]
    assert cells[0]["source"] == "x = 1"


def test_none_and_values_over_lines() -> None:
    declared = (Parameter(name="day", type=ParameterType.DATE, default="None"),)
    cells = injected({})
    cells[1]["source"] = "names = [\n    'a',\n]\nday = 'None'\nother = (\n    1\n)"
    inject_types(cells, declared, {"day": "None", "names": ["a"]}, at=AT)
    assert cells[1]["source"] == "names = [\n    'a',\n]\nday = None\nother = (\n    1\n)"


def test_a_notebook_without_injected_cell_or_typed_parameter_stays() -> None:
    declared, _ = parameters_in_python(DECLARED)
    for cells, given in (
        ([{"source": "day = 1", "metadata": {}}], GIVEN),
        (injected({"n": 4}), {"n": 4}),
    ):
        before = [dict(cell) for cell in cells]
        inject_types(cells, declared, given, at=AT)
        assert cells == before


def test_a_text_of_another_type_is_refused_by_name() -> None:
    declared, _ = parameters_in_python(DECLARED)
    with pytest.raises(DeclarationError, match="'rate' takes decimal, but got '1,5'") as caught:
        inject_types(injected({"rate": "1,5"}), declared, {"rate": "1,5"}, at=AT)
    assert "rate=19.90" in caught.value.hint
