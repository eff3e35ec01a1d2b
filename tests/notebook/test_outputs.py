from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from fakes.notebooks import code, text, write_notebook
from jupyter_etl.errors import (
    Conflict,
    DeclarationError,
    EtlError,
    NotFound,
    PermissionDenied,
    PublishError,
)
from jupyter_etl.model import PublicationKind, Retyped, Source
from jupyter_etl.notebook import interactive, kernel_state
from jupyter_etl.notebook.outputs import publish_file, publish_report, publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services import Settings
from jupyter_etl.services.etl import Etl


@pytest.fixture
def names() -> dict[str, Any]:
    return {"day": "2026-01-02"}


def frame(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_a_draft_stands_beside_the_live_version(etl: Etl, session: DataSession) -> None:
    live = publish_table(session, "sales.daily", frame(a=[1, 2], b=[3, 4]), live=True)
    assert live.before is None
    assert live.version is not None
    assert (live.version.number, live.version.draft) == (1, False)
    draft = publish_table(session, "sales.daily", frame(a=[1], c=["x"]))
    assert draft.version is not None
    assert (draft.version.number, draft.version.draft) == (1, True)
    assert draft.before == live.version
    assert draft.added_columns == ("c",)
    assert draft.missing_columns == ("b",)
    assert etl.publications.read("sales.daily").num_rows == 2
    assert etl.publications.read("sales.daily", draft=True).num_rows == 1
    found = etl.publications.get("sales.daily")
    assert (found.owner, found.kind) == ("sam", PublicationKind.TABLE)
    assert [v.number for v in etl.publications.history("sales.daily")] == [1]


def test_a_draft_reports_which_types_change(session: DataSession) -> None:
    publish_table(session, "t", frame(id=[1, 2], amount=[1.0, 2.0]), live=True)
    assert publish_table(session, "t", frame(id=[3], amount=[3.0])).retyped == ()
    draft = publish_table(session, "t", frame(id=[3], amount=["3 EUR"]))
    assert draft.retyped == (Retyped(name="amount", before="double", after="string"),)
    # What an earlier draft was is nothing to a later one.
    assert publish_table(session, "t", frame(id=[3], amount=[3.0])).retyped == ()
    with pytest.raises(PublishError, match="cannot change the type") as caught:
        publish_table(session, "t", frame(id=[3], amount=["3 EUR"]), live=True)
    assert "A run that publishes it is held" in caught.value.hint
    publish_file(session, "t2.csv", frame(a=[1]), live=True)
    assert publish_file(session, "t2.csv", frame(a=["x"])).retyped == ()


def test_interactive_live_publishing_is_recorded(etl: Etl, session: DataSession) -> None:
    for rows in (1, 2, 3):
        publish_table(session, "t", frame(a=list(range(rows))), live=True)
    versions = etl.publications.history("t")
    assert [v.number for v in versions] == [3, 2, 1]
    assert {(v.run_id, v.owner) for v in versions} == {(None, "sam")}
    assert etl.publications.read("t", version=2).num_rows == 2
    with pytest.raises(NotFound) as caught:
        etl.publications.read("t", version=9)
    assert "3, 2, 1" in caught.value.message


def test_modes(etl: Etl, session: DataSession) -> None:
    publish_table(session, "t", frame(id=[1, 2], v=["a", "b"]), live=True)
    publish_table(session, "t", frame(id=[3], v=["c"]), mode="append", live=True)
    publish_table(session, "t", frame(id=[2], v=["B"]), mode="upsert", key=["id"], live=True)
    table = etl.publications.read("t").to_pydict()
    assert dict(zip(table["id"], table["v"], strict=True)) == {1: "a", 2: "B", 3: "c"}
    with pytest.raises(EtlError, match="key"):
        publish_table(session, "t", frame(id=[2], v=["B"]), mode="upsert", live=True)
    for wrong in ({"mode": "merge"}, {"contract": "ice"}):
        with pytest.raises(DeclarationError, match="must be one of"):
            publish_table(session, "t", frame(id=[1]), **wrong)
    assert etl.publications.get("t").live.number == 3


def test_a_frozen_contract_refuses_another_schema(etl: Etl, session: DataSession) -> None:
    publish_table(session, "t", frame(a=[1]), contract="freeze", live=True)
    with pytest.raises(EtlError, match="z"):
        publish_table(session, "t", frame(a=[1], z=[2]), contract="freeze", live=True)
    assert etl.publications.get("t").live.number == 1


@pytest.mark.parametrize(
    ("value", "said"), [(None, "None"), (float("nan"), "nan"), (pd.NaT, "NaT"), (pd.NA, "<NA>")]
)
def test_a_path_with_a_variable_that_has_no_value(
    session: DataSession, names: dict[str, Any], value: object, said: str
) -> None:
    names["r"] = value
    with pytest.raises(DeclarationError, match=f"uses 'r', which is {said}"):
        publish_file(session, "out/{{r}}.csv", frame(a=[1]))


def test_a_variable_that_is_none_is_reported(session: DataSession, names: dict[str, Any]) -> None:
    names["r"] = None
    with pytest.raises(DeclarationError, match="is None, not a frame"):
        publish_table(session, "t", names["r"])
    with pytest.raises(NotFound, match="'r' is None"):
        session.find("r")
    with pytest.raises(NotFound, match="'r' is None"):
        session.access(Source(name="r", kind="frame", location="r")).frame("r")


@pytest.mark.parametrize(
    ("value", "words"),
    [(Decimal("Infinity"), "Infinity"), (float("inf"), ""), (10**80, "76 digits")],
)
def test_numbers_beyond_a_table_name_their_column_and_row(
    session: DataSession, value: object, words: str
) -> None:
    data = pd.DataFrame({"a": pd.Series([1, value], dtype=object)})
    if not words:
        assert publish_table(session, "t", data).staged.columns[0].type == "double"
        return
    with pytest.raises(DeclarationError, match=f"Column 'a' of 't'.*row 2.*{words}"):
        publish_table(session, "t", data)


def test_an_integer_beyond_64_bits_is_a_decimal(session: DataSession) -> None:
    data = pd.DataFrame({"a": pd.Series([2**70, 1], dtype=object)})
    assert publish_table(session, "t", data).staged.columns[0].type == "decimal128(38, 0)"


def test_arrow_readers_get_plain_types_too(session: DataSession) -> None:
    uuids = pa.table({"u": pa.array([b"0" * 16], pa.uuid())})
    assert publish_table(session, "t", uuids.to_reader()).staged.columns[0].type == "string"


def test_a_file_in_the_format_of_its_name(etl: Etl, session: DataSession) -> None:
    done = publish_file(session, "out/{{day}}.csv", frame(a=[1, 2]), live=True)
    assert done.staged.name == "out"
    path = etl.publications.file("out")
    assert path.name == "2026-01-02.csv"
    assert path.read_text().splitlines()[0].strip('"') == "a"
    named = publish_file(session, "x.parquet", frame(a=[1]), name="my.file", live=True)
    assert named.staged.name == "my.file"
    assert pd.read_parquet(etl.publications.file("my.file"))["a"].tolist() == [1]


def test_a_file_that_the_notebook_wrote(etl: Etl, session: DataSession, here: Path) -> None:
    (here / "model.bin").write_bytes(b"\x00\x01")
    publish_file(session, "model.bin", live=True)
    assert etl.publications.file("model").read_bytes() == b"\x00\x01"
    with pytest.raises(EtlError, match=r"absent\.bin"):
        publish_file(session, "absent.bin", live=True)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "json", "jsonl", "xlsx", "parquet"])
