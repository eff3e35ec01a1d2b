"""The OpenAPI document of the REST API."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

import jupyter_etl.rest


@cache
def document() -> dict[str, Any]:
    """Return ``openapi.yaml``; only LibYAML reads so long a document quickly."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (Path(jupyter_etl.rest.__file__).parent / "openapi.yaml").read_bytes()
    found: dict[str, Any] = yaml.load(text, loader)  # noqa: S506
    return found
