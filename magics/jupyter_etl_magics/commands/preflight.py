"""``%etl preflight``: what would fail in a clean kernel."""

from __future__ import annotations

from typing import Any

from jupyter_etl.engine.preflight import summarize
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show what a headless run would stumble over."""
    args: dict[str, Any] = command.args
    findings = session.etl.pipelines.preflight(session.notebook(args["notebook"]))
    rows: list[dict[str, object]] = [
        {"": f.severity, "finding": f.message, "next": f.hint} for f in findings
    ]
    severities = {f.severity for f in findings}
    worst = "error" if "error" in severities else "warn" if "warning" in severities else "ok"
    show(Card(title=summarize(findings), tone=worst, rows=rows))