def test_every_reader_gets_what_was_published_as_a_file(
    etl: Etl, session: DataSession, ending: str
) -> None:
    rows = pa.table(
        {
            "us": ["01/02/2026", "NA", None],
            "amount": pa.array(
                [Decimal("12345678901234567890.12"), None, Decimal("0.10")], pa.decimal128(38, 2)
            ),
        }
    )
    publish_file(session, f"x.{ending}", rows, name="x", live=True)
    assert etl.publications.read("x").equals(rows)
    assert etl.publications.read("x", columns=["amount"], limit=1).num_rows == 1
    assert etl.publications.preview("x", limit=3).data.equals(rows)
    assert session.load("x", as_="arrow").equals(rows)
    session.declare("again", "publication:x")
    assert session.load("again", as_="arrow").equals(rows)
    publish_file(session, f"x.{ending}", rows, name="x", live=True)
    difference = etl.publications.diff("x").difference
    assert (difference.added, difference.rows_before, difference.rows_after) == ((), 3, 3)


@pytest.mark.parametrize("ending", ["csv", "json", "xlsx"])
def test_a_table_that_the_notebook_wrote_is_read_like_a_source(
    etl: Etl, session: DataSession, here: Path, ending: str
) -> None:
    written = frame(zip=["01234", "00501"], n=[1, 2])
    if ending == "csv":
        written.to_csv(here / "own.csv", index=False)
    elif ending == "json":
        written.to_json(here / "own.json", orient="records")
    else:
        written.to_excel(here / "own.xlsx", index=False)
    publish_file(session, f"own.{ending}", live=True)
    read = etl.publications.read("own")
    assert read.to_pydict() == {"zip": ["01234", "00501"], "n": [1, 2]}
    assert etl.publications.reader("own", columns=["n"], limit=1).version == "1"
    assert etl.publications.read("own", columns=["n"], limit=1).to_pydict() == {"n": [1]}


