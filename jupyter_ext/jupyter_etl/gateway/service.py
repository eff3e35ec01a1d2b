"""Running the consumers' service."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.catalogue import Catalogue


def serve(
    catalogue: Catalogue,
    host: str,
    port: int,
    token: Callable[[], str],
    *,
    redact: Callable[[str], str] = str,
) -> None:
    """Serve until the process receives SIGINT or SIGTERM.

    Args:
        host: Address to listen on; ``127.0.0.1`` accepts local connections only.
        port: TCP port.
        token: Returns the token that consumers must send; see `TokenFile`.
        redact: See `create_app`.
    """
    import uvicorn

    # Access logs would record who reads what; errors are logged nevertheless.
    uvicorn.run(
        create_app(catalogue, token=token, redact=redact),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_level="warning",
    )
