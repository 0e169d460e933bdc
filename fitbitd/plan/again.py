"""What is asked in place of a pull that could not be answered as it was. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from fitbitd.model import DataType, Lesson, LessonKind, Pull
from fitbitd.plan.windows import POINTS_A_PAGE, cut

SMALLEST_PAGE = 100
"""A provider that cannot manage this many points is not slow because of them."""


def merged(known: Iterable[Lesson], learnt: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """Give what is known with what was learnt since: the newest of each kind."""
    lessons = {(each.data_type, each.kind): each for each in (*known, *learnt)}
    return tuple(lessons.values())


def informed(pull: Pull, lessons: Iterable[Lesson]) -> Pull:
    """Give the pull with all that is known of its data type by now."""
    own = tuple(each for each in lessons if each.data_type == pull.data_type)
    return replace(pull, lessons=own)


def corrected(pull: Pull, kind: LessonKind, lessons: Iterable[Lesson]) -> Pull | None:
    """Give the pull as a new lesson of this kind has it; None if there is nothing new."""
    now = informed(pull, lessons)
    before, after = (
        [each.value for each in one.lessons if each.kind is kind] for one in (pull, now)
    )
    return now if before != after else None


def current(pull: Pull, data_type: DataType, lessons: Iterable[Lesson]) -> tuple[Pull, ...]:
    """Give a pull that has waited as it is to be asked by now, in several pieces if need be.

    Args:
        data_type: as the lessons correct it.
    """
    return cut(informed(pull, lessons), data_type.longest)


def smaller_page(pull: Pull) -> Lesson | None:
    """Halve the page of a pull that the provider is too slow for; None if it is the smallest."""
    told = [each.value for each in pull.lessons if each.kind is LessonKind.PAGE_SIZE]
    size = int(told[-1]) if told and told[-1].isdecimal() else POINTS_A_PAGE
    if pull.window is None or size <= SMALLEST_PAGE:
        return None
    half = str(max(SMALLEST_PAGE, size // 2))
    return Lesson(pull.data_type, LessonKind.PAGE_SIZE, half)