@pytest.mark.parametrize("path", ["/etc/x.csv", "../x.csv", "a/../../x.csv", "{{up}}/x.csv"])
def test_a_path_outside_is_refused(
    etl: Etl, session: DataSession, names: dict[str, Any], path: str, tmp_path: Path
) -> None:
    names["up"] = "../.."
    with pytest.raises(DeclarationError) as caught:
        publish_file(session, path, frame(a=[1]), name="x", live=True)
    assert "x.csv" in caught.value.message
    assert etl.publications.list() == []
    assert not list(tmp_path.rglob("x.csv"))


def test_a_template_names_a_variable(session: DataSession) -> None:
    with pytest.raises(DeclarationError) as caught:
        publish_file(session, "{{dya}}.csv", frame(a=[1]))
    assert "'dya'" in caught.value.message
    assert "day" in caught.value.message
    with pytest.raises(DeclarationError, match="__import__"):
        publish_file(session, "{{__import__('os')}}.csv", frame(a=[1]))


def test_a_file_is_named_after_the_interval_of_its_run(
    etl: Etl, session: DataSession, names: dict[str, Any]
) -> None:
    publish_file(session, "out/{{start}}.csv", frame(a=[1]), live=True)
    assert etl.publications.file("out").name == f"{session.context.start:%Y-%m-%d}.csv"
    names["start"] = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=1)))
    publish_file(session, "out/{{start}}.csv", frame(a=[1]), live=True)
    assert etl.publications.file("out").name == "2026-10-25T023000+0100.csv"


@pytest.mark.slow
def test_a_report_of_the_saved_notebook(
    etl: Etl, session: DataSession, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeclarationError) as caught:
        publish_report(session, "Daily sales")
    assert "jupyter etl run" in caught.value.hint
    kernel_state.close()
    output = {"output_type": "stream", "name": "stdout", "text": "said <b>this</b>"}
    cell = {**code("print('secret code')"), "outputs": [output]}
    write_notebook(here / "brief.ipynb", text("# Hello"), cell)
    monkeypatch.setenv("JPY_SESSION_NAME", "brief.ipynb")
    session = kernel_state.data_session({})
    done = publish_report(session, "Daily sales", hide_code=True, live=True)
    assert done.staged.name == "daily-sales"
    page = etl.publications.file("daily-sales").read_text()
    assert "Daily sales" in page
    assert "said &lt;b&gt;this" in page
    assert "secret code" not in page
    assert etl.publications.get("daily-sales").live.pipeline == "brief"
    assert publish_report(session, "Other", name="my.report").staged.name == "my.report"


