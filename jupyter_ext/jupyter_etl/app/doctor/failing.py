"""Does anything fail so often that the platform leaves it alone?"""

from __future__ import annotations

from jupyter_etl.app.doctor.diagnosis import Diagnosis, Setup, listed, warn


def paused(setup: Setup) -> Diagnosis | None:
    """Has the platform paused no pipeline?"""
    if setup.store is None:
        return None
    found = [pipeline for pipeline in setup.store.load_pipelines() if pipeline.pause_note]
    if not found:
        return None
    notes = listed(f"{pipeline.name} ({pipeline.pause_note})" for pipeline in found)
    first = found[0].name
    return warn(
        "paused",
        f"the platform paused: {notes}",
        f"Mend what fails, then: jupyter etl resume {first}",
    )


def silent(setup: Setup) -> Diagnosis | None:
    """Does every source answer?"""
    if setup.store is None:
        return None
    found = [b for b in setup.store.load_breakers() if b.retry_at is not None]
    if not found:
        return None
    told = listed(f"{b.source} ({b.failures} failures in a row)" for b in found)
    return warn(
        "silent sources",
        f"these did not answer, and runs wait for them: {told}",
        "One run tries again every 30 s. Look whether they run and can be reached.",
    )


CHECKS = (paused, silent)
