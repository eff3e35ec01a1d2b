"""Display of command results: themed HTML, and text for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from IPython.display import display

from jupyter_etl.language.text import aligned, printable

if TYPE_CHECKING:
    import pyarrow as pa

_STYLE = """<style>
.etl-card{font-family:var(--jp-ui-font-family,system-ui);font-size:13px;line-height:1.45;
color:var(--jp-ui-font-color1,inherit);margin:2px 0}
div.etl-card.etl-card table{border-collapse:collapse;margin:4px 0;
font-variant-numeric:tabular-nums}
div.etl-card.etl-card th{text-align:left;font-weight:600;color:var(--jp-ui-font-color2,inherit);
border-bottom:1px solid var(--jp-border-color1,#8888);padding:2px 10px 2px 0}
div.etl-card.etl-card td{padding:2px 10px 2px 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--jp-border-color3,#8883)}
.etl-card .etl-title{font-weight:600}
.etl-card .etl-note{color:var(--jp-ui-font-color2,inherit)}
.etl-card .etl-ok{color:var(--jp-success-color1,#2e7d32)}
.etl-card .etl-warn{color:var(--jp-warn-color1,#b26a00)}
.etl-card .etl-error{color:var(--jp-error-color1,#c62828)}
</style>"""
"""Selectors repeat the class, because JupyterLab's rules, which align cells to the right, are more
specific.
"""

_MARKS = {"ok": "✓", "warn": "!", "error": "✗", "": ""}


_CARD = {"jupyter_etl": {"card": True}}
"""Metadata of a message of `%etl`, which reports without code omit."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A titled table with notes.

    Args:
        title: One line.
        tone: ``ok``, ``warn``, ``error`` or "" for none: mark and colour of the title.
        rows: All with the same keys, which are the headings.
        notes: Lines below the table.
        below: Related cards.
    """

    title: str
    tone: str = ""
    rows: Sequence[Mapping[str, object]] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    below: Sequence[Card] = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text()}

    def html(self) -> str:
        """Return the card as HTML; every value is escaped."""
        return f"{_STYLE}{self._plain_html()}"

    def _plain_html(self) -> str:
        mark = f'<span class="etl-{self.tone}">{_MARKS[self.tone]}</span> ' if self.tone else ""
        parts = ['<div class="etl-card">']
        parts.append(f'<div class="etl-title">{mark}{escape(self.title)}</div>')
        if self.rows:
            parts.append(_html_table(self.rows))
        parts += [f'<div class="etl-note">{escape(note)}</div>' for note in self.notes if note]
        parts += [card._plain_html() for card in self.below]
        return "".join([*parts, "</div>"])

    def text(self) -> str:
        """Return the card as plain text."""
        mark = f"{_MARKS[self.tone]} " if self.tone else ""
        lines = [mark + self.title]
        if self.rows:
            cells = [[shown(value) for value in row.values()] for row in self.rows]
            lines += aligned([[str(name) for name in self.rows[0]], *cells])
        lines += [note for note in self.notes if note]
        return printable("\n".join([*lines, *(card.text() for card in self.below)]))


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A cell with a drawing.

    Args:
        html: Markup, in which all data is escaped.
        text: For terminals.
    """

    html: str
    text: str


class _Datum(int):
    """An integer of the user's data, shown without separators: it may be a year or a key."""


def _datum(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return _Datum(value)
    return value


def show(card: Card) -> None:
    """Show a card in the notebook or terminal."""
    display(card, metadata=_CARD)  # type: ignore[no-untyped-call]  # IPython has no types


def show_styled(html: str, text: str) -> None:
    """Show HTML in the cards' style, or the text in a terminal.

    Args:
        html: A ``div`` of class ``etl-card`` in which every value is escaped.
        text: The same as plain text.
    """
    bundle = {"text/html": f"{_STYLE}{html}", "text/plain": text}
    display(bundle, raw=True, metadata=_CARD)  # type: ignore[no-untyped-call]  # IPython has no types


def shown(value: object) -> str:
    """Format a value for display; an instant in local time with its time zone."""
    if value is None or value == "":
        return "–"
    if isinstance(value, Drawing):
        return value.text
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return str(value)
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, _Datum):
        return str(int(value))
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        # Not 1.23457e+06: numbers of this size usually are counts and amounts.
        return f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:,.6g}"
    return str(value)


def counted(count: int, noun: str) -> str:
    """Format a count: ``1 table``, ``2,000 tables``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def arrow_rows(table: pa.Table) -> list[dict[str, object]]:
    """Return an Arrow table as rows for display."""
    rows: list[dict[str, object]] = table.to_pylist()
    return [{name: _datum(value) for name, value in row.items()} for row in rows]


def of_total(shown_rows: int, total: int | None) -> str:
    """Describe how many of all rows are shown."""
    if total is None:
        return f"Showing the first {shown_rows:,} rows; there may be more."
    if shown_rows < total:
        return f"Showing {shown_rows:,} of {total:,} rows."
    return f"All {total:,} rows."


def _html_table(rows: Sequence[Mapping[str, object]]) -> str:
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(map(_html_cell, row.values())) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(value: object) -> str:
    if isinstance(value, Drawing):
        return f"<td>{value.html}</td>"
    return f"<td>{escape(shown(value))}</td>"