def test_a_name_of_another_owner(etl: Etl, session: DataSession) -> None:
    publish_table(session, "t", frame(a=[1]), live=True)
    kernel_state.close()
    other = Etl.open(Settings.from_env(owner="kim"))
    from jupyter_etl.notebook.interactive import InteractiveChannel

    line = InteractiveChannel(other, notebook=lambda: None)
    kims = DataSession(line, namespace={}, base=Path.cwd(), secret=str)
    with pytest.raises(PermissionDenied) as caught:
        publish_table(kims, "t", frame(a=[2]), live=True)
    line.close()
    other.close()
    assert "'t'" in caught.value.message
    assert "sam" in caught.value.message
    assert etl.publications.read("t")["a"].to_pylist() == [1]


def test_a_saved_notebook_is_read_once_for_each_save(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    inner = interactive.read_notebook
    monkeypatch.setattr(interactive, "read_notebook", lambda path: read.append(path) or inner(path))
    notebook = write_notebook(here / "saved.ipynb", "%etl publish table t df")
    line = interactive.InteractiveChannel(etl, notebook=lambda: notebook)
    assert [dict(line.context.outputs) for _ in range(3)] == [{"df": "t"}] * 3
    write_notebook(notebook, "%etl publish table other df  # saved again")
    assert dict(line.context.outputs) == {"df": "other"}
    line.close()
    assert read == [notebook, notebook]


def test_a_name_of_another_kind(etl: Etl, session: DataSession) -> None:
    publish_table(session, "t", frame(a=[1]), live=True)
    with pytest.raises(Conflict, match="table"):
        publish_file(session, "t.csv", frame(a=[1]), live=True)
    assert etl.publications.get("t").live.number == 1


def test_what_no_table_holds(etl: Etl, session: DataSession) -> None:
    with pytest.raises(DeclarationError, match="not a frame"):
        publish_table(session, "t", 3)
    with pytest.raises(EtlError) as caught:
        publish_table(session, "../t", frame(a=[1]))
    assert "../t" in caught.value.message
    with pytest.raises(PublishError, match="no columns"):
        publish_table(session, "empty", pd.DataFrame())
    assert etl.publications.list() == []


def test_no_write_permission_on_the_lake(
    home: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A lake below a regular file: root ignores modes, and nobody writes there.
    (here / "file").write_text("x")
    monkeypatch.setenv("JUPYTER_ETL_LAKE", str(here / "file" / "lake"))
    session = kernel_state.data_session({})
    with pytest.raises(PublishError) as caught:
        publish_table(session, "t", frame(a=[1]), live=True)
    assert str(here / "file") in caught.value.message
    etl = kernel_state.open_etl()
    assert etl.publications.list() == []


def test_interactively_the_reasons_to_hold_a_run_are_shown(session: DataSession) -> None:
    days = frame(day=[1, 1, 2], amount=[1, 2, 3])
    first = publish_table(session, "t", days, partition_by=["day"], live=True)
    assert first.findings == ()
    renamed = days.rename(columns={"amount": "amount_eur"})
    draft = publish_table(session, "t", renamed, partition_by=["day"])
    assert draft.findings == (
        "column 'amount' is absent (new: 'amount_eur'), but version 1 has 3 values in day=1; "
        "day=2; --allow amount allows this",
    )
    allowed = publish_table(session, "t", renamed, partition_by=["day"], allow=["amount"])
    assert allowed.findings == ()
    assert publish_table(session, "t", renamed, partition_by=["day"], allow="amount").findings == ()
    fewer = publish_table(session, "t", frame(day=[2], amount=[3]), partition_by=["day"])
    assert fewer.findings == ()
    assert publish_table(session, "t", days.head(0), partition_by=["day"]).findings == (
        "it is empty, so that no partition is replaced, and version 1 has 3 rows",
    )


@pytest.mark.parametrize("live", [False, True])
def test_interactively_no_secret_is_published(
    etl: Etl, session: DataSession, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_API_KEY", "c4nary-of-the-warehouse")
    leak = frame(url=["a", f"key={session.channel.secret('api_key')}"])
    with pytest.raises(
        PublishError, match=r"1 row of the column 'url' contains .* 'api_key'"
    ) as reported:
        publish_table(session, "t", leak, live=live)
    assert "c4nary" not in str(reported.value)
    assert etl.publications.list() == []
