"""``%etl status``: how everything stands."""

from __future__ import annotations

from jupyter_etl.model import ACTIVE
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.health_notes import attention_notes, missing_notes, tone_of
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show where this notebook stands and what is running."""
    if session.in_run:
        context = session.workbench.context
        show(Card(title=f"Inside run {context.id} of {context.pipeline}."))
        return
    etl = session.etl
    overview = etl.health.overview()
    rows: list[dict[str, object]] = [
        {"": "owner", " ": etl.settings.owner},
        {"": "home", " ": str(etl.settings.home)},
        {"": "schedulers alive", " ": len(overview.schedulers)},
        {"": "pipelines", " ": len(overview.pipelines)},
        {"": "runs waiting or running", " ": etl.runs.count(states=ACTIVE)},
        {"": "runs held", " ": len(overview.held_runs)},
        {"": "publications", " ": len(etl.publications.list())},
    ]
    silent = [
        f"{name} did not answer {breaker.failures} times in a row; "
        f"the next run tries it at {breaker.retry_at:%H:%M:%S} UTC."
        for name, breaker in overview.silent_sources.items()
    ]
    notes = [
        *attention_notes(overview.attention),
        *missing_notes(etl.pipelines),
        *(f"{name} is older than its owner promised." for name in overview.stale),
        *silent,
        f"No run is started on this machine: {overview.full_disk}." if overview.full_disk else "",
        "" if overview.schedulers else "No scheduler is alive. Start one: jupyter etl up",
    ]
    tone = tone_of(overview.pipelines.values())
    if not overview.well and tone != "error":
        tone = "warn"
    title = "All is well." if overview.well else f"Needs you: {', '.join(overview.problems)}."
    show(Card(title=title, tone=tone or "ok", rows=rows, notes=notes))
