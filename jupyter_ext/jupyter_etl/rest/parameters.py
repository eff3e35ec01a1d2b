"""Parameters that several routes have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

MOST_ROWS = 1_000
"""Maximum number of rows of a preview, and of entries on a page."""

Search = Annotated[
    str,
    Meta(
        description="Only entries whose name, owner, path or tag (`team=ops`) contains this text; "
        "case is ignored."
    ),
]
Tags = Annotated[
    tuple[str, ...], Meta(description="Only entries with these tags, as `KEY=VALUE`; repeated.")
]
Limit = Annotated[int, Meta(ge=1, le=MOST_ROWS, description="Number of entries on the page.")]
Offset = Annotated[int, Meta(ge=0, le=10**9, description="Number of entries before the page.")]
Rows = Annotated[int, Meta(ge=1, le=MOST_ROWS, description="Number of rows.")]
Version = Annotated[
    int, Meta(ge=0, le=10**9, description="Number of the version; 0 for the newest.")
]
Draft = Annotated[bool, Meta(description="Use the drafts instead of the live versions.")]
