"""Notebooks with and without problems, for tests of preflight.

Each notebook's folder has ``numbers.csv`` with the columns id and n, ``shop.db`` with the table
orders(id, n), and the module ``helper``. The ledger has the source ``shop``, which is that
database, ``trips``, which is that file, ``gone``, a file that does not exist, and the publication
``sales.daily``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FRAME = "import pandas as pd\ndf = pd.DataFrame({'id': [1, 2], 'n': [3, 4]})"
PUBLISH = "%etl publish table out.rows df"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One notebook.

    Args:
        cells: Sources of its code cells.
        kind: Kind of the error that prevents its deployment; "" if there is none.
        says: A part of that error's message.
        kernel: The kernel that it names.
        tags: Tags of the cells, by index.
    """

    cells: tuple[str, ...]
    kind: str = ""
    says: str = ""
    kernel: str = "python3"
    tags: dict[int, tuple[str, ...]] = field(default_factory=dict)


def no(kind: str, says: str, *cells: str, kernel: str = "python3") -> Case:
    return Case(cells=cells, kind=kind, says=says, kernel=kernel)


def yes(*cells: str, tags: dict[int, tuple[str, ...]] | None = None) -> Case:
    return Case(cells=cells, tags=tags or {})


CANNOT_RUN = {
    # The kernel.
    "a kernel that is not installed": no("kernel", "'julia-1.9'", "1", kernel="julia-1.9"),
    "a kernel whose program is gone": no("kernel", "does not exist", "1", kernel="no-program"),
    "a kernel without the package": no("kernel", "jupyter-etl", "%etl sources", kernel="bare"),
    "a kernel without the package, imported": no(
        "kernel", "jupyter-etl", "import jupyter_etl as etl", kernel="bare"
    ),
    # Files.
    "pandas, csv": no("file", "'gone.csv'", "import pandas as pd\npd.read_csv('gone.csv')"),
    "pandas, a near name": no(
        "file", "Did you mean 'numbers.csv'?", "import pandas as pd\npd.read_csv('number.csv')"
    ),
    "pandas, absolute": no("file", "/nowhere/x.csv", "import pandas\npandas.read_csv('/nowhere/x.csv')"),
    "pandas, by keyword": no(
        "file", "gone.xlsx", "import pandas as pd\npd.read_excel(io='data/gone.xlsx', sheet_name=0)"
    ),
    "pandas, imported by name": no(
        "file", "gone.parquet", "from pandas import read_parquet as rp\nrp('gone.parquet')"
    ),
    "polars, a pattern": no("file", "no file matches", "import polars as pl\npl.scan_csv('gone/*.csv')"),
    "duckdb, in its SQL": no("file", "gone.csv", "import duckdb\nduckdb.sql(\"select * from 'gone.csv'\")"),
    "duckdb, a function": no("file", "gone.parquet", "import duckdb\nduckdb.read_parquet('gone.parquet')"),
    "open": no("file", "gone.txt", "with open('gone.txt') as f:\n    print(f.read())"),
    "open, inside json.load": no("file", "gone.json", "import json\nx = json.load(open('gone.json'))"),
    "a path object": no("file", "gone.txt", "from pathlib import Path\nPath('gone.txt').read_text()"),
    "a path that is joined": no(
        "file", "data/gone.txt", "from pathlib import Path\nROOT = Path('data')\nopen(ROOT / 'gone.txt')"
    ),
    "a path from a variable": no(
        "file", "gone.csv", "FILE = 'gone.csv'", "import pandas as pd\ndf = pd.read_csv(FILE)"
    ),
    "a path by os.path": no(
        "file", "data/gone.csv", "import os\nopen(os.path.join('data', 'gone.csv')).read()"
    ),
    "a path in an f-string": no("file", "gone-1.csv", "n = 'gone'\nopen(f'{n}-1.csv')"),
    "numpy": no("file", "gone.npy", "import numpy as np\nnp.load('gone.npy')"),
    "in a function that is called": no(
        "file", "gone.csv", "def main():\n    return open('gone.csv').read()", "main()"
    ),
    "under if __name__": no("file", "gone.csv", "if __name__ == '__main__':\n    open('gone.csv')"),
    "read before it is written": no(
        "file", "late.csv", FRAME, "open('late.csv').read()", "df.to_csv('late.csv')"
    ),
    "below %%time": no("file", "gone.csv", "%%time\nopen('gone.csv')"),
    "a source whose file is gone": no("file", "'gone'", "x = %etl load gone"),
    "a declared source whose file is gone": no(
        "file", "missing.csv", "%etl source m missing.csv", "x = %etl load m"
    ),
    "a declared pattern without files": no(
        "file", "missing/*.csv", "%etl source m missing/*.csv", "x = %etl load m"
    ),
    # Sources and publications.
    "an unknown source": no("source", "'trup'", "x = %etl load trup"),
    "an unknown source, with a near one": no("source", "Did you mean 'trips'?", "x = %etl load trup"),
    "an unknown source, in Python": no(
        "source", "'nothing.here'", "import jupyter_etl as etl\nx = etl.load('nothing.here')"
    ),
    "an unknown source of SQL": no("source", "'warehouse'", "%%etl sql warehouse x <<\nselect 1"),
    "an unknown source to profile": no("source", "'nothing'", "%etl profile nothing"),
    "an unknown source to publish": no("source", "'nothing.rows'", "%etl publish table a.b nothing.rows"),
    "a source that is declared below": no(
        "source", "move", "x = %etl load later", "%etl source later numbers.csv"
    ),
    "an unknown publication": no(
        "source", "Did you mean 'sales.daily'?", "import jupyter_etl as etl\netl.read('sales.dayly')"
    ),
    "a wrong option of a source": no("source", "delimitr", "%etl source t numbers.csv --option delimitr=;"),
    "a kind of source that there is not": no("source", "'cvs'", "%etl source t numbers.dat --kind cvs"),
    "a password in a URL": no("source", "password", "%etl source t postgresql://u:p@h/d"),
    # Imports.
    "import": no("import", "'no_such_package'", "import no_such_package"),
    "import from": no("import", "'no_such_package.sub'", "from no_such_package.sub import thing"),
    "import as": no("import", "'no_such_package'", "import os, no_such_package as nsp"),
    "a module of a package": no("import", "'pandas.no_such'", "import pandas.no_such"),
    "a module of a local package": no("import", "'helper.no_such'", "import helper.no_such"),
    "a name that a package lacks": no("import", "'no_such'", "from pandas import no_such"),
    "a name that a local module lacks": no("import", "'no_such'", "from helper import double, no_such"),
    "a relative import": no("import", "'.helper'", "from .helper import double"),
    "in a function that is called, twice removed": no(
        "import", "'no_such_package'", "def a():\n    import no_such_package\ndef b():\n    a()", "b()"
    ),
    "an extension": no("import", "'no_such_extension'", "%load_ext no_such_extension"),
    "in a try that catches something else": no(
        "import", "'no_such_package'", "try:\n    pass\nfinally:\n    import no_such_package"
    ),
    # Rules.
    "a word that is no rule": no("check", "uniqe", FRAME, "%%etl check df\nid: uniqe"),
    "a severity that there is not": no("check", "fatal", FRAME, "%%etl check df\nn >= 0 : fatal"),
    "a quote that is not closed": no("check", "quote", FRAME, "%%etl check df\nn in ('a)"),
    "a condition that is no SQL": no("check", "n >=", FRAME, "%%etl check df\nn >= and 3"),
    "a pattern that is none": no("check", "matches", FRAME, "%%etl check df\nid matches '['"),
    "a rule in Python": no(
        "check", "uniqe", FRAME, "import jupyter_etl as etl\netl.check('df', 'id: uniqe', df)"
    ),
    "a reference to nothing": no(
        "source", "'nowhere'", FRAME, "%%etl check df\nid references nowhere.id"
    ),
    # SQL.
    "an unknown table": no("table", "'orderz'", "%%etl sql local x <<\nselect * from orderz"),
    "an unknown table in a join": no(
        "table", "'b'", FRAME, "%%etl sql local x <<\nselect * from df join b using (id)"
    ),
    "an unknown table in a subquery": no(
        "table", "'b'", FRAME, "%%etl sql local x <<\nselect * from df where id in (select id from b)"
    ),
    "an unknown table on one line": no("table", "'orderz'", 'x = %etl sql local "select * from orderz"'),
    "an unknown table in Python": no(
        "table", "'orderz'", "import jupyter_etl as etl\netl.sql('local', 'select * from orderz')"
    ),
    "a frame that is made below": no(
        "table", "'late'", "%%etl sql local x <<\nselect * from late", "late = 1"
    ),
    "an unknown table of a database": no(
        "table", "'orderz'", "%%etl sql shop x <<\nselect * from orderz"
    ),
    "an unknown table to load": no("table", "'orderz'", "x = %etl load shop.orderz"),
    "a table in a file": no("table", "'rows'", "x = %etl load trips.rows"),
    "SQL that is none": no("table", "cannot be run", "%%etl sql local x <<\nselect from where"),
    "SQL that is no query": no("table", "SELECT", "%%etl sql local x <<\ndrop table df"),
    "a query that nobody named": no(
        "table", "'recent'", "%%etl sql shop x <<\nselect * from {{ ref('recent') }}"
    ),
    # Publishing.
    "upsert without a key": no(
        "publish", "key", FRAME, "%etl publish table a.b df --mode upsert"
    ),
    "upsert without a key, in Python": no(
        "publish", "key", FRAME, "import jupyter_etl as etl\netl.publish('a.b', df, mode='upsert')"
    ),
    "new rows by replace": no("publish", "replace", "%etl publish table a.b trips --since id"),
    # The notebook's own schedule.
    "a schedule that is none": no("schedule", "sometimes", '%etl schedule "sometimes"'),
    "a cron expression that is none": no("schedule", "99", '%etl schedule "99 * * * *"'),
    "a timezone that there is not": no(
        "schedule", "Europe/Pariss", '%etl schedule "daily at 06:00" --tz Europe/Pariss'
    ),
    "a time that is over": no("schedule", "never", '%etl schedule "2001-01-01T06:00"'),
    "a parameter that there is not": no("schedule", "'nope'", '%etl schedule "@daily" -p nope=1'),
    # Commands.
    "a command that there is not": no("command", "publsh", "%etl publsh table a.b df"),
    "an option that there is not": no("command", "--colums", "x = %etl load trips --colums id"),
    "an argument too few": no("command", "publish table", FRAME, "%etl publish table a.b"),
    "a value that is no choice": no("command", "mode", FRAME, "%etl publish table a.b df --mode merge"),
    "a parameter that cannot be read": no("command", "parameter", "%etl param 1day = 2"),
    # Python.
    "a syntax error": no("syntax", "not valid Python", "x = = 1"),
    "a bracket that is not closed": no("syntax", "not valid Python", "print((1)"),
    "an indentation": no("syntax", "not valid Python", "if True:\nprint(1)"),
    "a return outside of a function": no("syntax", "not valid Python", "return 1"),
    "a break outside of a loop": no("syntax", "not valid Python", "break"),
    "a name that nothing defines": no("name", "`nothing_defines`", "print(nothing_defines)"),
    "a name that is defined below": no("name", "`late`", "print(late)", "late = 1"),
    "a frame that nothing defines": no("name", "`frame`", "%etl publish table a.b frame"),
    "a question": no("", "a run has no input", "input('?')"),
}  # fmt: skip

