from __future__ import annotations

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.data import LoadRequest, SourceRequest, SourcesRequest
from jupyter_etl.language.commands.publications import PublishTableRequest
from jupyter_etl.language.commands.queries import CheckRequest, ParamRequest, SqlRequest
from jupyter_etl.language.notebooks.notebook import parse_notebook, snapshot_of
from jupyter_etl.model import Parameter, ParameterType, PublishMode


def _code(source: str, *, tags: list[str] | None = None, **more: object) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": "c1",
        "source": source,
        "metadata": {"tags": tags} if tags else {},
        "outputs": [],
        "execution_count": None,
        **more,
    }


def _notebook(*cells: dict[str, object], **metadata: object) -> str:
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, **metadata}
    return json.dumps({"cells": list(cells), "metadata": spec, "nbformat": 4, "nbformat_minor": 5})


def test_cells_kernel_language() -> None:
    outline = parse_notebook(
        _notebook(
            {"cell_type": "markdown", "source": ["# A\n", "b"], "metadata": {}},
            _code("x = 1", tags=["keep"]),
            language_info={"name": "Python"},
        )
    )
    assert [(c.index, c.kind, c.source, c.tags) for c in outline.cells] == [
        (0, "markdown", "# A\nb", ()),
        (1, "code", "x = 1", ("keep",)),
    ]
    assert (outline.kernel, outline.language, outline.notes) == ("python3", "python", ())


def test_without_a_kernel_python3_is_assumed_and_reported() -> None:
    outline = parse_notebook(json.dumps({"cells": [], "metadata": {}, "nbformat": 4}))
    assert outline.kernel is None
    assert outline.language == "python"
    assert outline.notes == ("The notebook has no kernel; python3 is used.",)


PARAMETERS = """\
# the parameters
day = "2026-01-01"  # the day to load
n: int = 5
r: "Optional[float]" = None  # ratio
start: datetime.date = date(2026, 1, 1)
names: list[str] = ["a", "b"]
limit = 10 # type: float # how many
since = datetime.now() - timedelta(days=1)
flag = True
a = b = 2
x: int | None = None
%matplotlib inline
"""


def test_the_parameters_cell() -> None:
    outline = parse_notebook(_notebook(_code("import a"), _code(PARAMETERS, tags=["parameters"])))
    assert outline.parameters == tuple(
        Parameter(
            name=name,
            type=ParameterType(kind),
            default=default,
            help=text,
            optional=name in ("r", "x"),
        )
        for name, kind, default, text in [
            ("day", "str", '"2026-01-01"', "the day to load"),
            ("n", "int", "5", ""),
            ("r", "float", "None", "ratio"),
            ("start", "date", "date(2026, 1, 1)", ""),
            ("names", "list", '["a", "b"]', ""),
            ("limit", "float", "10", "how many"),
            ("since", "datetime", "datetime.now() - timedelta(days=1)", ""),
            ("flag", "bool", "True", ""),
            ("a", "int", "2", ""),
            ("b", "int", "2", ""),
            ("x", "int", "None", ""),
        ]
    )
    assert outline.notes == ()


def test_only_the_first_tagged_cell_counts() -> None:
    outline = parse_notebook(
        _notebook(_code("a = 1", tags=["parameters"]), _code("b = 1", tags=["parameters"]))
    )
    assert [p.name for p in outline.parameters] == ["a"]
    assert (
        "2 cells have the tag 'parameters'; only the first one, cell 1, is used." in outline.notes
    )


def test_a_broken_parameters_cell_is_a_note() -> None:
    outline = parse_notebook(_notebook(_code("a = (", tags=["parameters"])))
    assert outline.parameters == ()
    assert outline.notes[0].startswith("Cell 1: The parameters cell is not valid Python")


