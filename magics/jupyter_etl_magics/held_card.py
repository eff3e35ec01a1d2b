"""How what is held back is shown."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.app.differences import difference_rows, hold_reasons, hold_title
from jupyter_etl.model import Hold
from jupyter_etl_magics.display import Card


def held_card(
    hold: Hold, *, title: str, tone: str, then: str = "", below: Sequence[Card] = ()
) -> Card:
    """Return a hold with its differences.

    Args:
        hold: Which.
        title, tone: Of the card.
        then: What to do next; "" for nothing.
        below: Cards that belong to it.
    """
    rows = [
        {"publication": difference.name, **row}
        for difference in hold.differences
        for row in difference_rows(difference)
    ]
    notes = [*hold_reasons(hold), then]
    return Card(title=title, tone=tone, rows=rows, notes=notes, below=below)


def waiting_cards(holds: Sequence[Hold]) -> list[Card]:
    """Return a card for each of these, or one that says that there is none."""
    if not holds:
        return [Card(title="Nothing is held back.")]
    return [
        held_card(hold, title=hold_title(hold), tone="warn", then=choice(hold)) for hold in holds
    ]


def choice(hold: Hold) -> str:
    """Return what can be done about a hold."""
    number = hold.run_id
    return (
        f"To look at it: %etl held {number}; to publish it: %etl approve {number}; "
        f"or: %etl reject {number}"
    )
