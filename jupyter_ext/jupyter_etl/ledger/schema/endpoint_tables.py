"""The tables of the ledger for endpoints and their consumers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from jupyter_etl.ledger.schema.metadata import metadata
from jupyter_etl.ledger.schema.types import Choice, Instant, Json, Words
from jupyter_etl.model import Arm, CallRole, TrafficMode

# An endpoint without a row sends all calls to its live version.
traffic = Table(
    "traffic",
    metadata,
    Column("name", Text, ForeignKey("publications.name"), primary_key=True),
    Column("mode", Choice(TrafficMode), nullable=False),
    Column("arms", Json(tuple[Arm, ...]), nullable=False),
    Column("by", Words, nullable=False),
    Column("shadow", Integer),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("note", Words, nullable=False),
)

call_counts = Table(
    "call_counts",
    metadata,
    Column("name", Text, ForeignKey("publications.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("role", Choice(CallRole), primary_key=True),
    Column("minute", Instant, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("seconds", Json(dict[int, int]), nullable=False),
    Column("compared", BigInteger, nullable=False),
    Column("differing", BigInteger, nullable=False),
    Column("gaps", Json(dict[int, int]), nullable=False),
    Index("ix_call_counts_minute", "minute"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("read", Json(tuple[str, ...]), nullable=False),
    Column("call", Json(tuple[str, ...]), nullable=False),
    Column("owner", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", Text, nullable=False, server_default=""),
    Column("rate", Float),
    Column("last_used_at", Instant),
    UniqueConstraint("digest", name="uq_tokens_digest"),
)
