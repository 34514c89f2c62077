"""What can go wrong with a scorecard that the person who runs it can mend."""


class ScorecardError(ValueError):
    """A scorecard that cannot be run as asked; the message says what is allowed."""


class RelationFailed(ScorecardError):
    """One relation could not be measured; the others still are."""
