"""Whatever happens in whatever order, no promise breaks, and in the end the index is the truth.

A state machine lives with one account: time passes, the watch syncs or does not, values arrive
hours after the sync, pulls fail, the quota runs out, the process dies and starts again, the wearer
edits, deletes and travels. After each step the plan of a pass made now and all that the ledger
claims are checked, and at the end, once faults cease, index, truth and rebuild are compared.

CI draws the same few lives each time. A hunt draws others, as many as it is told, for hours:

    FITBITD_LIVES=500 pytest -n0 tests/scenarios/test_machine.py

What is not ordered, because nobody could find it: readings of a dense type that change on a day
that is settled at a provider without hours to compare (legacy), or older than those hours go back,
and whatever else changes longer ago than a look back reaches.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import wraps
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from fitbitd.config import AccountSettings
from fitbitd.engine import next_plan
from fitbitd.model import DataTypeName
from fitbitd.oauth import token
from fitbitd.oauth.token import TokenState
from fitbitd.simulator import Fault, FitbitSettings, ListedSyncs, Wearer
from fitbitd.simulator.faults import FaultKind
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.orders import Trip
from fitbitd.store.ledger import read_ledger
from tests.support import promises
from tests.support.google_truth import GoogleTruth, held, last_read, looks_by_itself
from tests.support.household import Household, account_settings, google_account
from tests.support.machine import Doom, Process

START = datetime(2027, 3, 20, 12, 7, tzinfo=UTC)  # Europe's clocks change eight days later
FIRST = date(2027, 3, 6)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = START + timedelta(days=55)
"""Until then anything may happen: at the end a look back of 90 days still reaches `FIRST`."""

SETTLES_WITHIN = 3 * DAY
"""Beyond its re-read window: a sync a day, a look that was refused for a day."""

LIVES = int(os.environ.get("FITBITD_LIVES", "0"))
DRAWN = settings(
    max_examples=LIVES or 6,
    stateful_step_count=30 if LIVES else 16,
    derandomize=not LIVES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

_ANYWHERE = r" /(1|1\.2|v4)/"
_NOT_JSON, _OTHER_JSON = "Service is fine", "[1, 2]"


def _names(*names: str) -> tuple[DataTypeName, ...]:
    return tuple(map(DataTypeName, names))


def happens(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a rule of what happens, after which time passes, or the next thing happens at once."""

    def made(deed: Callable[..., None]) -> Any:
        @wraps(deed)
        def then(self: "Life", minutes: int, **given: Any) -> None:
            deed(self, **given)
            self.let_pass(timedelta(minutes=minutes))

        ruled: Any = rule(minutes=st.sampled_from((0, 20, 400, 2_000)), **drawn)
        return ruled(then)

    return made


