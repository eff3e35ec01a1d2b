"""What is messages of a notebook before it runs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.language.notebooks.notebook import parse_notebook
from jupyter_etl.scheduling.preflight import Finding, preflight, summarize

PUBLISH = "df = 1\n%etl publish table sales.daily df"


def check(*sources: str, language: str = "python", last: str = PUBLISH) -> tuple[Finding, ...]:
    """Preflight a notebook of these code cells, and one that publishes."""
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        for source in (*sources, last)
        if source
    ]
    kernel = {"name": "k", "language": language, "display_name": "k"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    return preflight(parse_notebook(json.dumps(document | {"nbformat_minor": 4})))


def messages(*sources: str, severity: str = "error") -> list[str]:
    return [one.message for one in check(*sources) if one.severity == severity]


def missing(*sources: str) -> list[str]:
    """The names that are reported as undefined."""
    return [text.split("`")[1] for text in messages(*sources) if "no earlier cell" in text]


def test_a_name_that_only_the_session_has_is_named_with_its_cell() -> None:
    (finding,) = check("import pandas as pd", "total = df2.sum() + pd.NA")
    assert finding == Finding(
        severity="error",
        cell=1,
        message="Cell 2 uses `df2`, which no earlier cell defines.",
        hint="Only your session has it: define it in a cell above.",
    )


def test_cells_in_the_wrong_order_have_a_hint() -> None:
    findings = check("print(x)", "x = 1", "y = z\nz = 2")
    assert [one.cell for one in findings] == [0, 2]
    assert findings[0].hint == "Cell 2 defines it: move that cell up, or this one down."
    assert "further down" in findings[1].hint


@pytest.mark.parametrize(
    "source",
    [
        "a = 1\nprint(a, __name__, _, _3, In, get_ipython())\ndisplay(a)",
        "def f(x, *y, k=1, **z):\n    return g(x, y, z, k)\ndef g(*a):\n    return later\nlater = 1",
        "rows = [x + y for x in range(3) for y in range(x) if y]\nd = {k: v for k, v in []}",
        "for i, (a, b) in enumerate([]):\n    print(i, a, b)\nelse:\n    i = 0",
        "with open('x') as f, open('y') as g:\n    f, g",
        "import os.path\nfrom a import b as c\nprint(os, c)",
        "try:\n    import x\nexcept ImportError as e:\n    print(e)\n    x = None\nx",
        "try:\n    old\nexcept NameError:\n    old = 1",
        "class A(object):\n    n = 1\n    m = n\n    def f(self):\n        return A, self, __class__",
        "if (n := 10) > 5:\n    print(n)",
        "match [1]:\n    case [first, *rest]:\n        print(first, rest)\n"
        "    case {'a': a, **more}:\n        print(a, more)\n    case str() as s:\n        print(s)",
        "from numpy import *\nprint(arange)",
        "%run other.py\nprint(defined_there)",
        "exec('zz = 1')\nprint(zz)",
        "f = lambda a: a + 1\ng = sorted([], key=lambda r: r.x)",
        "def f():\n    global counter\n    counter = 1\nf()\ncounter",
        "async def f():\n    async with a() as b:\n        pass\ndef a(): ...\nawait f()",
        "x: int = 1\nx += 1\nprint(x)",
        "print(*[n for n in (1, 2)], **{'sep': ' '})",
    ],
)
def test_what_python_defines_is_not_missing(source: str) -> None:
    assert messages(source) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("x += 1", "x"),
        ("rows = [r for r in frame]\nprint(r)", "frame r"),
        ("def f():\n    return never\nf()", "never"),
        ("def f(a=default):\n    return a", "default"),
        ("@decorate\ndef f(): ...", "decorate"),
        ("class A(Base):\n    pass", "Base"),
        ("print(f'{value}')", "value"),
        ("x = [y for y in y]", "y"),
        ("del gone", ""),
    ],
)
def test_what_python_does_not_define_is_missing(source: str, name: str) -> None:
    assert sorted(missing(source)) == sorted(name.split())


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\n!pip list\nfiles = !ls\nx = %etl load wh.orders\nprint(files, x)",
        "%time y = 1\nprint(y)",
        "%%time\nz = 1\nprint(z)",
        "%%capture out\nq = 1\nprint(q, out)",
        "%%bash\necho $HOME && foo=bar",
        "%%html\n<b>{not python</b>",
        "len?\nlen??\n?len\nx = 5 % 3",
        "x = (7\n  % 3)",
        "if True:\n    %etl sources\n    !ls \\\n  -l",
        "%%etl sql wh orders <<\nselect 1",
        "text = '''\n%etl nonsense\n!ls\n'''",
    ],
)
def test_magics_are_no_python(source: str) -> None:
    assert messages(source) == []


def test_commands_define_and_use_names() -> None:
    assert missing("%etl param day date = yesterday", "print(day)") == []
    assert missing("%%etl sql wh orders <<\nselect 1", "print(orders)") == []
    assert missing("%%etl sql wh orders <<\nselect {{ day }}") == ["day"]
    assert missing("%etl publish table sales.x frame") == ["frame"]
    assert missing("%%etl check frame\nid: unique") == ["frame"]
    assert missing("x = 1\n%etl publish file out/{{x}}.csv x") == []


def test_a_command_in_a_function_uses_its_variables() -> None:
    body = (
        '    a = %etl sql local "select {{day}}, {{other}} from df"\n    %etl publish table a.b df'
    )
    assert missing(f"def rows(day, df):\n{body}\nrows(1, 2)") == ["other"]
    assert missing(f"def rows(day):\n    df = 1\n{body}\nrows(1)") == ["other"]


def test_the_cells_of_endpoints_are_read() -> None:
    query = "%%etl publish query by_day\nselect * from sales where day = {{day: date = today}}"
    function = "%%etl publish function score\ndef score(x: float) -> float:\n    return x * factor"
    assert missing(query) == []
    said = "Cell 1 uses `factor`, which no earlier cell defines."
    assert messages(function, severity="warning") == [said]
    assert check("factor = 2", function, "print(score(1.5))") == ()
    assert not [one for one in check(query, last="") if "publishes nothing" in one.message]
    (wrong,) = messages("%%etl publish function score\ndef score(x: float) -> float\n    return x")
    assert "is not valid Python (line 2)" in wrong


def test_code_that_is_no_python_is_one_finding() -> None:
    (finding,) = check("x = = 1\ny = 2", "print(y)")
    assert finding.severity == "error"
    assert finding.cell == 0
    assert "line 1" in finding.message


def test_a_command_that_cannot_be_read_is_an_error() -> None:
    (finding,) = check("%etl sorce x y.csv")
    assert (finding.severity, finding.cell) == ("error", 0)
    assert "sorce" in finding.message


@pytest.mark.parametrize(
    "path", ["/home/sam/x.csv", "C:\\data\\x.csv", "~/x.csv", "file:///home/sam/x.csv"]
)
def test_absolute_paths_are_warned_of(path: str) -> None:
    (text,) = messages(f"x = {path!r}", severity="warning")
    assert path in text
    assert messages("%etl source trips /home/sam/*.parquet", severity="warning")


@pytest.mark.parametrize(
    "text", ["data/x.csv", "/score", "/api/v1/items", "https://example.org/home/x", "a: b", "/"]
)
def test_other_texts_are_no_paths(text: str) -> None:
    assert messages(f"x = {text!r}", severity="warning") == []


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("postgresql://sam:hunter22@db/x", "URL"),
        ("AKIA" + "Q" * 16, "AWS"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("ghp_" + "a" * 36, "GitHub"),
    ],
)
def test_secrets_are_found_in_any_language_and_not_repeated(secret: str, kind: str) -> None:
    for language in ("python", "r"):
        findings = check(f"x = '{secret}'", language=language)
        (error,) = [one for one in findings if one.severity == "error"]
        assert kind in error.message
        assert secret not in error.message + error.hint


@pytest.mark.parametrize(
    "source",
    [
        "password = 'hunter22'",
        "config = {'api_key': 'hunter22'}",
        "x = dict(db_password='hunter22')",
        "import os\nos.environ['SECRET_KEY'] = 'hunter22'",
    ],
)
def test_a_name_of_a_secret_with_a_text_is_warned_of(source: str) -> None:
    (text,) = messages(source, severity="warning")
    assert "looks like a secret" in text
    assert "hunter22" not in text


@pytest.mark.parametrize(
    "source",
    [
        "import os\npassword = os.environ['X']",
        "password = 'changeme'",
        "password_file = 'secret.txt'",
        "token_count = 'hunter22'",
        "pw = 1\nurl = f'postgresql://sam:{pw}@db/x'",
    ],
)
def test_what_is_no_secret_is_left_alone(source: str) -> None:
    assert check(source) == ()


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import date\nx = date.today()",
        "import pandas as pd\nx = pd.Timestamp.now(tz='UTC')",
        "import pandas as pd\nx = pd.to_datetime('today')",
        "%%etl sql wh x <<\nselect * from t where d = current_date",
    ],
)
def test_the_present_time_is_warned_of(source: str) -> None:
    (finding,) = [one for one in check(source) if one.severity == "warning"]
    assert "etl.run.logical_at" in finding.hint


def test_questions_cannot_be_answered() -> None:
    assert "input()" in messages("x = input('day?')")[0]
    assert "getpass.getpass()" in messages("import getpass\nx = getpass.getpass()")[0]


def test_a_notebook_that_publishes_nothing_gets_a_note() -> None:
    (finding,) = check("x = 1", last="")
    assert finding.severity == "info"
    assert "publishes nothing" in finding.message
    assert check("import jupyter_etl as etl\netl.publish('x', 1)", last="") == ()
    assert "no code cells" in check(last="")[0].message


def test_another_language_is_not_read_as_python() -> None:
    findings = check("x <- read.csv(y)", "y = (", language="r", last="")
    assert [one.severity for one in findings] == ["info", "info"]
    assert findings[0].message.startswith("2 code cells are in r and could not be checked")
    assert summarize(findings) == "2 notes; 2 cells could not be checked."


@pytest.mark.parametrize(
    ("sources", "line"),
    [
        ((), "No problems found."),
        (("print(a)",), "1 error."),
        (("print(a)", "input()", "datetime.now()\nimport datetime"), "3 errors, 1 warning."),
        (("from anywhere import *\nprint(a)",), "1 note; 1 cell could not be checked."),
    ],
)
def test_the_findings_in_one_line(sources: tuple[str, ...], line: str) -> None:
    assert summarize(check(*sources)) == line


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return never",
        "if flag:\n    print(never)\nflag = 1",
        "for x in open('rows'):\n    print(never)",
        "print(1) if 2 > 1 else never",
        "x = [never for row in open('rows')]",
        "f = lambda: never",
        "import sys\nif len(sys.argv) > 9:\n    sys.exit()\nprint(never)",
    ],
)
def test_what_may_never_be_evaluated_is_a_warning(source: str) -> None:
    texts = [text for text in messages(source, severity="warning") if "`never`" in text]
    assert len(texts) == 1
    assert "never" not in missing(source)


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return never\nf()",
        "def f():\n    g()\ndef g():\n    never\nf()",
        "async def f():\n    never\nawait f()",
        "if True:\n    never",
        "if __name__ == '__main__':\n    never",
        "for x in (1, 2):\n    never",
        "while True:\n    never\n    break",
        "with open('x') as f:\n    never",
        "try:\n    pass\nfinally:\n    never",
        "class A:\n    x = never",
        "x = [never for y in (1, 2)]",
    ],
)
def test_what_is_evaluated_in_every_run_is_an_error(source: str) -> None:
    assert missing(source) == ["never"]


def test_a_cell_that_may_fail_stops_no_deployment() -> None:
    cell = {"cell_type": "code", "source": "never", "outputs": []}
    cell["metadata"] = {"tags": ["raises-exception"]}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    findings = preflight(parse_notebook(json.dumps(document)))
    assert "error" not in {one.severity for one in findings}


def test_findings_come_worst_first() -> None:
    findings = check("x = '/home/sam/x'", "print(a)", "input()", last="")
    assert [(one.severity, one.cell) for one in findings] == [
        ("error", 1),
        ("error", 2),
        ("warning", 0),
        ("info", None),
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(alphabet=st.sampled_from("ab=%!{}?()[]:'\\\n\t etlpd."), max_size=60)))
def test_any_text_is_read_without_an_error(sources: list[str]) -> None:
    findings = check(*sources)
    assert list(findings) == sorted(
        findings, key=lambda one: ["error", "warning", "info"].index(one.severity)
    )


LOAD = "orders = %etl load wh.orders --since updated_at"
UPSERT = "%etl publish table sales.daily orders --mode upsert --key id"
APPEND = "%etl publish table sales.daily orders --mode append"


def warnings(*sources: str) -> list[tuple[int | None, str]]:
    found = check(*sources, last="")
    return [(one.cell, one.message) for one in found if one.severity == "warning"]


def test_a_watermark_that_never_moves() -> None:
    ((cell, message),) = warnings("x = 1", LOAD, "print(orders)")
    assert cell == 1
    assert "the watermark never moves" in message


def test_late_rows_that_are_appended() -> None:
    ((cell, message),) = warnings(f"{LOAD} --lag 2h", APPEND)
    assert cell == 1
    assert "would be duplicated in the table" in message


@pytest.mark.parametrize(
    "sources",
    [
        (LOAD, UPSERT),
        (LOAD, APPEND),
        (f"{LOAD} --lag 2h --key id", UPSERT),
        ("orders = %etl load wh.orders", APPEND),
        (LOAD, "import jupyter_etl as etl\netl.publish('sales.daily', orders, mode='upsert')"),
    ],
)
def test_what_is_well(sources: tuple[str, ...]) -> None:
    assert warnings(*sources) == []
