"""One Locust shape for all profiles of the table.

Locust takes the first shape class that it finds in the given files and says nothing about the others, so there is one,
it is chosen by an option, and only then.
"""

from __future__ import annotations

from locust import LoadTestShape

from loadtest.locust_users.session import LoadSession


class ProfileShape(LoadTestShape):
    """Follows the session's profile."""

    # Not found when Locust looks through the file: without --load-profile, --users and --run-time hold.
    abstract = True

    def __init__(self, session: LoadSession) -> None:
        super().__init__()
        self._session = session

    def tick(self) -> tuple[int, float] | None:
        """Return (users, users started or stopped per second), or None to stop."""
        users = self._session.settings.clock.users_at(self.get_run_time())
        # At once: a step of a profile is a step, and a slow start would block the shape until it is done.
        return None if users is None else (users, float(max(users, 100)))
