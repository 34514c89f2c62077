"""What can be wrong with a profile, its measurement or a plan."""

from loadtest.errors import LoadTestError, UsageError


class ProfileError(UsageError):
    """A service profile, or the report it should be made of, cannot be used."""


class PlanError(UsageError):
    """The question makes no sense: shares that do not add up, or the loss of the only region."""


class MeasurementError(LoadTestError):
    """The server's stage times could not be measured."""
