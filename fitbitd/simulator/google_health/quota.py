"""Google's count of requests of each user and minute."""

from collections import Counter
from datetime import datetime

_MINUTE_S = 60


class MinuteQuota:
    """Requests of each user in the clock minute that is running."""

    def __init__(self) -> None:
        self._minute = 0
        self._spent = Counter[str]()

    def spend(self, user: str, limit: int, now: datetime) -> bool:
        """Count one request of `user`; False if the minute's quota was spent already."""
        minute = int(now.timestamp()) // _MINUTE_S
        if minute != self._minute:
            self._minute = minute
            self._spent.clear()
        if self._spent[user] >= limit:
            return False
        self._spent[user] += 1
        return True

    def spent(self, user: str) -> int:
        """Count what `user` spent in the minute of the last request."""
        return self._spent[user]


def left_s(now: datetime) -> int:
    """Count the whole seconds to the next minute, one at least."""
    return _MINUTE_S - int(now.timestamp()) % _MINUTE_S
