"""Providers of secrets: environment variables, files in the home, keyring, plug-ins."""

from jupyter_etl.services.secrets.providers import EnvironmentSecrets, FileSecrets, KeyringSecrets
from jupyter_etl.services.secrets.recording import (
    redacted_answer,
    redactor_for,
    refuse_secret_parameters,
)
from jupyter_etl.services.secrets.vault import (
    NamedSecret,
    SecretUse,
    Vault,
    change_places,
    default_vault,
    known_secrets,
    known_values,
)

__all__ = [
    "EnvironmentSecrets", "FileSecrets", "KeyringSecrets", "NamedSecret", "SecretUse", "Vault",
    "change_places", "default_vault", "known_secrets", "known_values", "redacted_answer",
    "redactor_for", "refuse_secret_parameters",
]  # fmt: skip