def test_parameters_by_command_and_call() -> None:
    outline = parse_notebook(
        _notebook(
            _code("day = 1\nn = 2", tags=["parameters"]),
            _code("%etl param day date = yesterday  # the day\netl.param('k int = 1')"),
        )
    )
    assert outline.parameters == (
        Parameter(
            name="day",
            type=ParameterType.DATE,
            default="yesterday",
            origin="command",
            help="the day",
        ),
        Parameter(name="n", type=ParameterType.INT, default="2"),
        Parameter(name="k", type=ParameterType.INT, default="1", origin="command"),
    )


def test_parameters_of_another_language() -> None:
    outline = parse_notebook(
        _notebook(
            _code("x <- 1 # how\ny=2; echo $y\n%etl nonsense", tags=["parameters"]),
            kernelspec={"name": "ir", "language": "R"},
        )
    )
    assert (outline.kernel, outline.language) == ("ir", "r")
    assert [(p.name, p.default) for p in outline.parameters] == [("x", "1"), ("y", "2")]
    assert outline.commands == ()


COMMANDS = '''\
import pandas as pd
%etl source trips data/*.parquet   # here
orders = %etl load trips --limit 5
text = """
%etl source not_this x.csv
"""
# %etl source nor_this x.csv
if True:
    %etl publish table sales.daily orders \\
        --mode append
%matplotlib inline
!ls
%etl?
%etlx
x = 7 %etl
'''


def test_commands_in_lines() -> None:
    outline = parse_notebook(_notebook(_code("1"), _code(COMMANDS)))
    (_, source), *others = outline.commands
    assert isinstance(source, SourceRequest)
    assert source.location == "data/*.parquet"
    assert others == [
        (1, LoadRequest(target="trips", limit=5)),
        (1, PublishTableRequest(name="sales.daily", data="orders", mode=PublishMode.APPEND)),
    ]
    assert outline.notes == ()


def test_commands_in_a_cell_that_is_no_python_otherwise() -> None:
    outline = parse_notebook(_notebook(_code("x = (\n%etl source trips a.csv")))
    assert outline.commands == ((0, SourceRequest(name="trips", location="a.csv")),)


def test_cell_commands() -> None:
    outline = parse_notebook(
        _notebook(
            _code("%%etl sql wh orders <<\nselect 1\n"),
            _code("\n%%etl check orders\nid: unique"),
            _code("%%bash\n%etl sources"),
            _code("%%time\n%etl sources"),
        )
    )
    assert outline.commands == (
        (0, SqlRequest(source="wh", target="orders", cell="select 1\n")),
        (1, CheckRequest(name="orders", cell="id: unique")),
    )


