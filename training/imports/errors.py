"""What can go wrong with an import."""


class ImportFailed(ValueError):
    """A published detector cannot be had, or is not laid out as its name promises."""
