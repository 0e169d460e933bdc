"""Where a point comes from, in words that stay the same, and which source is shown first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fitbitd.providers.google_health.members import dig, word, words

_WORN = ("fitness_band", "watch", "ring", "chest_strap", "head_mounted")
_HOW = ("passively_measured", "actively_measured", "derived", "unknown", "manual")
_APPLICATION = ("packageName", "webClientId", "googleWebClientId")


@dataclass(frozen=True, slots=True)
class Source:
    """One source.

    Attributes:
        text: every member that Google names, readable.
        preference: of several sources at one instant, the least is shown first.
    """

    text: str
    preference: int


MERGED = Source("", 0)
"""What Google has merged of several: no source is named."""


def source_of(said: Any) -> Source:
    """Read a `dataSource`; MERGED if there is none.

    A worn device of Google's own that measured by itself comes first; what another app wrote comes
    behind everything of Google's own, and what a person typed in comes last.
    """
    if said is None:
        return MERGED
    how = _word(said, "recordingMethod")
    platform = _word(said, "platform")
    form = _word(said, "device", "formFactor")
    device = _words(said, "device", "displayName")
    parts = (
        platform,
        device,
        _words(said, "device", "manufacturer"),
        form,
        *(_words(said, "application", name) for name in _APPLICATION),
        how,
    )
    # Google leaves the form out of most answers; its own devices are worn, but for scales.
    worn = form in _WORN or (platform == "fitbit" and device is not None and form is None)
    rank = _HOW.index(how) if how in _HOW else _HOW.index("unknown")
    foreign = platform not in ("fitbit", None)
    manual = how == "manual"
    preference = 100 * manual + 20 * foreign + 10 * (not worn) + rank
    return Source(" / ".join(_named(parts)), preference)


def _named(parts: tuple[str | None, ...]) -> Iterator[str]:
    return (part for part in parts if part is not None)


def _word(said: Any, *path: str) -> str | None:
    found = dig(said, path)
    return None if found is None else word(found, path[-1])


def _words(said: Any, *path: str) -> str | None:
    found = dig(said, path)
    return None if found in (None, "") else words(found, path[-1])
