"""The commands about watermarks."""

from __future__ import annotations

from argparse import Namespace

from jupyter_etl.app import Etl
from jupyter_etl.app.watermarks import said
from jupyter_etl.cli.output import write_json, write_table
from jupyter_etl.errors import DeclarationError

_NONE = "No watermarks yet. In a notebook: orders = %etl load wh.orders --since updated_at"


def watermarks(etl: Etl, args: Namespace) -> int:
    """List the watermarks of all pipelines, or of one."""
    return _show([said(one) for one in etl.watermarks.list(args.pipeline)], args)


def watermark(etl: Etl, args: Namespace) -> int:
    """Show or set the watermark of one table."""
    if args.set is not None and args.reset:
        raise DeclarationError("--set gives a value and --reset takes it away; use one of them.")
    if args.set is None and not args.reset:
        found = etl.watermarks.list(args.pipeline, args.target)
        return _show([said(one) for one in found], args)
    done = etl.watermarks.set(args.pipeline, args.target, args.set, column=args.since)
    return _show([said(done)], args)


def _show(rows: list[dict[str, object]], args: Namespace) -> int:
    if args.json:
        write_json(rows)
    else:
        write_table(rows, _NONE)
    return 0
