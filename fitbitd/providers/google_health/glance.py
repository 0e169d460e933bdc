"""What a long page of points says at a glance: how many, and whether more wait.

To decode a page is most of the work that it makes, and it is decoded whole when it is read from the
archive; a pull only has to know how to go on. A page that is not laid out as Google does it, or
that is short, is decoded at once instead.
"""

import re

from fitbitd.model import Survey

LONG_BYTES = 50_000
_END_BYTES = 4_000  # tokens were seen with some hundred characters
_BEGIN = re.compile(rb'\s*\{\s*"dataPoints"\s*:\s*\[\s*\{')
_END = re.compile(rb'\}\s*\](?:\s*,\s*"nextPageToken"\s*:\s*"([^"\\]*)")?\s*\}\s*\Z')


def glance(body: bytes, key: str) -> Survey | None:
    """Survey a long page of points; None where only decoding it can tell.

    Args:
        key: the member that each point has once, with its value.
    """
    if len(body) < LONG_BYTES or not _BEGIN.match(body):
        return None
    end = _END.search(body, len(body) - _END_BYTES)
    if end is None or body.count(b'"nextPageToken"') != (end[1] is not None):
        return None
    token = None if end[1] is None else end[1].decode("utf-8", "replace")
    return Survey(body.count(f'"{key}"'.encode()), token or None)
