"""Whether the clock can be right: that of a Pi without a battery may be months off at a start."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import structlog

from fitbitd.clock import Clock
from fitbitd.errors import TransientError
from fitbitd.fetch.fetcher import Session
from fitbitd.model import Reply, Request

log = structlog.get_logger()

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is right shows a time before this program existed."""

TOLERANCE = timedelta(minutes=5)
ASKED_EVERY_S = 15 * 60.0


class ClockTrust:
    """Compares the clock with the archive's times, and with the provider's where they differ."""

    def __init__(self, clock: Clock, session: Session, time_url: str) -> None:
        self._clock = clock
        self._session = session
        self._time_url = time_url
        self._archive_ends_at: datetime | None = None
        self._asked_at_s: float | None = None
        self._confirmed: timedelta | None = None  # how far the wall clock was from the monotonic

    def remember(self, archive_ends_at: datetime | None) -> None:
        """Remember the newest time in the archive, None while there is none."""
        self._archive_ends_at = archive_ends_at

    @property
    def believed(self) -> bool:
        """Say whether the clock may be right, by what is known without asking anybody."""
        now, ends_at = self._clock.now(), self._archive_ends_at
        if now < RELEASED:
            return False
        if ends_at is None or now >= ends_at - TOLERANCE:
            return True
        # Behind the archive: only as long as nothing moved it since the provider confirmed it.
        return self._confirmed is not None and abs(self._distance() - self._confirmed) <= TOLERANCE

    async def check(self, archive_ends_at: datetime | None) -> None:
        """Let nothing be asked by a clock that cannot be right.

        A clock behind the archive's newest time is compared with the provider's, without a token,
        every 15 minutes at most. If the two agree, the archived times were the wrong ones.

        Raises:
            TransientError: `clock_wrong`.
        """
        self.remember(archive_ends_at)
        if self.believed:
            return
        now = self._clock.now()
        if now < RELEASED or archive_ends_at is None:
            raise TransientError(f"the clock shows {now:%Y-%m-%d}", code="clock_wrong")
        if await self._provider_agrees():
            self._confirmed = self._distance()
            return
        raise TransientError(
            f"the clock shows {now:%Y-%m-%d %H:%M} UTC, but the archive ends at"
            f" {archive_ends_at:%Y-%m-%d %H:%M} UTC",
            code="clock_wrong",
        )

    def _distance(self) -> timedelta:
        """Give what only a step of the wall clock changes."""
        return self._clock.now() - RELEASED - timedelta(seconds=self._clock.monotonic())

    async def _provider_agrees(self) -> bool:
        at_s = self._clock.monotonic()
        if self._asked_at_s is not None and at_s - self._asked_at_s < ASKED_EVERY_S:
            return False
        self._asked_at_s = at_s
        try:
            async with self._session() as send:
                reply = await send(Request("GET", self._time_url))
        except TransientError:
            return False  # nobody to ask: the doubt stays
        told = date_of(reply)
        agrees = told is not None and abs(told - self._clock.now()) <= TOLERANCE
        log.warning("clock.compared", agrees=agrees)
        return agrees


def date_of(reply: Reply) -> datetime | None:
    """Give what time it is by the headers of a reply, None if they do not say."""
    try:
        told = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
