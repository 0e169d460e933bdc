"""Foods and their units: a catalogue without times. Pure."""

from collections.abc import Mapping
from typing import Any

from fitbitd.simulator.life.account import health_user_id
from fitbitd.simulator.life.sources import ACCOUNT
from fitbitd.simulator.life.values import Value
from fitbitd.simulator.measured import Point
from fitbitd.simulator.wearer import Wearer

CATALOGUES = ("food", "food-measurement-unit")

_UNITS: Mapping[str, Value] = {
    "147": {"displayName": "gram", "pluralDisplayName": "grams"},
    "204": {"displayName": "medium", "pluralDisplayName": "mediums"},
}
_FOODS = (("81409", "Banana", 105, 27, 0.4), ("81411", "Apple", 72, 19, 0.2))


def entries(type_id: str, wearer: Wearer) -> list[Point]:
    """List one of `CATALOGUES`; the points have neither time nor source of their own."""
    values = _UNITS if type_id == "food-measurement-unit" else _foods(wearer)
    return [Point(0, 0, 0, 0, ACCOUNT, value, point_id=key) for key, value in values.items()]


def _foods(wearer: Wearer) -> dict[str, dict[str, Any]]:
    unit = f"users/{health_user_id(wearer)}/dataTypes/food-measurement-unit/dataPoints/204"
    serving = {
        "amount": 1,
        "foodMeasurementUnit": unit,
        "foodMeasurementUnitDisplayName": "medium",
        "foodMeasurementUnitDisplayNamePlural": "mediums",
        "multiplier": 1,
    }
    return {
        key: {
            "displayName": name,
            "brand": "",
            "accessLevel": "FOOD_ACCESS_LEVEL_PUBLIC",
            "languageCode": "en-US",
            "defaultServing": serving,
            "energyAvg": {"kcal": kcal},
            "totalCarbohydrate": {"grams": carbohydrate},
            "totalFat": {"grams": fat},
        }
        for key, name, kcal, carbohydrate, fat in _FOODS
    }
