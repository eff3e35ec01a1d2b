"""Run events in the OpenLineage format.

Source:
    OpenLineage 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import NAMESPACE_OID, uuid5

from jupyter_etl._version import __version__
from jupyter_etl.ledger.lineage import merged
from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckStatus,
    Column,
    ColumnOrigin,
    Committed,
    Outcome,
    Read,
    Source,
    SourceKind,
)
from jupyter_etl.ports import Claim

NAMESPACE = "jupyter-etl"
"""Namespace of jobs and publications."""

_PRODUCER = f"urn:jupyter-etl:{__version__}"
_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets/"
_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306}
_TYPES = {
    Outcome.SUCCEEDED: "COMPLETE",
    Outcome.CANCELLED: "ABORT",
}

Event = dict[str, object]


def start_event(claim: Claim, *, at: datetime) -> Event:
    """Return the event for the start of an attempt.

    Args:
        claim: The attempt and its run.
    """
    return _event(claim, "START", at, error="")


def end_event(
    claim: Claim,
    report: AttemptReport,
    *,
    at: datetime,
    sources: Mapping[str, Source],
    versions: Mapping[str, int],
    outputs: Mapping[str, str],
) -> Event:
    """Return the event for the end of an attempt.

    Args:
        claim: The attempt and its run.
        sources: The sources it read, by name; other names are publications.
        versions: Version numbers it published, by publication.
        outputs: Frames that the notebook publishes as tables: variable to publication.
    """
    kind = _TYPES.get(report.outcome, "FAIL")
    event = _event(claim, kind, at, error=report.error)
    checks = _by_dataset(report.checks, outputs)
    event["inputs"] = [
        _input(read, sources, checks.get(read.source, ())) for read in merged(report.reads)
    ]
    event["outputs"] = [
        _output(
            one,
            versions.get(one.name),
            report.origins.get(one.name, ()),
            sources,
            checks.get(one.name, ()),
        )
        for one in report.committed
    ]
    return event


def dataset_of(source: Source, table: str) -> tuple[str, str]:
    """Return the namespace and name of a source's data, without credentials.

    Args:
        table: Table of the source; "" for a source that is one table.
    """
    if source.kind == SourceKind.PUBLICATION:
        return NAMESPACE, source.location
    if source.kind == SourceKind.FRAME:
        return f"{NAMESPACE}:frame", source.location
    url = urlsplit(source.location)
    scheme = url.scheme.partition("+")[0]
    if len(scheme) < 2:
        return "file", source.location
    if scheme in ("sqlite", "file"):
        path = url.path.removeprefix("/") if scheme == "sqlite" else url.path
        return "file", f"{path}.{table}" if table else path
    database = source.kind == SourceKind.SQL
    port = url.port or (_PORTS.get(scheme) if database else None)
    host = f"{url.hostname or 'localhost'}{f':{port}' if port else ''}"
    name = url.path.strip("/") or "/"
    if database:
        scheme = "postgres" if scheme == "postgresql" else scheme
        name = f"{name}.{table}" if table else name
    return f"{scheme}://{host}", name


def _event(claim: Claim, kind: str, at: datetime, *, error: str) -> Event:
    new = claim.run.new
    facets: Event = {
        "nominalTime": _facet(
            "1-0-1/NominalTimeRunFacet",
            nominalStartTime=new.interval.start.isoformat(),
            nominalEndTime=new.interval.end.isoformat(),
        )
    }
    if error:
        facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet", message=error, programmingLanguage="PYTHON"
        )
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": _PRODUCER,
        "schemaURL": _EVENT,
        # The token itself is the attempt's secret.
        "run": {"runId": str(uuid5(NAMESPACE_OID, claim.attempt.token)), "facets": facets},
        "job": {
            "namespace": NAMESPACE,
            "name": new.pipeline,
            "facets": {
                "jobType": _facet(
                    "2-0-3/JobTypeJobFacet",
                    processingType="BATCH",
                    integration="JUPYTER_ETL",
                    jobType="NOTEBOOK",
                ),
                "ownership": _facet(
                    "1-0-1/OwnershipJobFacet", owners=[{"name": new.owner, "type": "OWNER"}]
                ),
            },
        },
        "inputs": [],
        "outputs": [],
    }


def _facet(schema: str, **fields: object) -> Event:
    name = schema.rpartition("/")[2]
    url = f"{_FACETS}{schema}.json#/$defs/{name}"
    return {"_producer": _PRODUCER, "_schemaURL": url, **fields}


def _identity(source: str, table: str, sources: Mapping[str, Source]) -> Event:
    known = sources.get(source)
    namespace, name = (NAMESPACE, source) if known is None else dataset_of(known, table)
    return {"namespace": namespace, "name": name}


def _input(read: Read, sources: Mapping[str, Source], checks: Sequence[CheckResult]) -> Event:
    facets: Event = {}
    if read.version:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=read.version)
    inputs: Event = {}
    counted = {"rowCount": read.rows, "size": read.bytes}
    if known := {name: value for name, value in counted.items() if value is not None}:
        inputs["inputStatistics"] = _facet("1-0-0/InputStatisticsInputDatasetFacet", **known)
    if checks:
        inputs["dataQualityAssertions"] = _assertions(checks)
    identity = _identity(read.source, read.table, sources)
    return {**identity, "facets": facets, "inputFacets": inputs}


def _output(
    one: Committed,
    number: int | None,
    origins: Sequence[ColumnOrigin],
    sources: Mapping[str, Source],
    checks: Sequence[CheckResult],
) -> Event:
    facets: Event = {
        "dataSource": _facet(
            "1-0-1/DatasourceDatasetFacet", name=NAMESPACE, uri=_plain(one.location)
        )
    }
    if one.columns:
        facets["schema"] = _facet("1-1-1/SchemaDatasetFacet", fields=_fields(one.columns))
    if number is not None:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=str(number))
    if origins:
        facets["columnLineage"] = _facet(
            "1-2-0/ColumnLineageDatasetFacet", fields=_column_lineage(origins, sources)
        )
    if checks:
        facets["dataQualityAssertions"] = _assertions(checks)
    counted: Event = {"size": one.bytes}
    if one.changed_rows is not None:
        counted["rowCount"] = one.changed_rows
    statistics = _facet("1-0-2/OutputStatisticsOutputDatasetFacet", **counted)
    return {
        "namespace": NAMESPACE,
        "name": one.name,
        "facets": facets,
        "outputFacets": {"outputStatistics": statistics},
    }


def _fields(columns: Iterable[Column]) -> list[Event]:
    return [{"name": column.name, "type": column.type} for column in columns]


def _column_lineage(origins: Iterable[ColumnOrigin], sources: Mapping[str, Source]) -> Event:
    fields: dict[str, list[Event]] = {}
    for one in origins:
        origin = {**_identity(one.source, one.table, sources), "field": one.source_column}
        fields.setdefault(one.column, []).append(origin)
    return {column: {"inputFields": found} for column, found in fields.items()}


def _by_dataset(
    checks: Iterable[CheckResult], outputs: Mapping[str, str]
) -> dict[str, list[CheckResult]]:
    found: dict[str, list[CheckResult]] = {}
    for check in checks:
        found.setdefault(outputs.get(check.dataset, check.dataset), []).append(check)
    return found


def _assertions(checks: Iterable[CheckResult]) -> Event:
    assertions = []
    for check in checks:
        one: Event = {
            "assertion": check.rule.text,
            "success": check.status is CheckStatus.PASS,
            "severity": check.rule.severity.value,
        }
        if check.rule.column:
            one["column"] = check.rule.column
        assertions.append(one)
    return _facet("1-0-1/DataQualityAssertionsDatasetFacet", assertions=assertions)


def _plain(location: str) -> str:
    """Return the location of an output, without user, password and query."""
    url = urlsplit(location)
    if len(url.scheme) < 2:
        return Path(location).as_uri() if location.startswith("/") else location
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname or ''}{port}{url.path}"
