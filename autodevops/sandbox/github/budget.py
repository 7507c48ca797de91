"""Requests left this hour, for a token and for everyone without one."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock

from autodevops.kernel.clock import Clock
from autodevops.sandbox.github.refusals import Refusal
from autodevops.sandbox.github.render import number_id

AUTHENTICATED_LIMIT = 5000  # requests an hour, as GitHub gives a token
_ANONYMOUS_LIMIT = 60
_DOCUMENTATION = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
Rate = dict[str, int]


class Exhausted(Refusal):
    """The hour's requests are used up."""

    def __init__(self, message: str, rate: Rate) -> None:
        super().__init__(403, message, documentation=_DOCUMENTATION)
        self.rate = rate


class Budget:
    """Thread-safe. The hour begins with the first request in it."""

    def __init__(self, limit: int, now: Clock) -> None:
        self._limits = {True: limit, False: min(limit, _ANONYMOUS_LIMIT)}
        self._now = now
        self._lock = Lock()
        self._used = {True: 0, False: 0}
        self._reset = now() + timedelta(hours=1)

    def spend(self, authenticated: bool, login: str, address: str, count: int = 1) -> Rate:
        """What is left after `count` more requests (0 asks, -1 gives one back). Raises Exhausted."""
        with self._lock:
            if self._now() >= self._reset:
                self._used = {True: 0, False: 0}
                self._reset = self._now() + timedelta(hours=1)
            limit, used = self._limits[authenticated], self._used[authenticated] + count
            reset = int(self._reset.timestamp())
            if used > limit:
                exhausted = {"limit": limit, "remaining": 0, "reset": reset, "used": limit}
                raise Exhausted(_sentence(authenticated, login, address), exhausted)
            self._used[authenticated] = used
            return {"limit": limit, "remaining": limit - used, "reset": reset, "used": used}


def _sentence(authenticated: bool, login: str, address: str) -> str:
    if authenticated:
        return f"API rate limit exceeded for user ID {number_id('user', login)}."
    return (
        f"API rate limit exceeded for {address}. (But here's the good news: Authenticated requests get a higher rate "
        "limit. Check out the documentation for more details.)"
    )


def rate_headers(rate: Rate) -> dict[str, str]:
    return {f"X-RateLimit-{name.title()}": str(value) for name, value in rate.items()} | {
        "X-RateLimit-Resource": "core"
    }
