"""Why a head is not published."""


class PublishError(ValueError):
    """Base of what keeps a head from being published; nothing was installed."""


class RegressionRefused(PublishError):
    """A category lost more than it may, or another head's answers changed. The message lists every one."""


class ServedModelsError(PublishError):
    """`ensembles/wiring/served_models.json` cannot be used."""
