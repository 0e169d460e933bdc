"""The provider's count of requests: full at each full hour, and reported a little late."""

from collections import Counter
from datetime import datetime

_HOUR_S = 3600


class HourlyQuota:
    """Requests of each user in the clock hour that is running.

    The count is exact; the headers lag behind it, so a refusal can come while they still promise.
    """

    def __init__(self, limit: int, lag: int) -> None:
        self._limit = limit
        self._lag = lag
        self._hour = 0
        self._spent = Counter[str]()

    def spend(self, user: str, now: datetime) -> bool:
        """Count one request of `user`; False if the hour's quota was spent already."""
        hour = int(now.timestamp()) // _HOUR_S
        if hour != self._hour:
            self._hour = hour
            self._spent.clear()
        if self._spent[user] >= self._limit:
            return False
        self._spent[user] += 1
        return True

    def spent(self, user: str) -> int:
        """Count what `user` spent in the hour of the last request."""
        return self._spent[user]

    def headers(self, user: str, now: datetime) -> dict[str, str]:
        """Say what is left, as the API does: roughly."""
        seen = max(0, self._spent[user] - self._lag)
        return {
            "Fitbit-Rate-Limit-Limit": str(self._limit),
            "Fitbit-Rate-Limit-Remaining": str(self._limit - seen),
            "Fitbit-Rate-Limit-Reset": str(reset_s(now)),
        }


def reset_s(now: datetime) -> int:
    """Count the whole seconds to the next full hour, one at least."""
    return _HOUR_S - int(now.timestamp()) % _HOUR_S
