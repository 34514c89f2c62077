"""Everything this package raises.

EnsemblesError
├── RepositoryNotFound    the folder given as model repository is none
├── WiringMalformed       a file in ensembles/wiring/ holds no ensemble of its name
├── ReleaseError          a release cannot be made, published, fetched or activated
│   ├── ManifestMalformed     a manifest is no manifest, or contradicts itself
│   ├── ReleaseUnknown        there is no release of that number
│   ├── ReleaseChanged        the files are no longer those which the release pins
│   ├── StoreUnavailable      the store cannot be opened, reached or written, or died on the way
│   ├── BlobCorrupt           what came from the store has another sha256 than the manifest says
│   ├── DiskFull              this machine has no room for the release
│   └── ActivationFailed      a running server could not be brought to the release; the one before serves on
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


class ReleaseError(EnsemblesError):
    """Base of what can go wrong with a release."""


class ManifestMalformed(ReleaseError):
    """A manifest is not what `ensembles.releases.manifest` writes, or contradicts the files it names."""


class ReleaseUnknown(ReleaseError):
    """There is no release of that number where it was looked for."""


class ReleaseChanged(ReleaseError):
    """Files differ from what a release pins under the same name; a release never changes."""


class StoreUnavailable(ReleaseError):
    """A store cannot be opened, reached or written, or died in the middle; what was fetched is kept."""


class BlobCorrupt(ReleaseError):
    """The bytes in a store are not those which the manifest pins."""


class DiskFull(ReleaseError):
    """There is no room left on this machine; nothing was changed."""


class ActivationFailed(ReleaseError):
    """A running server could not be brought to a release; the release before it goes on serving."""


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
