"""The wearer's life as the Google Health API holds it: points of every type, and no HTTP.

    life = GoogleLife(wearer)
    life.points("steps", start_ms, end_ms, now)       # every source, as `list` knows them
    life.merged("steps", start_ms, end_ms, now)       # one stream, as `reconcile` and roll-ups do
    life.dailies("daily-resting-heart-rate", first, last, now)

All of it derives from what the legacy provider's simulator serves too: one life, two providers.
"""

from fitbitd.simulator.life.google import GoogleLife

__all__ = ["GoogleLife"]
