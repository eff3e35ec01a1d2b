"""The table of docs/performance.md, with the results of the last full run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure

BEGIN = "<!-- figures: written by make bench -->"
END = "<!-- end of figures -->"


def write_page(
    page: Path, about: dict[str, Any], figures: Sequence[Figure], broken: Sequence[str]
) -> None:
    """Replace the figures of the page; the surrounding text is kept.

    Args:
        page: The file; it has both marks.
        about: The machine and the versions.
        figures: All of them.
        broken: Names of the measurements that failed.
    """
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page.name} lacks {BEGIN} or {END}")
    block = figures_block(about, figures, broken, on=datetime.now(UTC))
    page.write_text(f"{before}{BEGIN}\n\n{block}\n{END}{after}", "utf-8")


def figures_block(
    about: dict[str, Any], figures: Sequence[Figure], broken: Sequence[str], *, on: datetime
) -> str:
    """Return the figures in Markdown.

    Args:
        about: The machine and the versions.
        figures: All of them.
        broken: Names of the measurements that failed.
        on: Date of the run.
    """
    ours = {k: v for k, v in about.items() if isinstance(v, str) and k != "python"}
    peers = {f"peer's {k}": v for k, v in about["peers"].items()}
    versions = ", ".join(f"{name} {number}" for name, number in {**ours, **peers}.items())
    lines = [
        f"Measured on {on:%Y-%m-%d}, {about['cores']} cores, Python {about['python']}; load "
        f"{about['load'][0]} at the start, {about['load at the end'][0]} at the end, "
        f"steal {about['steal']} %; {about['seconds']} s in total. {versions}.",
        "",
        "| measure | goal | measured | | details |",
        "|---|---|---|---|---|",
        *(_row(figure) for figure in figures),
        *(f"| `{name}` | | | **broken** | could not be measured |" for name in broken),
    ]
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    state = {"missed": "**missed**", "no goal": ""}.get(figure.state, figure.state)
    cells = (figure.what, figure.promised, figure.measured, state, _on_one_line(figure.detail))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
