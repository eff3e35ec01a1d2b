"""How what is held back is shown."""

from __future__ import annotations

from jupyter_etl.app.differences import difference_rows
from jupyter_etl.model import Hold
from jupyter_etl_magics.display import Card


def held_card(hold: Hold, *, title: str, tone: str, then: str = "") -> Card:
    """Return a hold with its differences.

    Args:
        hold: Which.
        title, tone: Of the card.
        then: What to do next; "" for nothing.
    """
    rows = [
        {"publication": difference.name, **row}
        for difference in hold.differences
        for row in difference_rows(difference)
    ]
    reasons = [f"{d.name}: {reason}" for d in hold.differences for reason in d.reasons]
    return Card(title=title, tone=tone, rows=rows, notes=[*reasons, then])
