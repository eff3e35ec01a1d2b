"""Row groups of one size, whatever the batches were."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.publishing.tables import staging
from jupyter_etl.publishing.tables.staging import staged_rows, write_rows


@pytest.mark.parametrize("batch_rows", [1, 30, 100, 170, 450])
def test_row_groups_are_cut_to_one_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(staging, "_ROW_GROUP_ROWS", 100)
    table = pa.table({"id": range(450), "note": [f"n{n}" for n in range(450)]})
    written = write_rows(table.to_reader(max_chunksize=batch_rows), tmp_path)
    (file,) = written.files
    footer = pq.read_metadata(tmp_path / file)
    groups = [footer.row_group(n).num_rows for n in range(footer.num_row_groups)]
    assert groups == [100, 100, 100, 100, 50]
    assert written.rows == 450
    assert staged_rows(tmp_path, written.files, ()).to_table().equals(table)


def test_a_file_that_is_large_enough_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(staging, "_FILE_BYTES", 1)
    table = pa.table({"id": range(250)})
    written = write_rows(table.to_reader(), tmp_path)
    assert [pq.read_metadata(tmp_path / file).num_rows for file in written.files] == [100, 100, 50]
    assert staged_rows(tmp_path, written.files, ()).to_table().equals(table)
