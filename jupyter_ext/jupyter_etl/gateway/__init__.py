"""The consumers' service: published tables, files and reports, read-only, in its own process."""

from jupyter_etl.gateway.application import create_app, serve
from jupyter_etl.gateway.catalogue import Catalogue, Publications
from jupyter_etl.gateway.token_file import TokenFile
from jupyter_etl.gateway.tokens import KnownTokens

__all__ = ["Catalogue", "KnownTokens", "Publications", "TokenFile", "create_app", "serve"]
