"""Text on its way into the index."""


def plain(text: str) -> str:
    """Give text that SQLite can hold: half of a surrogate pair is written as its escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text
