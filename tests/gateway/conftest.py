"""An application over publications in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.serving import TOKEN, Client, FakePublications
from jupyter_etl.model import (
    Committed,
    PublicationKind,
)


@pytest.fixture
def publications(tmp_path: Path) -> FakePublications:
    made = FakePublications()
    made.add_table("sales", pa.table({"id": range(3), "amount": [0.5, None, 2.0]}))
    made.add_table("sales", pa.table({"id": range(25_000), "amount": [0.5] * 25_000}))
    made.add_table("sales", pa.table({"id": [666]}), draft=True)
    made.add_table("only-draft", pa.table({"id": [666]}), draft=True)
    for name, kind, content in [
        ("export", PublicationKind.FILE, b"\0one"),
        ("export", PublicationKind.FILE, b"\0two"),
        ("brief", PublicationKind.REPORT, b"<h1>old</h1>"),
        ("brief", PublicationKind.REPORT, b"<script>new</script>"),
    ]:
        path = (
            tmp_path
            / str(len(list(tmp_path.iterdir())))
            / ('tä"g.bin' if kind is PublicationKind.FILE else "index.html")
        )
        path.parent.mkdir()
        path.write_bytes(content)
        made.add(
            Committed(name=name, kind=kind, location=str(path), content_hash=content.hex() * 9)
        )
    return made


@pytest.fixture
def app(publications: FakePublications) -> Client:
    return Client(publications)


@pytest.fixture
def get(app: Client) -> Callable[..., object]:
    def ask(path: str, **headers: str):  # type: ignore[no-untyped-def]
        return app.get(path, headers={"Authorization": f"Bearer {TOKEN}", **headers})

    return ask
