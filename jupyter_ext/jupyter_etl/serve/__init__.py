"""The consumers' service: published tables, files and reports, read-only, in its own process."""

from jupyter_etl.serve.application import create_app
from jupyter_etl.serve.catalogue import Catalogue, Publications
from jupyter_etl.serve.service import serve
from jupyter_etl.serve.token import TokenFile

__all__ = ["Catalogue", "Publications", "TokenFile", "create_app", "serve"]
