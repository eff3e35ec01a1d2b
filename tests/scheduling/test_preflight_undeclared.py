"""Preflight's findings about reads and writes that bypass sources and publications."""

from __future__ import annotations

import pytest

from fakes.preflight_notebooks import CAN_RUN
from scheduling.test_preflight import check

SOURCE = "not a declared source"
PUBLICATION = "not a publication"
PANDAS = "import pandas as pd\n"

UNDECLARED = {
    # Files that are read.
    PANDAS + "pd.read_csv('data/orders.csv')": ["reads 'data/orders.csv'"],
    PANDAS + "pd.read_excel(io='a.xlsx')": ["reads 'a.xlsx'"],
    PANDAS + "FILE = 'a.parquet'\npd.read_parquet(FILE)": ["reads 'a.parquet'"],
    PANDAS + "n = 'a'\npd.read_json(f'in/{n}.json')": ["reads 'in/a.json'"],
    PANDAS + "pd.read_json(f'in/{day}.json')": ["reads 'in/{day}.json'"],
    PANDAS + "p = f'in/{day}.json'\npd.read_json(p)": ["reads 'in/{day}.json'"],
    "import polars as pl\npl.scan_csv('in/*.csv')": ["reads 'in/*.csv'"],
    "import duckdb\nduckdb.sql(\"select * from 'in.csv'\")": ["reads 'in.csv'"],
    "open('conf.yaml').read()": ["reads 'conf.yaml'"],
    "import json\njson.load(open('a.json'))": ["reads 'a.json'"],
    "from pathlib import Path\n(Path('in') / 'a.txt').read_text()": ["reads 'in/a.txt'"],
    "import numpy as np\nnp.load('a.npy')": ["reads 'a.npy'"],
    "import fsspec\nwith fsspec.open('s3://b/x.csv') as f: pass": ["reads 's3://b/x.csv'"],
    # Files that are written.
    "df.to_csv('out/x.csv', index=False)": ["writes 'out/x.csv'"],
    "df.to_parquet(path='x.parquet')": ["writes 'x.parquet'"],
    "df.to_parquet(f'out/{day}.parquet')": ["writes 'out/{day}.parquet'"],
    "df.write_parquet('x.parquet')": ["writes 'x.parquet'"],
    "df.lazy().sink_csv('x.csv')": ["writes 'x.csv'"],
    "def save(day):\n    p = f'out/{day}.csv'\n    df.to_csv(p)": ["writes 'out/{day}.csv'"],
    "with open('out.txt', 'w') as f: f.write('x')": ["writes 'out.txt'"],
    "open('log.txt', mode='a')": ["writes 'log.txt'"],
    "import gzip\ngzip.open('a.gz', 'wb')": ["writes 'a.gz'"],
    "from pathlib import Path\nOUT = Path('out')\n(OUT / 'a.txt').write_text('x')": [
        "writes 'out/a.txt'"
    ],
    "from pathlib import Path\nPath('a.bin').write_bytes(b'')": ["writes 'a.bin'"],
    "from pathlib import Path\nPath('a.bin').open('wb')": ["writes 'a.bin'"],
    PANDAS + "with pd.ExcelWriter('r.xlsx') as w: df.to_excel(w)": ["writes 'r.xlsx'"],
    "import numpy as np\nnp.savetxt('a.txt', x)": ["writes 'a.txt'"],
    "import joblib\njoblib.dump(model, 'm.joblib')": ["writes 'm.joblib'"],
    "import pickle\npickle.dump(m, open('m.pkl', 'wb'))": ["writes 'm.pkl'"],
    "import matplotlib.pyplot as plt\nplt.savefig('a.png')": ["writes 'a.png'"],
    "import pyarrow.parquet as pq\npq.write_table(t, 'a.parquet')": ["writes 'a.parquet'"],
    "import duckdb\nduckdb.sql(\"copy t to 'o.parquet'\")": ["writes 'o.parquet'"],
    "import shutil\nshutil.copy('a.csv', 'b.csv')": ["reads 'a.csv'", "writes 'b.csv'"],
    "import os\nos.rename('a.csv', 'b.csv')": ["reads 'a.csv'", "writes 'b.csv'"],
    # URLs.
    PANDAS + "pd.read_csv('https://h.org/x.csv')": ["reads 'https://h.org/x.csv'"],
    "import requests\nrequests.get('https://h.org/v1/x?page=2')": ["reads 'https://h.org/v1/x'"],
    "import requests as r\nr.get(url='https://h.org/x')": ["reads 'https://h.org/x'"],
    "from requests import get\nget('https://h.org/x')": ["reads 'https://h.org/x'"],
    "import requests\ns = requests.Session()\ns.get(f'https://h.org/{i}')": [
        "reads 'https://h.org/{i}'"
    ],
    "import requests\nwith requests.Session() as s:\n    s.get('https://h.org/x')": [
        "reads 'https://h.org/x'"
    ],
    "import httpx\nc = httpx.Client(base_url='https://h.org/api')\nc.get('/x')": [
        "reads 'https://h.org/api/x'"
    ],
    "import httpx\nhttpx.stream('GET', 'https://h.org/x')": ["reads 'https://h.org/x'"],
    "from urllib.request import urlopen\nurlopen('https://h.org/x')": ["reads 'https://h.org/x'"],
    "import urllib.request\nurllib.request.urlretrieve('https://h.org/x', 'a.zip')": [
        "reads 'https://h.org/x'", "writes 'a.zip'",
    ],
    "!curl -o x.csv https://h.org/x.csv": ["reads 'https://h.org/x.csv'"],
    "import requests\nrequests.post('https://h.org/hook', json={})": ["sends a POST request"],
    "import requests\nrequests.request('DELETE', 'https://h.org/x')": ["sends a DELETE request"],
    # Databases and their tables.
    "from sqlalchemy import create_engine\ncreate_engine('postgresql+psycopg://u:pw@h/db')": [
        "opens the database 'postgresql+psycopg://h/db'"
    ],
    "import sqlite3\nsqlite3.connect('shop.db')": ["opens the database 'sqlite:///shop.db'"],
    "import duckdb\nduckdb.connect('w.duckdb')": ["opens the database 'duckdb:///w.duckdb'"],
    "import psycopg\npsycopg.connect(host='h', dbname='db', password=pw)": [
        "opens the database 'postgresql://h/db'"
    ],
    "import psycopg2\npsycopg2.connect('host=h dbname=db')": ["opens the database 'postgresql://h/db'"],
    PANDAS + "pd.read_sql('select 1', 'sqlite:///a.db')": ["opens the database 'sqlite:///a.db'"],
    "import polars as pl\npl.read_database_uri('select 1', 'postgresql://h/db')": [
        "opens the database 'postgresql://h/db'"
    ],
    "df.to_sql('orders', engine)": ["writes the table 'orders'"],
    "import sqlite3\nc = sqlite3.connect('a.db')\ncur = c.cursor()\ncur.execute('UPDATE t SET n = 1')": [
        "opens the database 'sqlite:///a.db'", "writes the table 't'",
    ],
    "import sqlalchemy as sa\ne = sa.create_engine('mysql://h/d')\n"
    "with e.begin() as c:\n    c.exec_driver_sql('insert into t values (1)')": [
        "opens the database 'mysql://h/d'", "writes the table 't'",
    ],
    # Object stores.
    "import boto3\ns3 = boto3.client('s3')\ns3.get_object(Bucket='b', Key='k')": ["reads 's3://b/k'"],
    "import boto3\nboto3.client('s3').upload_file('x', 'b', 'y.csv')": ["writes 's3://b/y.csv'"],
    "import boto3\nboto3.resource('s3').Object('b', 'k').put(Body=b'')": ["writes 's3://b/k'"],
    "import s3fs\nfs = s3fs.S3FileSystem()\nwith fs.open('b/y', 'wb') as g: pass": [
        "writes 's3://b/y'"
    ],
}  # fmt: skip

