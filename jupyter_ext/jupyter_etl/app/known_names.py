"""Whether somebody's records can exist: a listing for a wrong name must not look like an empty one."""

from __future__ import annotations

from jupyter_etl.app.targets import table_of_source
from jupyter_etl.errors import NotFound
from jupyter_etl.ports import Store
from jupyter_etl.spec.names import nearest


def must_be_pipeline(store: Store, name: str) -> None:
    """Refuse the name of no pipeline.

    A notebook that was only run, and a pipeline that was removed, have records under their names too.

    Raises:
        NotFound: Nothing is recorded under the name; the hint has the nearest that is known.
    """
    names = {one.name for one in store.load_pipelines()}
    names |= {one.pipeline for one in store.load_watermarks()}
    if name in names or store.count_runs(pipeline=name):
        return
    names |= {run.new.pipeline for run in store.load_runs()}
    hint = nearest(name, sorted(names)).strip() or "List them: jupyter etl pipelines"
    raise NotFound(f"There is no pipeline {name!r}.", hint=hint)


def must_be_readable(store: Store, name: str) -> None:
    """Refuse what is neither a source, nor a table of one, nor a publication.

    Raises:
        NotFound: The hint has the nearest name that is known.
    """
    sources = [one.name for one in store.load_sources()]
    publications = [one.name for one in store.load_publications()]
    if table_of_source(name, sources) is None and name not in publications:
        hint = nearest(name, [*sources, *publications]).strip()
        raise NotFound(f"There is no source or publication {name!r}.", hint=hint)
