"""The version, read by the build and by ``jupyter etl version``."""

__version__ = "0.1.0"
