"""How a profile is shown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from jupyter_etl.model import ColumnProfile, Profile
from jupyter_etl_magics.display import Card, Drawing, shown

_WIDTH, _HEIGHT = 120, 28
_BLOCKS = "▁▂▃▄▅▆▇█"


def profile_card(profile: Profile) -> Card:
    """Return a table with a line and a histogram a column."""
    rows = [_row(column, profile.rows) for column in profile.columns]
    notes = []
    if any(column.distinct_error for column in profile.columns):
        error = max(column.distinct_error for column in profile.columns)
        notes.append(f"≈: different values are estimated, ±{error:.1%} in 95 of 100 cases.")
    if profile.rank_error:
        notes.append(
            f"The median is of {profile.sampled_rows:,} rows at random: its rank is off by "
            f"{profile.rank_error:.0%} at most in 95 of 100 cases. Everything else is exact."
        )
    return Card(
        title=f"{profile.name}: {profile.rows:,} rows, {len(profile.columns)} columns",
        rows=rows,
        notes=notes,
    )


def _row(column: ColumnProfile, rows: int) -> dict[str, object]:
    share = f" ({column.nulls / rows:.1%})" if rows and column.nulls else ""
    about = "≈ " if column.distinct_error else ""
    median = column.quantiles[len(column.quantiles) // 2] if column.quantiles else None
    return {
        "column": column.name,
        "type": column.type,
        "nulls": f"{column.nulls:,}{share}",
        "distinct": f"{about}{column.distinct:,}",
        "min": _plain(column.least),
        "median": _plain(median),
        "max": _plain(column.greatest),
        "mean": column.mean,
        "values": _drawn(column, rows),
    }


def _plain(value: object) -> object:
    """Show a number of the data without separators: it may be a year or a key."""
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else str(value)


def _drawn(column: ColumnProfile, rows: int) -> object:
    if column.bins:
        heights = [one.rows for one in column.bins]
        ends = f"{_plain(column.bins[0].low)} to {_plain(column.bins[-1].high)}"
        titles = [f"{_plain(b.low)} to {_plain(b.high)}: {b.rows:,} rows" for b in column.bins]
        label = f"Histogram of {column.name} from {ends}, rows a bin: "
        return Drawing(html=_svg(heights, titles, label), text=_line(heights))
    if column.frequent:
        often = [f"{one.value}: {one.rows / rows:.1%}" for one in column.frequent]
        return ", ".join(often[:3]) + (", …" if column.distinct > len(often[:3]) else "")
    return None


def _svg(heights: Sequence[int], titles: Sequence[str], label: str) -> str:
    """Draw bars that a screen reader reads as their numbers."""
    most, width = max(heights), _WIDTH / len(heights)
    bars = "".join(
        f'<rect x="{place * width:.1f}" y="{_HEIGHT - _tall(count, most):.1f}" '
        f'width="{max(width - 0.5, 0.5):.1f}" height="{_tall(count, most):.1f}">'
        f"<title>{escape(title)}</title></rect>"
        for place, (count, title) in enumerate(zip(heights, titles, strict=True))
        if count
    )
    said = escape(
        label + ", ".join(shown(count) if count else "0" for count in heights), quote=True
    )
    return (
        f'<svg role="img" aria-label="{said}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" style="fill:var(--jp-brand-color1,currentColor)">'
        f"{bars}</svg>"
    )


def _tall(count: int, most: int) -> float:
    """Return a height that shows a single row too."""
    return max(count / most * _HEIGHT, 1.0)


def _line(heights: Sequence[int]) -> str:
    most = max(heights)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(count / most * top)] if count else " " for count in heights)
