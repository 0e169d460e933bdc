"""How things stand: settings, devices, profile, catalogues, and the files of exercises."""

from datetime import date
from typing import Any

from fitbitd.model import DeviceSync, File, Page, Pull, Reply, Snapshot
from fitbitd.providers.google_health.capability import Capability
from fitbitd.providers.google_health.members import (
    MISREAD,
    Unread,
    canonical,
    changed,
    document,
    known_zone,
    last_of,
)
from fitbitd.providers.google_health.times import Times

_EARLIEST_YEAR = 2000  # no account is older
_MOBILE_TRACK = "MobileTrack"  # a phone that counts steps; it syncs all day and proves nothing
_TCX = b"TrainingCenterDatabase"
_HEAD_BYTES = 4096


def read_whole(root: dict[str, Any], pull: Pull) -> Page:
    """Read a reply that is one thing; settings tell the wearer's zone, a profile when it began.

    Raises:
        ContractError: it does not bear its name.
    """
    if not isinstance(root.get("name"), str):
        raise changed(f"{pull.data_type}.name")
    zone = known_zone(root.get("timeZone")) if pull.data_type == "settings" else None
    return Page(
        snapshots=(Snapshot(pull.data_type, canonical(root)),),
        zone=zone,
        member_since=_day(root.get("membershipStartDate")) if pull.data_type == "profile" else None,
    )


def read_devices(rows: list[Any], reply: Reply) -> Page:
    """Read the paired devices, and when each watch among them synced."""
    times, unread = Times(), Unread()
    snapshots, syncs = [], []
    for device in rows:
        try:
            key = last_of(device["name"], "pairedDevices.name")
            snapshots.append(Snapshot(key, canonical(device)))
            tracker = device.get("deviceType") == "TRACKER"
            at = device.get("lastSyncTime")  # absent: paired, never synced
            if tracker and at is not None and device.get("deviceVersion") != _MOBILE_TRACK:
                synced_at = times.instant(at, "pairedDevices.lastSyncTime")
                # A sync taken for too late would vouch for data that nobody has.
                syncs.append(DeviceSync(key, min(synced_at, reply.received_at)))
        except MISREAD as err:
            unread.add(err, "pairedDevices")
    return Page(
        snapshots=tuple(snapshots),
        syncs=tuple(syncs),
        unread=unread.count,
        unread_why=unread.why,
    )


def read_catalogue(rows: list[Any], row: Capability) -> Page:
    """Read entries of a catalogue, each under its id."""
    unread = Unread()
    snapshots = []
    for entry in rows:
        try:
            content = canonical(entry[row.key])
            snapshots.append(Snapshot(last_of(entry["name"], "name"), content))
        except MISREAD as err:
            unread.add(err, row.key)
    return Page(snapshots=tuple(snapshots), unread=unread.count, unread_why=unread.why)


def read_track(pull: Pull, reply: Reply) -> Page:
    """Read the track of an exercise: the file itself, or JSON that holds it.

    Raises:
        ContractError: it is neither.
    """
    if _TCX in reply.body[:_HEAD_BYTES] and reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        media_type = "application/vnd.garmin.tcx+xml"
    elif _TCX.decode() in str(document(reply.body).get("tcxData")):
        media_type = "application/json"
    else:
        raise changed("tcxData")
    key, version = session_of(pull)
    return Page(files=(File(key, version, media_type, len(reply.body)),))


def _day(told: Any) -> date | None:
    """Give a date that is told in its three parts, None if it is none that can be believed."""
    try:
        day = date(told["year"], told["month"], told["day"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return day if day.year >= _EARLIEST_YEAR else None


def session_of(pull: Pull) -> tuple[str, str]:
    """Give the key and the version of the session whose file a pull asks for."""
    key, _, version = pull.item.rpartition("@")
    if not key:
        raise ValueError(f"a pull of {pull.data_type} without a session and its version")
    return key, version
