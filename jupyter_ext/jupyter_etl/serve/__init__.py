"""The consumers' service: published tables, files and reports, read-only, in its own process."""

from jupyter_etl.serve.application import create_app
from jupyter_etl.serve.catalogue import Catalogue, Publications
from jupyter_etl.serve.service import serve
from jupyter_etl.serve.token import load_or_make_token

__all__ = ["Catalogue", "Publications", "create_app", "load_or_make_token", "serve"]
