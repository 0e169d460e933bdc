"""What a pull asked for."""

from datetime import date, datetime, time

from fitbitd.model import Pull, Window


def window_of(pull: Pull) -> Window:
    """Give the window of a pull for a data type that has one."""
    if pull.window is None:
        raise ValueError(f"a pull of {pull.data_type} without a window")
    return pull.window


def holds(window: Window, day: date) -> bool:
    """Say whether a civil day lies in a window of whole days."""
    return window.start <= datetime.combine(day, time()) < window.end
