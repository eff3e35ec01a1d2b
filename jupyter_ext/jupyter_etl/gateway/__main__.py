"""``python -m jupyter_etl.gateway``: the consumers' service over this user's ledger."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.application import serve
from jupyter_etl.gateway.endpoints.endpoints import served_endpoints
from jupyter_etl.gateway.token_file import TokenFile
from jupyter_etl.gateway.tokens import KnownTokens
from jupyter_etl.language.numbers import PORT
from jupyter_etl.services import Etl


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted.

    Args:
        argv: ``--host HOST --port PORT``; None uses the arguments of the process.

    Returns:
        Exit code: 0 after a signal, 1 if serving failed.
    """
    parser = argparse.ArgumentParser(prog="python -m jupyter_etl.gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8787")
    args = parser.parse_args(argv)
    for one in (signal.SIGINT, signal.SIGTERM):
        # The server raises it again when it has answered all requests.
        signal.signal(one, _end)
    try:
        asked = PORT.parse(args.port)
        etl = Etl.open()
        try:
            path = etl.settings.home / "serve.token"
            token = TokenFile(path)
            token.current()
            port = asked or _free_port(args.host)
            ready = f"Serving publications on http://{args.host}:{port}; the token is in {path}"
            serve(
                etl,
                args.host,
                port,
                token.current,
                tokens=KnownTokens(etl.tokens.list, etl.tokens.note_uses),
                endpoints=served_endpoints(etl),
                announce=lambda: _print(ready),
                redact=etl.redacted_answer,
            )
        finally:
            etl.close()
    except EtlError as problem:
        _print_error(str(problem))
        return 1
    except OSError as problem:
        _print_error(f"Cannot listen on {args.host}:{args.port}: {problem.strerror}")
        _print_error("  Choose another: jupyter etl serve --host HOST --port PORT")
        return 1
    return 0


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(0)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _print_error(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
