"""``--write``: take over into the pages what their cells show today."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag; it is known where this folder is named on the command line."""
    parser.addoption(
        "--write", action="store_true", help="write today's outputs into docs/examples"
    )