DECLARED_OR_NONE = [
    "%etl source o data/orders.csv\n" + PANDAS + "pd.read_csv('data/orders.csv')",
    "%etl source o data\n" + PANDAS + "pd.read_csv('data/orders.csv')",
    "%etl source o 'data/*.csv'\n" + PANDAS + "pd.read_csv('data/orders.csv')",
    "%etl source api https://h.org/v1\nimport requests\nrequests.get('https://h.org/v1/x?page=2')",
    "%etl source shop shop.db\nimport sqlite3\nsqlite3.connect('shop.db')",
    "%etl source wh postgresql://u@h/db --secret pw\nimport sqlalchemy\n"
    "sqlalchemy.create_engine(f'postgresql+psycopg://u:{pw}@h/db')",
    "import jupyter_etl as etl\netl.source('o', 'a.csv')\nopen('a.csv')",
    "df.to_csv('out/x.csv')\n%etl publish file out/x.csv",
    "df.to_csv(f'out/{day}.csv')\n%etl publish file out/{{day}}.csv",
    "import jupyter_etl as etl\ndf.to_csv('x.csv')\netl.publish('x.csv', kind='file')",
    "%etl schedule daily --include conf.yaml\nopen('conf.yaml')",
    "import io\nbuffer = io.StringIO()\ndf.to_csv(buffer)\ndf.to_csv()\ndf.to_json(orient='records')",
    PANDAS + "import io\npd.read_csv(io.StringIO('a'))\npd.read_csv(path)",
    "import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n    df.to_csv(f.name)",
    "df.to_csv('/tmp/x.csv')\nopen('/dev/null', 'w')",
    "import sqlite3, duckdb\nc = sqlite3.connect(':memory:')\nc.execute('create table t (a)')\n"
    "df.to_sql('t', c)\nd = duckdb.connect()\nd.execute('create table x as select 1')",
    "import sqlalchemy as sa\nsa.create_engine('sqlite://')",
    "d = {}\nd.get('a')\n'a/b.csv'.replace('a', 'b')\nx.save()\nplt.plot('a', 'b')",
    "for p in paths:\n    df.to_csv(p)",
]


