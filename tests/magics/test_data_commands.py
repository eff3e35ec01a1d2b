"""Sources, loading, SQL, checks and parameters as a person types them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from fakes.shell import Notebook
from jupyter_etl.errors import CheckFailed, DeclarationError, NotFound
from jupyter_etl.notebook import kernel_state


@pytest.fixture
def trips(notebook: Notebook, here: Path) -> Notebook:
    (here / "trips.csv").write_text("id,fare,note\n1,4.5,<b>x</b>\n2,,a|b\n")
    notebook.run("%etl source trips trips.csv")
    return notebook


def test_declaring_a_source(notebook: Notebook, here: Path) -> None:
    limited = notebook.card("%etl source trips data/*.csv --limit 2").text
    assert limited.splitlines()[0].endswith(", 2 runs at once")
    card = notebook.card("%etl source trips data/*.csv --readonly")
    assert card.text.startswith("! trips: csv")
    assert "read only" in card.text
    assert card.metadata == {"jupyter_etl": {"card": True}}
    listed = notebook.card("%etl sources")
    assert "1 source" in listed.text
    assert "trips" in listed.text
    assert "sam" in listed.text


@pytest.mark.parametrize(
    ("location", "note"),
    [
        ("trips.csv", "trips.csv does not exist yet."),
        ("tripz.csv", "tripz.csv does not exist yet. Did you mean 'trip.csv'?"),
        ("data/*.csv", "No file matches data/*.csv yet."),
        ("wh.db", "wh.db does not exist yet."),
        ("sqlite:///wh.db", "sqlite:///wh.db does not exist yet."),
        ("trip.csv", ""),
        ("*.csv", ""),
        (".", ""),
        ("https://data.example/x.csv", ""),
        ("s3://lake/x.csv", ""),
        ("frame:orders", ""),
        ("postgresql://db.example/sales", ""),
    ],
)
def test_a_file_that_does_not_exist_yet_is_reported(
    notebook: Notebook, here: Path, location: str, note: str
) -> None:
    here.joinpath("trip.csv").write_text("n\n1\n")
    if location == "trips.csv":
        here.joinpath("trip.csv").unlink()  # else its name would be suggested
    card = notebook.card(f"%etl source trips {location}")
    assert card.text.startswith("! trips: " if note else "✓ trips: ")
    assert card.text.splitlines()[1:] == ([note] if note else [])


def test_an_option_that_there_is_not_is_refused_at_once(notebook: Notebook, here: Path) -> None:
    _, said = notebook.fails("%etl source semi semi.csv --option delimeter=;")
    assert "csv has no option 'delimeter'" in said
    assert "Did you mean 'delimiter'?" in said
    assert "semi" not in notebook.card("%etl sources").text


def test_options_reach_the_connector(notebook: Notebook, here: Path) -> None:
    (here / "r.json").write_text('{"data": {"rates": [{"a": 1}, {"a": 2}]}}')
    notebook.run("%etl source rates r.json --json data.rates")
    notebook.run("x = %etl load rates")
    assert notebook.names["x"]["a"].tolist() == [1, 2]
    (here / "semi.csv").write_text("a;b\n1;2\n")
    notebook.run("%etl source semi semi.csv --delimiter ;")
    notebook.run("y = %etl load semi")
    assert list(notebook.names["y"].columns) == ["a", "b"]


def test_empty_lists_show_the_next_step(notebook: Notebook) -> None:
    assert "%etl source" in notebook.card("%etl sources").text
    assert "%etl publish" in notebook.card("%etl published").text
    assert "There are no runs yet" in notebook.card("%etl runs").text
    assert "%etl schedule" in notebook.card("%etl pipelines").text


def test_loading_into_a_variable(trips: Notebook) -> None:
    assert trips.run("df = %etl load trips") == []
    assert trips.names["df"].shape == (2, 3)
    trips.run("t = %etl load trips --columns fare,id -n 1 --as arrow")
    assert trips.names["t"].to_pydict() == {"fare": [4.5], "id": [1]}
    trips.run("%etl load trips")
    assert isinstance(trips.results[-1], pd.DataFrame)


def test_describe_and_preview_escape_what_they_show(trips: Notebook) -> None:
    columns = trips.card("%etl describe trips")
    assert "3 columns" in columns.text
    rows = trips.card("%etl preview trips -n 1")
    assert "<b>x</b>" in rows.text
    assert "&lt;b&gt;x&lt;/b&gt;" in rows.html
    assert "<b>x" not in rows.html
    assert "1 of 2" in rows.text
    assert "All 2 rows" in trips.card("%etl preview trips").text


def test_titles_and_headings_are_escaped(notebook: Notebook, here: Path) -> None:
    (here / "x.csv").write_text("<script>alert(1)</script>\n1\n")
    notebook.run("%etl source x x.csv")
    for line in ("%etl preview x", "%etl describe x"):
        assert "<script>" not in notebook.card(line).html
    notebook.names["evil"] = "<img src=x onerror=y>"
    assert "<img" not in notebook.card("%etl param evil_one = '<img src=x>'").html


def test_sql_in_a_source_is_stored_or_shown(notebook: Notebook, here: Path) -> None:
    connection = sqlite3.connect(here / "wh.db")
    with connection:
        connection.execute("create table orders (id integer, day text)")
        connection.execute("insert into orders values (1, '2026-01-01'), (2, '2026-01-02')")
    connection.close()
    notebook.run(f"%etl source wh sqlite:///{here / 'wh.db'}")
    notebook.names["day"] = "2026-01-02"
    card = notebook.card("%%etl sql wh orders <<\nselect * from orders where day = {{day}}")
    assert card.text.startswith("✓ orders: 1 rows, 2 columns from wh in ")
    assert notebook.names["orders"]["id"].tolist() == [2]
    assert notebook.results[-1] is None
    notebook.run("%%etl sql wh orders << --show\nselect * from orders")
    assert len(notebook.results[-1]) == 2
    notebook.run("%%etl sql wh\nselect count(*) as n from orders")
    assert notebook.results[-1]["n"].tolist() == [2]
    notebook.run('n = %etl sql wh "select 7 as n"')
    assert notebook.names["n"]["n"].tolist() == [7]
    notebook.run("m = %etl load wh.orders")
    assert len(notebook.names["m"]) == 2
    tables = notebook.card("%etl describe wh.orders")
    assert "day" in tables.text


def test_nothing_but_the_template_is_expanded(notebook: Notebook) -> None:
    notebook.names["x"] = "expanded"
    notebook.run("%%etl sql local r <<\nselect '{x} $x' as a, {{x}} as b")
    assert notebook.names["r"].to_dict("records") == [{"a": "{x} $x", "b": "expanded"}]
    notebook.run("%etl source s {x}.csv")
    assert "{x}.csv" in notebook.card("%etl sources").text
    card = notebook.card("%etl param greeting str = $x {x}")
    assert notebook.names["greeting"] == "$x {x}", card.text


def test_sql_over_the_frames_here(notebook: Notebook) -> None:
    notebook.run("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3]})\nleast = 2")
    notebook.run("%%etl sql local big << -p least=3\nselect a from df where a >= {{least}}")
    assert notebook.names["big"]["a"].tolist() == [3]


def test_checks_show_every_rule(notebook: Notebook) -> None:
    notebook.names["orders"] = pd.DataFrame({"id": [1, 2], "amount": [1, -1]})
    card = notebook.card("%%etl check orders\nid: unique, not null\namount >= 0 : warn")
    assert "2 pass, 1 warn" in card.text
    assert "over 2 rows" in card.text
    assert "✓ pass" in card.text
    assert "! warn" in card.text


def test_a_broken_check_is_shown_and_stops_the_cell(notebook: Notebook) -> None:
    notebook.names["orders"] = pd.DataFrame({"id": [1, 1]})
    problem, said = notebook.fails("%%etl check orders\nrows > 0\nid: unique")
    assert isinstance(problem, CheckFailed)
    (card,) = notebook.shown
    assert "✗ error" in card.text
    assert "✓ pass" in card.text
    assert "1 of 2 checks of orders failed" in said
    assert "Next: " in said


def test_a_parameter_becomes_a_variable(notebook: Notebook) -> None:
    card = notebook.card("%etl param day date = 2026-02-01  # the day")
    assert notebook.names["day"] == dt.date(2026, 2, 1)
    assert card.text.startswith("✓ day = ")


def test_errors_are_one_sentence_and_debug_shows_the_trace(notebook: Notebook) -> None:
    assert "No %etl command has failed yet" in notebook.card("%etl debug").text
    problem, said = notebook.fails("%etl load trups")
    assert isinstance(problem, NotFound)
    assert said.count("\n") <= 4
    assert "There is no source, publication or variable 'trups'." in said
    assert "Next: Declare it: %etl source trups LOCATION" in said
    assert "Traceback" not in said
    notebook.run("%etl debug")
    trace = "".join(notebook.capsys.readouterr())
    assert "Traceback" in trace
    assert "NotFound" in trace


def test_other_errors_keep_their_trace(notebook: Notebook) -> None:
    _, said = notebook.fails("1 / 0")
    assert "Traceback" in said


def test_typos_get_the_nearest(trips: Notebook) -> None:
    problem, said = trips.fails("%etl laod trips")
    assert isinstance(problem, DeclarationError)
    assert "'load'" in said
    assert "'trips'" in trips.fails("%etl load trip")[1]
    assert "--limit" in trips.fails("%etl load trips --limt 3")[1]
    trips.names["orders"] = pd.DataFrame({"a": [1]})
    assert "'orders'" in trips.fails("%etl publish table a.b order")[1]


def test_the_guide_and_the_help(notebook: Notebook) -> None:
    guide = notebook.printed("%etl")
    assert "publish table" in guide
    assert len(guide.splitlines()) <= 56
    for line in ("%etl load -h", "%etl help load", "%etl load --help"):
        usage = notebook.printed(line)
        assert usage.startswith("%etl load TARGET")
        assert "--columns" in usage


def test_registering_twice_is_registering_once(notebook: Notebook) -> None:
    notebook.run("%load_ext jupyter_etl")
    notebook.run("%reload_ext jupyter_etl")
    assert notebook.complete("%etl unsch") == ["unschedule"]


class TestCompletion:
    """What the Tab key offers."""

    def test_commands_and_forms(self, notebook: Notebook) -> None:
        assert {
            "sample",
            "secret",
            "sql",
            "source",
            "sources",
            "schedule",
            "split",
            "status",
        } == set(notebook.complete("%etl s"))
        forms = ["table", "file", "report", "query", "function"]
        assert notebook.complete("%etl publish ") == forms
        assert notebook.complete("%%etl che") == ["check"]
        assert "load" in notebook.complete("x = %etl lo")

    def test_options_and_choices(self, notebook: Notebook) -> None:
        assert "--columns" in notebook.complete("%etl load t --co")
        assert notebook.complete("%etl publish table a b --mode ") == [
            "replace",
            "append",
            "upsert",
        ]

    def test_names_of_the_catalogue(self, trips: Notebook, here: Path) -> None:
        sqlite3.connect(here / "wh.db").execute("create table orders (id int)").connection.close()
        trips.run(f"%etl source wh sqlite:///{here / 'wh.db'}")
        trips.names["frame"] = pd.DataFrame({"alpha": [1], "beta": [2]})
        trips.run("%etl publish table sales.daily frame")
        assert {"trips", "wh"} <= set(trips.complete("%etl load "))
        kernel_state.known_tables().wait_s = 60
        assert "wh.orders" in trips.complete("%etl load wh.")
        assert "sales.daily" in trips.complete("%etl load sa")
        assert {"local", "wh"} <= set(trips.complete("%%etl sql "))
        assert trips.complete("%etl history sal") == ["sales.daily"]
        assert "frame" in trips.complete("%etl publish table x fr")
        assert "alpha" in trips.complete("%etl publish table x frame --key al")
        assert "beta" in trips.complete("%etl publish table x frame --key alpha,be")
        assert "Europe/Paris" in trips.complete('%etl schedule "@daily" --tz Europe/Par')

    def test_a_ledger_out_of_reach_offers_less(
        self, notebook: Notebook, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from jupyter_etl.notebook import kernel_state

        kernel_state.close()
        (here / "file").write_text("x" * 2000)
        monkeypatch.setenv("JUPYTER_ETL_LEDGER", f"sqlite:///{here / 'file'}")
        assert notebook.complete("%etl load --li") == ["--limit"]
        assert "local" not in notebook.complete("%%etl sql lo")


def test_publishing_what_is_new_in_a_source(trips: Notebook) -> None:
    _, shown = trips.fails("%etl publish table all.trips trips --since id")
    assert "--mode append" in shown
    trips.run("%etl publish table all.trips trips --since id --mode append")
    assert "2 rows after the start up to 2; interactive" in trips.capsys.readouterr().out
