"""A tiny provider whose replies say plainly what they hold, and a life that writes them down."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fitbitd.errors import ContractError
from fitbitd.model import (
    Axis,
    Cadence,
    Daily,
    DataType,
    DataTypeName,
    DeviceSync,
    Field,
    File,
    Kind,
    Lesson,
    LessonKind,
    Member,
    Outcome,
    OutcomeKind,
    Page,
    Part,
    PassEnd,
    Point,
    Pull,
    Readings,
    Reply,
    Request,
    Session,
    Snapshot,
    Why,
    Window,
)
from fitbitd.store.account import AccountStore
from fitbitd.store.apply import Applied

ZONE = "Europe/Berlin"
REQUEST = Request("GET", "https://api.example.org/1/user/-/thing.json", (("accept", "json"),))


def data_type(name: str, kind: Kind, axis: Axis | None, *fields: Field) -> DataType:
    return DataType(
        name=DataTypeName(name),
        title=name,
        kind=kind,
        group="any",
        scope="any",
        axis=axis,
        longest=timedelta(days=30),
        reread=timedelta(days=8),
        cadence=Cadence.WATCH,
        every=timedelta(hours=6),
        fields=fields,
    )


HEART = data_type("heart", Kind.READINGS, Axis.CIVIL, Field("bpm", "bpm", "beats"))
GLUCOSE = data_type("glucose", Kind.READINGS, Axis.INSTANT, Field("level", "mmol/L", "sugar"))
ASLEEP = replace(
    data_type("asleep", Kind.READINGS, Axis.INSTANT, Field("level", "mmol/L", "sugar asleep")),
    lasts=timedelta(hours=12),
)
NIGHTS = data_type("sleep", Kind.SESSIONS, Axis.DATE, Field("efficiency", "%", "asleep"))
RESTING = data_type("resting", Kind.DAILY, Axis.DATE, Field("bpm", "bpm", "at rest"))
DEVICES = data_type("devices", Kind.SNAPSHOT, None)
GLUCOSE_HOURS = replace(
    data_type("hourly_glucose", Kind.READINGS, Axis.INSTANT, Field("level", "mmol/L", "sugar")),
    checks=GLUCOSE.name,
)
DAILY_GLUCOSE = replace(
    data_type("daily_glucose", Kind.DAILY, Axis.DATE, Field("level", "mmol/L", "mean of the day")),
    sums_of=GLUCOSE.name,
)
TRACES = data_type("traces", Kind.SESSIONS, Axis.INSTANT, Field("mv", "mV", "voltage"))
REST = replace(data_type("rest", Kind.SESSIONS, Axis.INSTANT), member=Member.END, late=True)
WORKOUTS = data_type("workouts", Kind.SESSIONS, Axis.DATE)
TRACKS = replace(data_type("tracks", Kind.FILE, None), file_of=WORKOUTS.name)

CATALOGUE: Mapping[DataTypeName, DataType] = {
    known.name: known
    for known in (
        HEART,
        GLUCOSE,
        ASLEEP,
        GLUCOSE_HOURS,
        DAILY_GLUCOSE,
        NIGHTS,
        REST,
        WORKOUTS,
        TRACKS,
        RESTING,
        TRACES,
        DEVICES,
    )
}


def body(page: Page) -> bytes:
    """Write a page as the body from which `read` makes it again."""
    return json.dumps(
        {
            "readings": [
                [one.field, one.source, one.utc_offset_s, one.points, one.preference]
                for one in page.readings
            ],
            "sessions": [
                [
                    one.key,
                    one.day.isoformat(),
                    one.start_ms,
                    one.end_ms,
                    one.utc_offset_s,
                    one.values,
                    one.labels,
                    [
                        [part.kind, part.label, part.start_ms, part.duration_ms]
                        for part in one.parts
                    ],
                ]
                for one in page.sessions
            ],
            "dailies": [
                [one.day.isoformat(), one.field, one.value, one.source] for one in page.dailies
            ],
            "snapshots": [[one.key, one.content] for one in page.snapshots],
            "syncs": [[one.device, one.synced_at.isoformat()] for one in page.syncs],
            "files": [[one.key, one.version, one.media_type, one.size_bytes] for one in page.files],
            "zone": page.zone,
            "member_since": page.member_since and page.member_since.isoformat(),
            "unread": page.unread,
            "unread_why": page.unread_why,
        }
    ).encode()


def teaching(*lessons: Lesson) -> bytes:
    """Write a body that holds nothing, and from which `learn` makes `lessons` again."""
    return json.dumps(
        {"lessons": [[one.data_type, one.kind, one.value] for one in lessons]}
    ).encode()


def learn(_pull: Pull, reply: Reply) -> tuple[Lesson, ...]:
    """Read back what `teaching` wrote; any other reply teaches nothing."""
    try:
        said: dict[str, Any] = json.loads(reply.body)
    except ValueError:
        return ()
    return tuple(
        Lesson(name, LessonKind(kind), value) for name, kind, value in said.get("lessons", ())
    )


def read(_pull: Pull, reply: Reply) -> Page:
    """Read back what `body` wrote; anything else is a broken contract."""
    try:
        said: dict[str, Any] = json.loads(reply.body)
        return Page(
            readings=tuple(
                Readings(
                    name,
                    source,
                    offset_s,
                    [(at, value, span) for at, value, span in points],
                    preference,
                )
                for name, source, offset_s, points, preference in said["readings"]
            ),
            sessions=tuple(
                Session(
                    key,
                    date.fromisoformat(day),
                    start_ms,
                    end_ms,
                    offset_s,
                    tuple((name, value) for name, value in values),
                    tuple((name, text) for name, text in labels),
                    tuple(Part(*part) for part in parts),
                )
                for key, day, start_ms, end_ms, offset_s, values, labels, parts in said["sessions"]
            ),
            dailies=tuple(
                Daily(date.fromisoformat(day), name, value, source)
                for day, name, value, source in said["dailies"]
            ),
            snapshots=tuple(Snapshot(key, content) for key, content in said["snapshots"]),
            syncs=tuple(
                DeviceSync(device, datetime.fromisoformat(at)) for device, at in said["syncs"]
            ),
            files=tuple(File(*file) for file in said["files"]),
            zone=said["zone"],
            member_since=said["member_since"] and date.fromisoformat(said["member_since"]),
            unread=said["unread"],
            unread_why=said["unread_why"],
        )
    except (ValueError, KeyError) as err:
        raise ContractError("the reply is not what was promised") from err


def at(text: str) -> datetime:
    """Read an instant; UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ms(text: str) -> int:
    """Read an instant as Unix milliseconds."""
    return round(at(text).timestamp() * 1000)


