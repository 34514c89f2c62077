"""The version of the distribution: `clients/pyproject.toml` reads it from here."""

# A literal, because importlib.metadata would cost more import time than the rest of this package.
__version__ = "0.1.0"
