"""Memory that is given back: a daemon that once read a large page does not keep its size for years.

glibc keeps what large buffers held, and does so anew for each thread. Told to have one heap, and to
map large buffers singly, it gives each back when it is done with; other C libraries are left alone.
Source: mallopt(3).
"""

import ctypes

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE_BYTES = 256 * 1024


def give_back_large_buffers() -> None:
    """Tell the C library, if it is one that can be told."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
