"""Arrow types of a pandas frame's object columns, stored in the frame's attributes.

pandas has no type for decimals, dates and lists. A column without values, or with small amounts on
one day, would lose its type. ``DataFrame.attrs`` survive filters, joins of columns and copies,
pickles and Parquet files. They are only used as a hint, see `array_as`.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ATTRIBUTE = "jupyter_etl.arrow_types"
"""Its value is text, so that `DataFrame.to_parquet` can write it as JSON."""


def keep_types(frame: pd.DataFrame, schema: pa.Schema) -> None:
    """Store the types of the columns that pandas holds as objects.

    Args:
        schema: Types of the columns, by position.
    """
    import numpy as np
    import pyarrow as pa

    times = Counter(schema.names)
    fields = [
        pa.field(field.name, field.type)
        for field, dtype in zip(schema, frame.dtypes, strict=True)
        if isinstance(dtype, np.dtype)
        and dtype.kind == "O"
        and times[field.name] == 1
        and not pa.types.is_null(field.type)
    ]
    if fields:
        content = pa.schema(fields).serialize().to_pybytes()
        frame.attrs[ATTRIBUTE] = base64.b64encode(content).decode()


def kept_types(frame: pd.DataFrame) -> dict[str, pa.DataType]:
    """Return the types stored by `keep_types`, by column; empty for other frames."""
    import pyarrow as pa

    text = frame.attrs.get(ATTRIBUTE)
    if not isinstance(text, str):
        return {}
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    except (binascii.Error, pa.ArrowException, OSError, ValueError):
        return {}
    return {field.name: field.type for field in schema}
