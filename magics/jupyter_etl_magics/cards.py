"""Cards below cells: runs, pending approvals, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from jupyter_etl.language.durations import rounded_duration
from jupyter_etl.model import Checkpoint, ColumnProfile, Hold, Profile, Run, RunState
from jupyter_etl.services.health import seconds_of
from jupyter_etl.services.publications.differences import difference_rows, hold_reasons, hold_title
from jupyter_etl.services.runs.lookup import failure_lines
from jupyter_etl_magics.display import Card, Drawing, shown


def held_card(
    hold: Hold, *, title: str, tone: str, then: str = "", below: Sequence[Card] = ()
) -> Card:
    """Return a card for a hold with its differences.

    Args:
        title, tone: Title and tone of the card.
        then: The next step; "" for none.
        below: Related cards.
    """
    rows = [
        {"publication": difference.name, **row}
        for difference in hold.differences
        for row in difference_rows(difference)
    ]
    notes = [*hold_reasons(hold), then]
    return Card(title=title, tone=tone, rows=rows, notes=notes, below=below)


def waiting_cards(holds: Sequence[Hold]) -> list[Card]:
    """Return a card for each hold, or one that reports that there are none."""
    if not holds:
        return [Card(title="No runs are held.")]
    return [
        held_card(hold, title=hold_title(hold), tone="warn", then=choice(hold)) for hold in holds
    ]


def choice(hold: Hold) -> str:
    """Return the possible decisions about a hold."""
    number = hold.run_id
    return (
        f"Review it: %etl held {number}; to publish it: %etl approve {number}; "
        f"or: %etl reject {number}"
    )


_TONES = {
    RunState.SUCCEEDED: "ok",
    RunState.FAILED: "error",
    RunState.HELD: "error",
    RunState.CANCELLED: "warn",
    RunState.SKIPPED: "warn",
}


def outcome_of(run: Run) -> str:
    """Return the state of a run as text."""
    return (run.outcome if run.finished_at and run.outcome else run.state).value.replace("_", " ")


def took(run: Run) -> float | None:
    """Return the execution time of a run in seconds; None before it starts."""
    seconds = seconds_of(run, datetime.now(UTC))
    return None if seconds is None else round(seconds, 1)


def run_card(run: Run, checkpoint: Checkpoint | None = None) -> Card:
    """Return a card for a run with its publications and failure.

    Args:
        checkpoint: The checkpoint that it can resume from.
    """
    rows: list[dict[str, object]] = [
        {
            "published": v.name,
            "version": f"draft {v.number}" if v.draft else v.number,
            "rows": v.what.rows,
        }
        for v in run.published
    ]
    seconds = took(run)
    again = f"Review it: %etl held {run.id}" if run.state is RunState.HELD else ""
    if checkpoint is not None:
        again = (
            f"Retry from cell {checkpoint.failed_cell + 1}: %etl retry {run.id} --from-failed-cell"
        )
    return Card(
        title=f"Run {run.id} of {run.new.pipeline}: {outcome_of(run)}"
        + ("" if seconds is None else f" in {rounded_duration(seconds)}"),
        tone=_TONES.get(run.state, ""),
        rows=rows,
        notes=[*failure_lines(run), run.output, again],
    )


_WIDTH, _HEIGHT = 120, 28
_BLOCKS = "▁▂▃▄▅▆▇█"


def profile_card(profile: Profile) -> Card:
    """Return a table with a row and a histogram per column."""
    rows = [_row(column, profile.rows) for column in profile.columns]
    notes = []
    if any(column.distinct_error for column in profile.columns):
        error = max(column.distinct_error for column in profile.columns)
        notes.append(f"≈: distinct values are estimated, ±{error:.1%} in 95 of 100 cases.")
    if profile.rank_error:
        notes.append(
            f"The median is that of {profile.sampled_rows:,} random rows: its rank is off by at "
            f"most {profile.rank_error:.0%} in 95 of 100 cases. Everything else is exact."
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
    """Return a number of the data for display without separators: it may be a year or a key."""
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else str(value)


def _drawn(column: ColumnProfile, rows: int) -> object:
    if column.bins:
        heights = [one.rows for one in column.bins]
        ends = f"{_plain(column.bins[0].low)} to {_plain(column.bins[-1].high)}"
        titles = [f"{_plain(b.low)} to {_plain(b.high)}: {b.rows:,} rows" for b in column.bins]
        label = f"Histogram of {column.name} from {ends}, rows per bin: "
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
    aria_label = escape(
        label + ", ".join(shown(count) if count else "0" for count in heights), quote=True
    )
    return (
        f'<svg role="img" aria-label="{aria_label}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" style="fill:var(--jp-brand-color1,currentColor)">'
        f"{bars}</svg>"
    )


def _tall(count: int, most: int) -> float:
    """Return a height that makes even a single row visible."""
    return max(count / most * _HEIGHT, 1.0)


def _line(heights: Sequence[int]) -> str:
    most = max(heights)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(count / most * top)] if count else " " for count in heights)