@pytest.mark.parametrize("source", UNDECLARED)
def test_what_is_read_or_written_undeclared_is_warned_of(source: str) -> None:
    found = [one for one in check(source) if one.kind == "undeclared"]
    expected = UNDECLARED[source]
    assert {one.severity for one in found} == {"warning"}
    assert [one.message for one in found] == sorted(
        next(one.message for one in found if f"Cell 1 {said}" in one.message) for said in expected
    )


@pytest.mark.parametrize("source", DECLARED_OR_NONE)
def test_what_is_declared_or_no_data_is_not(source: str) -> None:
    assert [one.message for one in check(source) if one.kind == "undeclared"] == []


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("orders.to_csv('out/x.csv')", "Publish it: %etl publish file out/x.csv orders"),
        ("orders.to_sql('o', e)", "Publish the frame instead: %etl publish table o orders"),
        (f"{PANDAS}pd.read_csv('in.csv')",
         "Declare it: %etl source in_data in.csv, and read it by %etl load in_data."),
        (f"{PANDAS}pd.read_csv(f'in/{{x}}.csv')",
         "Declare it: %etl source in_data in/*.csv, and read it by %etl load in_data."),
        ("import sqlalchemy as s\ns.create_engine('postgresql://u:hunter2@h/db')",
         "Declare it: %etl source db postgresql://h/db --secret db_pw, and read it by %%etl sql db."),
        ("open('m.pkl')", "Pin it with the version: %etl schedule WHEN --include m.pkl"),
    ],
)  # fmt: skip
def test_the_hint_is_the_declaration_to_write(source: str, hint: str) -> None:
    assert [one.hint for one in check(source) if one.kind == "undeclared"] == [hint]


def test_no_password_and_no_query_is_repeated() -> None:
    found = check(
        "import requests\nrequests.get('https://u:hunter2@h.org/x?api_key=hunter3')",
        "import sqlalchemy as s\ns.create_engine('postgresql://u:hunter2@h/db')",
    )
    assert not [one for one in found if "hunter" in one.message + one.hint]


def test_the_same_path_is_reported_once() -> None:
    found = check("df.to_csv('x.csv')", "df.to_csv('x.csv')", "df.to_csv('./x.csv')")
    assert [one.cell for one in found if one.kind == "undeclared"] == [0]


def test_nothing_undeclared_stops_a_deployment() -> None:
    for case in CAN_RUN.values():
        found = [one for one in check(*case.cells) if one.kind == "undeclared"]
        assert {one.severity for one in found} <= {"warning"}