def test_broken_commands_are_notes() -> None:
    outline = parse_notebook(
        _notebook(_code("%etl sorce trips a.csv\n%etl sources\n%etl param n int = x"))
    )
    requests = [request for _, request in outline.commands]
    assert requests == [SourcesRequest(), ParamRequest(text="n int = x")]
    assert "Cell 1: %etl sorce trips a.csv: There is no command 'sorce'." in outline.notes[0]
    assert "'n' takes int" in outline.notes[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["'a.ipynb' is empty", "save it"]),
        (" \n", ["is empty"]),
        ("hello", ["not valid JSON", "line 1, column 1"]),
        ('{"cells": [', ["not valid JSON", "truncated"]),
        ('{"cells": [{"source": "abc', ["not valid JSON", "truncated"]),
        ('{\n<<<<<<< HEAD\n"cells": []}', ["not valid JSON", "line 2", "merge conflict"]),
        ("[]", ["not a notebook", ".ipynb"]),
        ('{"a": 1}', ["not a notebook"]),
        ('{"worksheets": [], "nbformat": 3}', ["old format 3", "nbconvert", "a.ipynb"]),
        ('{"cells": [], "nbformat": 5}', ["format 5", "format 4 is required"]),
        ('{"cells": {}, "nbformat": 4}', ["no list of cells"]),
        ('{"cells": [1], "nbformat": 4}', ["Cell 1", "damaged", "a.ipynb"]),
        ('{"cells": [{"cell_type": "code", "source": 5}], "nbformat": 4}', ["damaged"]),
        ("[" * 100_000, ["nested too deep"]),
    ],
)
def test_refused(text: str, says: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_notebook(text, path="a.ipynb")
    assert caught.value.hint
    assert "a.ipynb" in str(caught.value)
    for piece in says:
        assert piece in str(caught.value)


def test_the_snapshot_forgets_what_running_leaves() -> None:
    fresh = _notebook(_code("x = 1", tags=["keep"]), language_info={"name": "python"})
    ran = json.loads(fresh)
    ran["cells"][0] |= {"outputs": [{"output_type": "stream", "text": "1"}], "execution_count": 7}
    ran["cells"][0]["source"] = ["x = ", "1"]
    ran["cells"][0]["metadata"] |= {"execution": {"iopub.status.busy": "t"}, "collapsed": True}
    ran["metadata"] |= {"papermill": {"duration": 1}, "widgets": {}}
    ran["metadata"]["language_info"]["version"] = "3.11.7"
    assert snapshot_of(json.dumps(ran, indent=4)) == snapshot_of(fresh)


@pytest.mark.parametrize(
    "changed",
    [
        _notebook(_code("x = 2")),
        _notebook(_code("x = 1", tags=["parameters"])),
        _notebook(_code("x = 1", id="c2")),
        _notebook(_code("x = 1"), kernelspec={"name": "other", "display_name": "O"}),
        _notebook(_code("x = 1"), {"cell_type": "markdown", "source": "a", "metadata": {}}),
    ],
)
def test_the_snapshot_changes_with_the_notebook(changed: str) -> None:
    assert snapshot_of(changed) != snapshot_of(_notebook(_code("x = 1")))


def test_the_snapshot_is_a_valid_notebook() -> None:
    raw = json.loads(
        _notebook(
            _code("x = 'é'"),
            {"cell_type": "markdown", "source": ["a"], "metadata": {}, "attachments": {}},
        )
    )
    for cell in raw["cells"]:
        cell.pop("id", None)
    text = snapshot_of(json.dumps(raw))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "x = 'é'"
    old = json.loads(_notebook(_code("x")))
    old["nbformat_minor"] = 4
    assert "id" not in json.loads(snapshot_of(json.dumps(old)))["cells"][0]


@given(st.text(max_size=80))
def test_snapshots_are_stable(source: str) -> None:
    text = _notebook(_code(source))
    assert snapshot_of(snapshot_of(text)) == snapshot_of(text)
    assert parse_notebook(snapshot_of(text)) == parse_notebook(text)


@given(st.text(max_size=80), st.booleans())
def test_any_cell_can_be_read(source: str, tagged: bool) -> None:
    tags = ["parameters"] if tagged else None
    outline = parse_notebook(_notebook(_code(source, tags=tags)))
    assert outline.cells[0].source == source


@given(st.text("%etl =\n'\"\\#({x", max_size=60))
def test_texts_like_magics_can_be_read(source: str) -> None:
    outline = parse_notebook(_notebook(_code(source, tags=["parameters"])))
    assert outline.cells[0].source == source


def test_the_sources_that_a_notebook_reads() -> None:
    outline = parse_notebook(
        _notebook(
            _code(
                "%etl source trips data/*.parquet\n%etl load wh.sales.orders\n%etl preview unknown.t"
            ),
            _code("%%etl sql crm\nselect 1"),
            _code("frame = etl.load('api.users', limit=3)\netl.load(name)\nother.load('not.this')"),
            _code("%etl load sales.daily\n%etl describe wh\netl.source('rates', 'rates.json')"),
            {"cell_type": "markdown", "metadata": {}, "source": "%etl load docs.page"},
        )
    )
    declared = ["wh", "wh.sales", "crm", "api", "docs", "not", "sales.weekly"]
    assert outline.sources_among(declared) == ("api", "crm", "rates", "trips", "wh", "wh.sales")
    assert outline.sources_among([]) == ("rates", "trips")
