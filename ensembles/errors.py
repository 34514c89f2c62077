"""Everything this package raises.

EnsemblesError
├── RepositoryNotFound    the folder given as model repository is none
├── WiringMalformed       a file in ensembles/wiring/ holds no ensemble of its name
└── Refused               carries `problems`: what is wrong, each with what to do
    ├── ConfigUnreadable  a config.pbtxt is not text of Triton's ModelConfig
    ├── TaxonomyRefused   a taxonomy.json is missing or no well-formed DAG
    └── WiringRefused     what a wiring describes is no ensemble that Triton accepts
"""

from __future__ import annotations

from collections.abc import Sequence

from ensembles.problem import Problem


class EnsemblesError(Exception):
    """Base of every error this package raises on purpose."""


class RepositoryNotFound(EnsemblesError):
    """The folder given as model repository does not exist."""


class WiringMalformed(EnsemblesError):
    """A file in `ensembles/wiring/` does not hold what every wiring holds."""


class Refused(EnsemblesError):
    """Something was refused; `problems` lists every reason.

    Attributes:
        problems: at least one problem.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ConfigUnreadable(Refused):
    """A config.pbtxt could not be read as Triton's ModelConfig."""


class TaxonomyRefused(Refused):
    """A taxonomy.json is missing, or is not a well-formed DAG of classes."""


class WiringRefused(Refused):
    """What a wiring describes is no ensemble that Triton accepts; nothing was written."""
