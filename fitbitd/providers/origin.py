"""Where a URL leads, so that a token goes nowhere else."""

import re
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")


def origin(url: str) -> tuple[str, str, int] | None:
    """Give scheme, host and port of `url`; None if it is not plainly a web address.

    A space, a control character, a backslash or a name before the host is read differently by
    different libraries, so none of them has an origin here.
    """
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets or a port that make no sense
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port
