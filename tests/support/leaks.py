"""Whether a secret can be read in something, in whatever writing it stands there."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

ENOUGH = 20
"""So many characters of a longer secret are a leak as well."""

_LEAST = 8


def leaks(secrets: Iterable[str], client_id: str, told: bytes | str) -> list[str]:
    """Give what can be read of the secrets, with what stands before it.

    Args:
        client_id: stands before the client's secret in a Basic header.
    """
    content = told.encode("utf-8", "surrogateescape") if isinstance(told, str) else told
    wanted = {form.encode() for secret in secrets for form in _forms(secret, client_id)}
    # One search for each takes a tenth of the time that one expression for all takes.
    places = ((content.find(form), len(form)) for form in sorted(wanted))
    return [
        content[max(0, at - 40) : at + size].decode("utf-8", "replace")
        for at, size in places
        if at >= 0
    ]


def _forms(secret: str, client_id: str) -> Iterator[str]:
    for piece in _pieces(secret):
        yield piece
        yield from (quote(piece, safe=""), quote(piece), quote_plus(piece))
        for encode in (b64encode, urlsafe_b64encode):
            yield from (_in_base64(piece, before, encode) for before in range(3))
    yield b64encode(f"{client_id}:{secret}".encode()).decode().rstrip("=")


def _pieces(secret: str) -> Iterator[str]:
    """Give the beginnings of a secret and of its parts: the first part of a JWT says nothing."""
    yield secret[:ENOUGH]
    yield from (part[:ENOUGH] for part in re.split(r"[./]", secret) if len(part) >= _LEAST)


def _in_base64(piece: str, before: int, encode: Callable[[bytes], bytes]) -> str:
    """Write a piece as it reads in base64 with so many bytes before it, modulo three."""
    coded = encode(b"\0" * before + piece.encode()).decode().rstrip("=")
    whole = (before + len(piece)) % 3 == 0
    return coded[(0, 2, 3)[before] : None if whole else -1]
