"""Every error that this package raises on purpose.

::

    LoadTestError
    ├── UsageError            an option cannot be used as given; nothing was sent       (exit code 64)
    │   └── PayloadError      no photos can be sent: a folder is empty, a file is unreadable
    ├── ReportFormatError     a report.json is not one of ours, or is of another version
    └── ServerApiError        the server refuses, or does not know, a question about itself; the load is not affected

Errors of single requests are no exceptions: they are counted, see `loadtest.results.ErrorCount`.
"""

from __future__ import annotations


class LoadTestError(Exception):
    """Base of all errors of this package. Its text is one complete message for the person who typed the command."""


class UsageError(LoadTestError):
    """An option cannot be used as given. Nothing was sent."""


class PayloadError(UsageError):
    """There is nothing to send: an empty folder, an unreadable or empty file, or a mix that adds up to nothing."""


class ReportFormatError(LoadTestError):
    """A file is not a report of this package, or one of a version that this one cannot read."""


class ServerApiError(LoadTestError):
    """The server refuses, or does not know, a question about itself: statistics, configuration, traces."""