def day(text: str, last: str | None = None, axis: Axis = Axis.CIVIL) -> Window:
    """Give the window of a civil day, or of several."""
    return Window.of_days(axis, date.fromisoformat(text), date.fromisoformat(last or text))


def utc_days(first: str, last: str | None = None) -> Window:
    """Give the window of a UTC day, or of several, on the axis of instants."""
    return Window(Axis.INSTANT, at(first), at(last or first) + timedelta(days=1))


def hours(start: str, end: str) -> Window:
    """Give a window of civil time."""
    return Window(Axis.CIVIL, datetime.fromisoformat(start), datetime.fromisoformat(end))


def heart(points: Iterable[Point], source: str = "", offset_s: int = 3600) -> Page:
    """Give a page of heart rates."""
    return Page(readings=(Readings("bpm", source, offset_s, list(points)),))


def sugar(*points: tuple[str, float], source: str = "", offset_s: int = 0) -> Page:
    """Give a page of glucose readings by their instants."""
    said: list[Point] = [(ms(text), value, None) for text, value in points]
    return Page(readings=(Readings("level", source, offset_s, said),))


def night(key: str, ended: str, efficiency: int = 90, stages: int = 3) -> Session:
    """Give a night of eight hours that ends at seven (UTC) on the day `ended`."""
    end_ms = ms(f"{ended}T07:00")
    start_ms = end_ms - 8 * 3_600_000
    return Session(
        key=key,
        day=date.fromisoformat(ended),
        start_ms=start_ms,
        end_ms=end_ms,
        utc_offset_s=3600,
        values=(("efficiency", efficiency),),
        labels=(("type", "stages"),),
        parts=tuple(
            Part("stage", ("deep", "light", "rem")[place % 3], start_ms + place * 60_000, 60_000)
            for place in range(stages)
        ),
    )


def complete(pages: int, points: int) -> Outcome:
    return Outcome(OutcomeKind.COMPLETE, pages=pages, points=points)


def failed(reason: str) -> Outcome:
    return Outcome(OutcomeKind.FAILED, reason, "for a test")


class Life:
    """An account's store, written to as the engine does."""

    def __init__(self, account_dir: Path, now: str = "2026-03-02T10:00") -> None:
        self.now = at(now)
        self.store = AccountStore(account_dir, read, CATALOGUE, learn)

    def pull(
        self,
        of: DataType,
        window: Window | None,
        *pages: Page,
        why: Why = Why.SYNC,
        synced_at: datetime | None = None,
        outcome: Outcome | None = None,
    ) -> list[Applied]:
        """Run a pass of one pull and apply it."""
        self.begin_pass()
        self.write_pull(
            Pull(of.name, window, why, ZONE, synced_at),
            [body(page) for page in pages],
            outcome or complete(len(pages), sum(page.points for page in pages)),
        )
        return self.end_pass()

    def begin_pass(self) -> int:
        return self.store.writer.begin_pass(self.now, "fake", "1.0")

    def write_pull(
        self, pull: Pull, bodies: Sequence[bytes], outcome: Outcome, status: int = 200
    ) -> None:
        writer = self.store.writer
        writer.begin_pull(self.now, pull)
        for one in bodies:
            writer.reply(REQUEST, Reply(status, {"content-type": "json"}, one, self.now))
        writer.end_pull(self.now, outcome)

    def end_pass(self) -> list[Applied]:
        self.store.writer.end_pass(self.now, PassEnd("ok"))
        return self.store.apply_pass()

    def wait(self, **amount: float) -> None:
        """Let time pass."""
        self.now += timedelta(**amount)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the index."""
        return self.store.index.db.execute(query, values).fetchall()

    def readings(self) -> list[tuple[Any, ...]]:
        """Give every reading: instant, value, offset, ordinal."""
        return self.rows(
            "SELECT instant, value, utc_offset_s, ordinal FROM reading JOIN series ON id = series"
            " ORDER BY instant, ordinal, utc_offset_s"
        )
