"""Checks of the lake: its published files match the ledger."""

from __future__ import annotations

from jupyter_etl.errors import EtlError
from jupyter_etl.model import PublicationKind, PublicationVersion
from jupyter_etl.ports import Store
from jupyter_etl.publishing.lake.layout import still_there
from jupyter_etl.publishing.tables.record import examine, restore_entries
from jupyter_etl.publishing.tables.version_numbers import read_numbers
from jupyter_etl.services.doctor.diagnosis import Diagnosis, Setup, listed, warn, well, wrong
from jupyter_etl.services.lakes import LedgerLake


def mounted(setup: Setup) -> Diagnosis | None:
    """Check that the lake is mounted and belongs to this ledger."""
    if setup.store is None:
        return None
    lake = LedgerLake(root=setup.settings.lake, store=setup.store)
    try:
        lake.check()
    except EtlError as problem:
        if not (setup.repair and lake.mark_again()):
            return wrong("mounted", problem.message, problem.hint)
        return well("mounted", f"{lake.root} is empty", repaired="it was marked again")
    return well("mounted", f"{lake.root} is the lake of this ledger")


def published(setup: Setup) -> Diagnosis | None:
    """Check that the files of all live versions exist and are undamaged."""
    if setup.store is None:
        return None
    live = [p.live for p in setup.store.load_publications() if p.live is not None]
    live = [version for version in live if version.pruned_at is None]
    if not live:
        return None
    repaired = _repair(live, setup.store) if setup.repair else []
    problems = [problem for version in live if (problem := _problem(version)) is not None]
    done = f"the logs of {listed(repaired)} were restored from the ledger" if repaired else ""
    if not problems:
        message = f"{len(live):,} live versions match the ledger"
        return well("published", message, repaired=done)
    message = listed(problem.message.rstrip(".") for problem in problems)
    return wrong("published", message, problems[0].hint, repaired=done)


def numbers(setup: Setup) -> Diagnosis | None:
    """Check that the ledger has a record of all versions in the lake."""
    if setup.store is None:
        return None
    store = setup.store
    found = read_numbers(setup.settings.lake)
    given = {key: store.next_publication_number(key[0], draft=key[1]) for key in found}
    if setup.repair:
        store.save_given_numbers({k: n for k, n in found.items() if n >= given[k]})
    # The next number may belong to a run that was killed before the ledger recorded its version.
    unknown = [f"{name} ({found[name, d]})" for name, d in found if found[name, d] > given[name, d]]
    if not unknown:
        return None
    message = f"the lake has newer versions than the ledger: {listed(unknown)}"
    if setup.repair:
        return well("numbers", message, repaired="their numbers are reserved")
    return warn(
        "numbers",
        message,
        "An older copy of the ledger may have been restored. To reserve their numbers: jupyter "
        "etl doctor --repair",
    )


def _problem(version: PublicationVersion) -> EtlError | None:
    try:
        if version.what.kind is PublicationKind.TABLE:
            examine(version)
        else:
            still_there(version)
    except EtlError as problem:
        return problem
    return None


def _repair(live: list[PublicationVersion], store: Store) -> list[str]:
    """Restore the log entries of damaged tables; return the names of these tables."""
    names = []
    for version in live:
        if version.what.kind is not PublicationKind.TABLE or _problem(version) is None:
            continue
        location, written = version.what.location, 0
        for one in reversed(store.load_publication_versions(version.name)):
            if one.what.location == location and one.pruned_at is None:
                entries = store.load_table_log(one.name, one.number, draft=False)
                written += len(restore_entries(location, entries))
        if written:
            names.append(version.name)
    return names


CHECKS = (mounted, published, numbers)