CAN_RUN = {
    # The kernel.
    "nothing special": yes(FRAME, PUBLISH),
    "no cell at all says etl": yes("print(1)"),
    # Files.
    "a file that is there": yes("import pandas as pd\ndf = pd.read_csv('numbers.csv')", PUBLISH),
    "a path with a dot": yes("open('./numbers.csv').read()"),
    "written before it is read": yes(FRAME, "df.to_csv('made.csv')", "pd.read_csv('made.csv')"),
    "written in the same cell": yes("open('made.txt', 'w').close()\nopen('made.txt').read()"),
    "written by pathlib": yes("from pathlib import Path\nPath('made.txt').write_text('x')\nopen('made.txt')"),
    "written into a folder": yes(
        "import os\nos.makedirs('made', exist_ok=True)\nfor n in range(2):\n    open(f'made/{n}', 'w').close()",
        "open('made/1').read()",
    ),
    "written by a function": yes(
        "def write(path):\n    with open(path, 'w') as f:\n        f.write('x')",
        "write('made.txt')\nopen('made.txt').read()",
    ),
    "written by a shell": yes("!echo hello > made.txt", "open('made.txt').read()"),
    "written by %%bash": yes("%%bash\necho hello > made.txt", "open('made.txt').read()"),
    "written by %%writefile": yes("%%writefile made.txt\nhello", "open('made.txt').read()"),
    "written by a module beside the notebook": yes(
        "import helper\nhelper.write()", "open('from_helper.txt').read()"
    ),
    "written by a process": yes(
        "import subprocess\nsubprocess.run(['touch', 'made.txt'], check=True)\nopen('made.txt')"
    ),
    "written by DuckDB": yes(
        "import duckdb\nduckdb.sql(\"copy (select 1 as a) to 'made.parquet'\")\n"
        "duckdb.sql(\"select * from 'made.parquet'\")"
    ),
    "a database that it makes": yes(
        "import sqlite3\nc = sqlite3.connect('made.db')\nc.execute('create table t(a)')\nc.commit()",
        "%etl source made made.db",
        "x = %etl load made.t",
    ),
    "unpacked": yes(
        "import zipfile\nwith zipfile.ZipFile('made.zip', 'w') as z:\n    z.writestr('inside.txt', 'x')",
        "zipfile.ZipFile('made.zip').extractall('.')\nopen('inside.txt')",
    ),
    "caught": yes("try:\n    open('gone.csv')\nexcept FileNotFoundError:\n    print('none yet')"),
    "suppressed": yes("from contextlib import suppress\nwith suppress(OSError):\n    open('gone.csv')"),
    "suppressed by its own": yes(
        "class Calm:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True",
        "with Calm():\n    open('gone.csv')",
    ),
    "asked for first": yes("import os\nif os.path.exists('gone.csv'):\n    open('gone.csv')"),
    "asked for first, in one line": yes(
        "from pathlib import Path\np = Path('gone.csv')\ntext = p.read_text() if p.exists() else ''"
    ),
    "in a function that nobody calls": yes("def f():\n    return open('gone.csv')"),
    "in a branch that is not taken": yes("DEBUG = False\nif DEBUG:\n    open('gone.csv')"),
    "in a loop over nothing": yes("for name in []:\n    open('gone.csv')"),
    "behind an early return": yes(
        "def f(x):\n    if x:\n        return 1\n    return open('gone.csv')", "f(True)"
    ),
    "in another folder": yes(
        "import os\nos.makedirs('sub', exist_ok=True)\nopen('sub/in.txt', 'w').close()\n"
        "os.chdir('sub')\nopen('in.txt')"
    ),
    "JSON that is no path": yes("import json\njson.loads('{\"a\": 1}')"),
    "a buffer": yes("import io\nimport pandas as pd\npd.read_csv(io.StringIO('a\\n1'))"),
    "a path that is computed": yes("import pandas as pd\npd.read_csv(str('numbers') + '.csv')"),
    "a pattern that matches": yes("import polars as pl\npl.scan_csv('num*.csv').collect()"),
    "deleted when it is there": yes("from pathlib import Path\nPath('gone.csv').unlink(missing_ok=True)"),
    # Sources and publications.
    "a source of the ledger": yes("df = %etl load trips", PUBLISH),
    "a source that it declares": yes("%etl source mine numbers.csv", "df = %etl load mine", PUBLISH),
    "a source that it declares in Python": yes(
        "import jupyter_etl as etl\netl.source('mine', 'numbers.csv')\ndf = etl.load('mine')", PUBLISH
    ),
    "a source whose name is computed": yes(
        "import jupyter_etl as etl\nname = 'mi' + 'ne'\netl.source(name, 'numbers.csv')", "df = %etl load mine"
    ),
    "a source whose file it writes": yes(
        FRAME, "df.to_csv('made.csv')", "%etl source made made.csv", "x = %etl load made"
    ),
    "a frame as a source": yes(FRAME, "%etl source f frame:df", "x = %etl load f"),
    "a publication": yes("x = %etl load sales.daily"),
    "a publication in Python": yes("import jupyter_etl as etl\nx = etl.read('sales.daily')"),
    "a variable to load": yes(FRAME, "x = %etl load df"),
    "a check of a source": yes("%%etl check trips\nid: unique, not null"),
    "a source that is published": yes("%etl publish table out.trips trips"),
    "an unknown source in a branch": yes("if False:\n    x = %etl load nowhere"),
    "an unknown source that is caught": yes(
        "import jupyter_etl as etl\ntry:\n    etl.load('nowhere')\nexcept etl.EtlError:\n    print('none')"
        .replace("etl.EtlError", "Exception")
    ),
    # Imports.
    "a module beside the notebook": yes("import helper\nprint(helper.double(2))"),
    "a module of a package beside it": yes("from package.inner import three\nprint(three)"),
    "a module of the standard library": yes("import os.path, xml.etree.ElementTree as ET, concurrent.futures"),
    "names of modules": yes(
        "from os import path, getcwd\nfrom numpy import arange\nfrom package import inner\nfrom helper import double"
    ),
    "a module of a package": yes("import pandas.api.types\nfrom matplotlib import pyplot as plt"),
    "an import that is caught": yes("try:\n    import no_such_package\nexcept ImportError:\n    pass"),
    "an import that is caught by Exception": yes("try:\n    import no_such_package as x\nexcept Exception:\n    x = 1"),
    "an import for types": yes("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such_package"),
    "an import in a function that nobody calls": yes("def f():\n    import no_such_package"),
    "an import in a branch": yes("import sys\nif sys.platform == 'win32':\n    import winreg_of_nobody"),
    "a module that it writes": yes("%%writefile made_module.py\nx = 1", "import made_module\nprint(made_module.x)"),
    "a module from a folder of its own": yes("import sys\nsys.path.insert(0, 'lib')\nimport from_lib"),
    "a module that it makes": yes("import sys, types\nsys.modules['made_up'] = types.ModuleType('made_up')\nimport made_up"),
    "an extension of IPython": yes("%load_ext autoreload\n%autoreload 2"),
    "its own extension": yes("%load_ext jupyter_etl\n%etl sources"),
    # Rules.
    "rules of all kinds": yes(
        FRAME, "%%etl check df\nid: unique, not null\nn >= 0 : warn\nn between 0 and 10\nn in (3, 4)\n"
        "rows > 0\nsum(n) > 0\nid references trips.id"
    ),
    # SQL.
    "a frame": yes(FRAME, "%%etl sql local x <<\nselect * from df"),
    "a source and a publication": yes(
        '%%etl sql local x <<\nselect count(*) as n from trips, "sales.daily" as d, sales.daily as e'
    ),
    "a table of a source": yes("%%etl sql local x <<\nselect * from shop.orders"),
    "names of the query": yes("%%etl sql local x <<\nwith a as (select 1 as n), b as (select * from a) select * from b"),
    "a recursive name": yes(
        "%%etl sql local x <<\nwith recursive t as (select 1 as n union all select n + 1 from t where n < 3) "
        "select * from t"
    ),
    "functions as tables": yes("%%etl sql local x <<\nselect count(*) as n from range(3), unnest([1, 2]), generate_series(1, 2)"),
    "values": yes("%%etl sql local x <<\nselect * from (values (1, 2)) as v(a, b)"),
    "values from variables": yes("day = 1", "%%etl sql local x <<\nselect {{day}} as d, {{start}} as s"),
    "a table by the name of a variable": yes(FRAME, "which = 'df'", "%%etl sql local x <<\nselect * from {{which|ident}}"),
    "a named query": yes(
        "%%etl sql shop --name recent\nselect * from orders",
        "%%etl sql shop x <<\nselect * from {{ ref('recent') }}",
    ),
    "a database": yes("%%etl sql shop df <<\nselect o.id, p.n from orders o join orders p on o.id = p.id", PUBLISH),
    "the catalogue of a database": yes("%%etl sql shop x <<\nselect * from sqlite_master"),
    "a query in other capitals": yes("%%etl sql shop x <<\nSELECT * FROM Orders"),
    "a frame in a function": yes(
        FRAME, "import jupyter_etl as etl\ndef f():\n    rows = df\n    return etl.sql('local', 'select * from df')\nf()"
    ),
    "a frame that a star brings": yes("from helper import *", "%%etl sql local x <<\nselect * from frame"),
    # Publishing.
    "upsert with a key": yes(FRAME, "%etl publish table a.b df --mode upsert --key id"),
    "upsert in Python": yes(FRAME, "import jupyter_etl as etl\netl.publish('a.b', df, mode='upsert', key=['id'])"),
    # Schedules and commands.
    "its own schedule": yes(FRAME, PUBLISH, '%etl schedule "weekdays at 06:00" --tz Europe/Paris --retries 1'),
    "a schedule with a parameter": yes("%etl param day date = yesterday", '%etl schedule "@daily" -p day=2026-01-01'),
    "a schedule after a publication": yes("%etl schedule --after sales.daily"),
    "commands in a text": yes("text = '''\n%etl nonsense\n'''"),
    # Python.
    "await": yes("import asyncio\nawait asyncio.sleep(0)"),
    "magics": yes("%matplotlib inline\nfiles = !ls\n%time x = 1\nprint(x, files)\n!true"),
    "%%time": yes("%%time\nx = 1", "print(x)"),
    "help": yes("len?\n?len"),
    "%%html": yes("%%html\n<b>{not python</b>"),
    "a prompt": yes(">>> x = 1\n>>> print(x)"),
    "an unknown name that is caught": yes("try:\n    print(nothing)\nexcept NameError:\n    pass"),
    "an unknown name in a function that nobody calls": yes("def f():\n    return nothing_defines"),
    "an unknown name in a branch": yes("if False:\n    print(nothing_defines)"),
    "exec": yes("exec('made = 1')\nprint(made)"),
    "an end before what would fail": yes("exit()", "open('gone.csv')"),
    "no code": yes(""),
}  # fmt: skip
