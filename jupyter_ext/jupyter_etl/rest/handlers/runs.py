"""What ran, runs and will run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.language.commands.runs import RetryRequest
from jupyter_etl.model import Retried, RunState
from jupyter_etl.rest.handler import MOST_ROWS, EtlHandler
from jupyter_etl.rest.requests import Nothing, parse_choices
from jupyter_etl.rest.views import retried_view, run_detail_view, run_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


class RunsHandler(EtlHandler):
    """``runs``."""

    async def get(self) -> None:
        """Return a page of the runs, newest first."""
        pipeline = self.get_query_argument("pipeline", "") or None
        states = parse_choices("state", self.get_query_arguments("state"), RunState)
        limit = self.number("limit", default=100, low=1, high=MOST_ROWS)
        offset = self.number("offset", default=0)

        def page(etl: Etl) -> object:
            found = etl.runs.list(pipeline=pipeline, states=states, limit=limit, offset=offset)
            now = etl.clock.now()
            return {
                "items": [run_view(run, now=now) for run in found],
                "total": etl.runs.count(pipeline=pipeline, states=states),
            }

        await self.answer(page)


class RunHandler(EtlHandler):
    """``runs/{id}``."""

    async def get(self, run: str) -> None:
        """Return one run with its attempts, what it holds back and the end of its log."""
        run_id = self.run_id(run)

        def detail(etl: Etl) -> object:
            found = etl.runs.get(run_id)
            attempts = etl.runs.attempts(run_id)
            held = next((hold for hold in etl.holds.list() if hold.run_id == run_id), None)
            return run_detail_view(found, attempts, etl.runs.log(run_id), held, now=etl.clock.now())

        await self.answer(detail)


class RunCancelHandler(EtlHandler):
    """``runs/{id}/cancel``."""

    async def post(self, run: str) -> None:
        """Ask to cancel it."""
        run_id = self.run_id(run)
        self.body(Nothing)
        await self.answer(lambda etl: run_view(etl.runs.cancel(run_id), now=etl.clock.now()))


class RunRetryHandler(EtlHandler):
    """``runs/{id}/retry``."""

    async def post(self, run: str) -> None:
        """Queue it once more."""
        run_id = self.run_id(run)
        asked = self.request_body(RetryRequest, run=run_id)

        def retry(etl: Etl) -> object:
            if asked.from_failed_cell:
                retried = etl.runs.retry_from_failed_cell(run_id)
            else:
                retried = Retried(run=etl.runs.retry(run_id))
            return retried_view(retried, now=etl.clock.now())

        await self.answer(retry)


class RunNotebookHandler(EtlHandler):
    """``runs/{id}/notebook``."""

    async def get(self, run: str) -> None:
        """Return the executed notebook, as far as it has come."""
        run_id = self.run_id(run)
        self.finish(await self.ask(lambda etl: etl.redacted_answer(etl.runs.notebook(run_id))))


class RunLogHandler(EtlHandler):
    """``runs/{id}/log``."""

    async def get(self, run: str) -> None:
        """Return what happened in it, as plain text."""
        run_id = self.run_id(run)
        text = await self.ask(lambda etl: etl.redacted_answer(etl.runs.log(run_id)))
        self.finish(text, set_content_type="text/plain; charset=utf-8")