class Life(RuleBasedStateMachine):
    """What both providers have in common."""

    TYPES: ClassVar[tuple[DataTypeName, ...]]
    PATHS: ClassVar[tuple[str, ...]]
    UNSAID: ClassVar[int]
    """What a pass may spend while the provider does not say what is left."""

    def __init__(self) -> None:
        super().__init__()
        self._exits = ExitStack()
        self._logged = self._exits.enter_context(capture_logs())
        folder = Path(self._exits.enter_context(TemporaryDirectory()))
        began = datetime.combine(FIRST, time(7, 3), UTC)
        syncs = (began + n * DAY for n in range((START - began) // DAY + 1))
        self.wearer = Wearer(
            seed=3,
            member_since=FIRST,
            syncs=ListedSyncs(syncs),
            publish_after=timedelta(minutes=40),
            publish_late={},
            daily_late={},
            intervals_s=(900,),
        )
        self.home = Household(
            folder / "state",
            START.isoformat(),
            self.wearer,
            provider_settings=FitbitSettings(replay_window_s=10**9, quota=60),
            accounts=(self.account(),),
        )
        self.process = Process(self.home)
        self._exits.callback(self.process.abandon)
        wanted = self.home.parts().wants.data_types
        self.claims = promises.Claims({one.name: one for one in wanted})

    def account(self) -> AccountSettings:
        raise NotImplementedError

    @property
    def now(self) -> datetime:
        return self.home.clock.now()

    @property
    def today(self) -> date:
        return self.wearer.today(self.now)

    @contextmanager
    def index(self) -> Iterator[Any]:
        with closing(self.home.index()) as db:
            yield db

    # What happens.

    @initialize(hours=st.sampled_from((5, 24)), days=st.none() | st.integers(0, 20))
    def begins(self, hours: int, days: int | None) -> None:
        account = replace(self.home.accounts[0], poll_every=hours * HOUR)
        if days is not None:
            account = replace(account, backfill_from=START.date() - days * DAY)
        self.home.accounts = (account,)
        self.home.authorize()
        self.process.start()

    def let_pass(self, lasts: timedelta) -> None:
        """Let time pass, no longer than what is changed can still be found at the end."""
        self.process.pass_time(max(timedelta(0), min(lasts, LAST - self.now)))

    @rule(minutes=st.integers(1, 1_800), synced=st.booleans())
    def hours_pass(self, minutes: int, *, synced: bool) -> None:
        half = timedelta(minutes=minutes) / 2
        if synced:
            self.wearer.sync(self.now)
        self.let_pass(half)
        if synced:
            self.wearer.sync(self.now)
        self.let_pass(half)

    @rule(days=st.integers(2, 18), every=st.none() | st.integers(10, 90))
    def days_pass(self, days: int, every: int | None) -> None:
        end = min(self.now + days * DAY, LAST)
        while self.now < end:
            step = end - self.now if every is None else min(every * HOUR, end - self.now)
            self.let_pass(step)
            if every is not None:
                self.wearer.sync(self.now)

    @happens(hours=st.integers(1, 20), ahead=st.integers(1, 3))
    def a_night_will_come_late(self, hours: int, ahead: int) -> None:
        late = self.wearer.publish_late
        assert isinstance(late, dict)
        late.setdefault(self.today + ahead * DAY, hours * HOUR)

    @happens(
        kind=st.sampled_from(["json_error", "html", "cut", "reset", "timeout", "empty", "body"]),
        place=st.integers(0, 9),
        count=st.integers(1, 9),
        body=st.sampled_from([_NOT_JSON, _OTHER_JSON, "{}"]),
        status=st.sampled_from([200, 400, 404]),
    )
    def pulls_will_fail(
        self, kind: FaultKind, place: int, count: int, body: str, status: int
    ) -> None:
        path = (_ANYWHERE, *self.PATHS)[place % (len(self.PATHS) + 1)]
        told: dict[str, Any] = {"body": body, "status": status} if kind == "body" else {}
        self.home.simulator.faults.add(Fault(kind=kind, path=path, count=count, **told))

    @happens(
        kind=st.sampled_from(["json_error", "html", "cut", "reset", "timeout"]),
        count=st.integers(1, 3),
    )
    def refreshes_will_fail(self, kind: FaultKind, count: int) -> None:
        self.home.simulator.faults.add(Fault(kind=kind, path="POST .*/token$", count=count))

    @happens(count=st.integers(1, 3), wait_s=st.none() | st.integers(1, 7_200))
    def requests_will_be_throttled(self, count: int, wait_s: int | None) -> None:
        fault = Fault(kind="throttle", path=_ANYWHERE, count=count, retry_after_s=wait_s)
        self.home.simulator.faults.add(fault)

    @happens(of=st.sampled_from(["request", "work"]), left=st.integers(1, 60), done=st.booleans())
    def the_process_will_die(self, of: str, left: int, *, done: bool) -> None:
        self.process.doom = Doom(of, left, done)

    @precondition(lambda self: self.process.account is None)
    @happens()
    def the_process_starts_again(self) -> None:
        self.process.start()

    @precondition(lambda self: self.process.account is not None)
    @happens(earlier=st.integers(-5, 20))
    def backfill_from_moves(self, earlier: int) -> None:
        self.process.doom = None
        self.process.want(backfill_from=START.date() - earlier * DAY)

    @happens(back=st.integers(0, 30), cut_minutes=st.none() | st.integers(5, 20))
    def the_wearer_changes_a_night(self, back: int, cut_minutes: int | None) -> None:
        nights = self.wearer.sleeps(FIRST, self.today, self.now)
        if back < len(nights):
            night = nights[back].log_id
            if cut_minutes is None:
                self.wearer.delete_sleep(night, at=self.now)
            else:
                self.wearer.edit_sleep(night, at=self.now, cut_minutes=cut_minutes)

    @precondition(lambda self: self.wearer.replaced_at is None)
    @happens(stays=st.booleans())
    def another_watch_is_paired(self, *, stays: bool) -> None:
        """Lose what the first watch had not synced; the new one syncs at once, as pairing does."""
        self.wearer.replaced_at, self.wearer.old_watch_stays = self.now, stays
        self.wearer.sync(self.now)

    # What holds.

    @invariant()
    def the_plan_keeps_its_promises(self) -> None:
        if not self._begun():
            return
        parts = self.home.parts()
        with self.index() as db:
            ledger = read_ledger(db, self.now)
            plan = next_plan(parts.provider(), parts.wants, ledger, ledger.quota, self.now)
            budget = promises.may_spend(db, self.now, self.UNSAID)
            pulls = [one.pull for one in (*plan.chosen, *plan.waiting)]
            types = [one for one in parts.wants.data_types if not one.watches]
            holes = list(promises.holes(db, types, pulls, self._wanted_from(db), self.now))
        assert all(one.requests >= 1 for one in plan.chosen)
        assert sum(one.requests for one in plan.chosen) <= budget
        assert list(promises.repetitions(pulls)) == []
        assert holes == []

    @invariant()
    def no_day_is_claimed_that_is_not_proven(self) -> None:
        if self._begun():
            with self.index() as db:
                assert self.claims.unproven(db) == []
                assert promises.believed_at_once(db) == []

    @invariant()
    def the_index_is_never_ahead_of_the_archive(self) -> None:
        if self._begun():
            with self.index() as db:
                assert promises.applied(db) <= promises.last_archived(self.home.parts().folder)

    @invariant()
    def the_grant_lives(self) -> None:
        file = self.home.parts().token_file
        grant = file.read() if file.path.exists() else None
        if grant is not None:
            assert token.state(grant, self.now) is not TokenState.REVOKED
        assert self.home.simulator.oauth.counts.refreshes_refused == 0

    @invariant()
    def nothing_is_a_bug(self) -> None:
        crashed = [one for one in self._logged if one["event"].endswith(".crashed")]
        assert crashed == []
        assert {each.outcome for _, each in self.process.reports} <= self.OUTCOMES
        self._logged.clear()
        self.process.reports.clear()

    OUTCOMES = frozenset(
        {
            *("ok", "throttled", "provider_unreachable", "provider_failed", "too_slow"),
            *("contract_changed", "authorization_needed", "access_denied"),
        }
    )

    def _begun(self) -> bool:
        return (self.home.parts().folder / "index.sqlite").exists()

    def _wanted_from(self, db: Any) -> date:
        """Give the first day that nobody may leave out: asked for, or since collecting began."""
        (first_pass,) = db.execute("SELECT min(began_at) FROM pass").fetchone()
        began = self.today if first_pass is None else promises.at_ms(first_pass).date()
        told = db.execute("SELECT 1 FROM meta WHERE key = 'member_since'").fetchone()
        asked = self.home.accounts[0].backfill_from
        return began if asked is None or told is None else max(FIRST, min(asked, began))

    # How it ends.

    def teardown(self) -> None:
        with self._exits:
            if self._begun():
                self._end()

    def _end(self) -> None:
        """Let faults cease and eleven days pass, the last two without a sync; then compare."""
        self.process.doom = None
        self.home.simulator.faults.clear()
        self.process.want(backfill_from=FIRST, poll_every=12 * HOUR)
        for _ in range(9):
            self.wearer.sync(self.now)
            self.process.pass_time(DAY)
        self.process.pass_time(2 * DAY)
        self.the_plan_keeps_its_promises()
        self.no_day_is_claimed_that_is_not_proven()
        self.nothing_is_a_bug()
        self.process.stop()
        self.the_grant_lives()
        with self.index() as db:
            self.compare(db)
            types = self.home.parts().wants.data_types
            last = self.today - SETTLES_WITHIN
            assert list(promises.unsettled(db, types, FIRST, last)) == []
            assert promises.applied(db) == promises.last_archived(self.home.parts().folder)
        self.home.assert_rebuilt_alike()

    def compare(self, db: Any) -> None:
        """Compare what is stored with the truth."""
        raise NotImplementedError


class AtFitbit(Life):
    TYPES = _names("profile", "devices", "heart_rate", "daily_heart_rate", "sleep")
    PATHS = ("heart/date/[0-9-]+/1d/1sec", "heart/date/[0-9-]+/20", "/sleep/", "profile", "devices")
    UNSAID = 30

    def account(self) -> AccountSettings:
        return account_settings(data_types=self.TYPES)

    @happens(left=st.integers(0, 5))
    def another_app_spends_the_quota(self, left: int) -> None:
        simulator = self.home.simulator
        for _ in range(simulator.settings.quota - left):
            simulator._quota.spend(simulator.oauth.user_id, self.now)
        self._read_after_a_sync()

    @happens(count=st.integers(1, 3))
    def fitbit_will_say_that_nobody_slept(self, count: int) -> None:
        nobody = '{"pagination": {"next": ""}, "sleep": []}'
        self.home.simulator.faults.add(Fault(kind="body", path="/sleep/", body=nobody, count=count))
        self._read_after_a_sync()

    def _read_after_a_sync(self) -> None:
        """Let a pass meet what was just ordered, and have something to ask."""
        self.wearer.sync(self.now)
        self.process.hurry()
        self.process.pass_time(timedelta(minutes=2))

    def compare(self, _db: Any) -> None:
        truth, collected = self.home.truth(), self.home.collected()
        for rows in (truth, collected):  # of a watch that was replaced the last sync is hidden
            rows["devices"] = {max(rows["devices"], key=itemgetter(1))}
        for name in self.TYPES:
            missing, extra = truth[name] - collected[name], collected[name] - truth[name]
            found = [sorted(map(str, rows))[:3] for rows in (missing, extra)]
            assert found == [[], []], f"{name}: missing {found[0]}, extra {found[1]}"


class AtGoogle(Life):
    TYPES = _names(
        *("settings", "paired_devices", "profile", "heart_rate", "hourly_heart_rate"),
        *("heart_rate_variability", "daily_resting_heart_rate", "sleep", "exercise", "weight"),
    )
    PATHS = ("/heart-rate/", "/heart-rate-variab", "/daily-", "/sleep/", "/exercise/", "/weight/")
    UNSAID = 110

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[promises.Change] = []
        self.weights: list[str] = []

    def account(self) -> AccountSettings:
        poll = {DataTypeName("weight"): 12 * HOUR}
        return google_account(data_types=self.TYPES, poll=poll)

    @happens(
        reason=st.sampled_from(
            [
                *("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "BAD_GATEWAY"),
                *("CAPTIVE_PORTAL", "RESOURCE_PERMISSION_DENIED", "INVALID_CREDENTIALS"),
            ]
        ),
        place=st.integers(0, 9),
        count=st.integers(1, 9),
    )
    def pulls_will_be_refused(self, reason: str, place: int, count: int) -> None:
        path = self.PATHS[place % len(self.PATHS)]
        self.home.simulator.faults.add(Fault(kind="refuse", reason=reason, path=path, count=count))

    @happens(hours=st.integers(2, 90), ahead=st.integers(1, 3))
    def a_day_will_come_late(self, hours: int, ahead: int) -> None:
        late = self.wearer.daily_late
        assert isinstance(late, dict)
        late.setdefault(self.today + ahead * DAY, hours * HOUR)

    @happens(per_minute=st.integers(20, 150))
    def the_quota_changes(self, per_minute: int) -> None:
        self.home.simulator.change(quota_per_minute=per_minute)

    @happens(grams=st.integers(50_000, 90_000), days=st.integers(0, 40))
    def the_wearer_types_a_weight(self, grams: int, days: int) -> None:
        about = self.now.replace(second=0) - days * DAY
        if about.date() > FIRST:
            given = {"weightGrams": grams}
            typed = self.wearer.type_value("weight", given, self.now, about=(about, about))
            self.weights.append(typed)

    @precondition(lambda self: self.weights)
    @happens(which=st.integers(0, 30), grams=st.none() | st.integers(50_000, 90_000))
    def the_wearer_changes_a_weight(self, which: int, grams: int | None) -> None:
        typed = self.weights[which % len(self.weights)]
        if grams is None:
            self.weights.remove(typed)
            self.wearer.delete_point(typed, at=self.now)
        else:
            self.wearer.edit_point(typed, {"weightGrams": grams}, at=self.now)

    @happens(which=st.integers(0, 30), deleted=st.booleans())
    def the_wearer_changes_a_workout(self, which: int, *, deleted: bool) -> None:
        start_ms = int(datetime.combine(FIRST, time(), UTC).timestamp() * 1000)
        end_ms = int(self.now.timestamp() * 1000)
        shown = GoogleLife(self.wearer).points("exercise", start_ms, end_ms, self.now)
        if which < len(shown):
            point = shown[which].point_id or ""
            if deleted:
                self.wearer.delete_point(point, at=self.now)
            else:
                name = {"displayName": f"Workout at {self.now:%d %H:%M}"}
                self.wearer.edit_point(point, name, at=self.now)

    @happens(days=st.integers(0, 25), hour=st.integers(0, 21), by=st.none() | st.integers(1, 9))
    def readings_change(self, days: int, hour: int, by: int | None) -> None:
        start = datetime.combine(self.now.date() - days * DAY, time(hour), UTC)
        end = start + 2 * HOUR
        if by is None:
            self.wearer.delete_readings(start, end, at=self.now, type_id="heart-rate")
        else:
            self.wearer.correct("heart-rate", start, end, at=self.now, by=by)
        self.changed.append((start, end, self.now))

    @happens(
        zone=st.sampled_from(["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"]),
        days=st.integers(1, 9),
    )
    def the_wearer_travels(self, zone: str, days: int) -> None:
        # The simulator keeps the days that it has made, so it is told some days before.
        leaves = self.now.replace(minute=0, second=0, microsecond=0) + 3 * DAY
        if all(trip.end <= leaves for trip in self.wearer.trips):
            self.wearer.trips = (*self.wearer.trips, Trip(zone, leaves, leaves + days * DAY))

    def compare(self, db: Any) -> None:
        truth, now, reads = GoogleTruth(self.wearer), self.now, promises.reads_of(db)
        hidden = [order for order in self.changed if not promises.can_be_found(order, reads)]
        for name in self.TYPES:
            at = last_read(db, name) if looks_by_itself(name) else now
            right, stored = truth.of(name, at), held(db, name)
            found = [
                [str(row)[:200] for row in rows if not promises.hides(name, row, hidden)]
                for rows in (right - stored, stored - right)
            ]
            assert found == [[], []], f"{name}: missing {found[0][:3]}, extra {found[1][:3]}"


TestAtFitbit = AtFitbit.TestCase
TestAtGoogle = AtGoogle.TestCase
TestAtFitbit.settings = DRAWN
TestAtGoogle.settings = settings(DRAWN, max_examples=LIVES or 4)  # a life costs twice as much
