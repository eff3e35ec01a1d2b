"""Values behind the names of secrets: environment, files of the home, keyring, plug-ins."""

from jupyter_etl.app.secrets.environment_secrets import EnvironmentSecrets
from jupyter_etl.app.secrets.file_secrets import FileSecrets
from jupyter_etl.app.secrets.keyring_secrets import KeyringSecrets
from jupyter_etl.app.secrets.recording import (
    redacted_answer,
    redactor_for,
    refuse_secret_parameters,
)
from jupyter_etl.app.secrets.vault import (
    NamedSecret,
    SecretUse,
    Vault,
    change_places,
    default_vault,
    known_secrets,
    known_values,
)

__all__ = [
    "EnvironmentSecrets",
    "FileSecrets",
    "KeyringSecrets",
    "NamedSecret",
    "SecretUse",
    "Vault",
    "change_places",
    "default_vault",
    "known_secrets",
    "known_values",
    "redacted_answer",
    "redactor_for",
    "refuse_secret_parameters",
]
