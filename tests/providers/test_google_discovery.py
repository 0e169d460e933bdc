"""The tables of data types and values agree with Google's own description of the API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fitbitd.model import Axis, Cadence, DataTypeName, Kind
from fitbitd.providers.google_health.capability import (
    CAPABILITIES,
    Capability,
    Method,
    Scope,
    Shape,
)
from fitbitd.providers.google_health.catalog import CATALOGUE, ENTRIES, Entry
from fitbitd.providers.google_health.values import POINT, ROLLUP, Form, Value
from tests.support.google_wire import RECORDED

DISCOVERY = json.loads((RECORDED / "discovery.json").read_text(encoding="utf-8"))
SCHEMAS: dict[str, dict[str, Any]] = {
    name: schema.get("properties", {}) for name, schema in DISCOVERY["schemas"].items()
}
METHODS = DISCOVERY["resources"]["users"]["resources"]["dataTypes"]["resources"]["dataPoints"][
    "methods"
]
BETA_ONLY = "skin-temperature-sensors"
UNDOCUMENTED_SCOPES = {Scope.NUTRITION}  # granted, and on the public page of scopes

TIMES = {
    Shape.INTERVAL: ("interval", "ObservationTimeInterval"),
    Shape.SAMPLE: ("sampleTime", "ObservationSampleTime"),
    Shape.DAILY: ("date", "Date"),
    Shape.SESSION: ("interval", "SessionTimeInterval"),
}
FORMS: dict[Form, set[tuple[str, str | None]]] = {
    Form.NUMBER: {("number", "double"), ("string", "int64"), ("integer", "int32")},
    Form.SECONDS: {("string", "google-duration")},
    Form.FLAG: {("boolean", None)},
}


def reach(schema: str, path: tuple[str, ...]) -> dict[str, Any] | str:
    """Follow members through schemas to a property; words where it ends too soon."""
    found: dict[str, Any] = {"$ref": schema}
    for key in path:
        if found.get("type") == "array":
            found = found["items"]
        properties = SCHEMAS.get(found.get("$ref", ""), {})
        if key not in properties:
            return f"{schema} has no {'.'.join(path)}: {key} is not in {sorted(properties)}"
        found = properties[key]
    return found


def mismatches(schema: str, value: Value) -> Iterator[str]:
    if value.path:
        found = reach(schema, (*value.each, *value.path))
        if isinstance(found, str):
            yield found
        elif (found.get("type"), found.get("format")) not in FORMS[value.form]:
            yield f"{schema}.{'.'.join(value.path)} is {found}, not a {value.form.name}"
    if value.key:
        found = reach(schema, (*value.each, *value.key))
        if isinstance(found, str):
            yield found
        elif "enum" in found:
            known = [word for word in found["enum"] if not word.endswith("_UNSPECIFIED")]
            if sorted(known) != sorted(value.words):
                yield f"{schema}.{value.key[-1]}: {sorted(known)} is not {sorted(value.words)}"


def differences(
    container: str, table: Mapping[str, tuple[Value, ...]], ids: list[str]
) -> list[str]:
    """Compare the values of data types with the schemas that a container gives them."""
    found = []
    for type_id in ids:
        member = SCHEMAS[container].get(CAPABILITIES[type_id].key)
        if member is None:
            found.append(f"{container} has no {CAPABILITIES[type_id].key}")
            continue
        for value in table[type_id]:
            found += mismatches(member["$ref"], value)
    return found


def can(*methods: Method) -> list[str]:
    return [
        row.id
        for row in CAPABILITIES.values()
        if row.id != BETA_ONLY and any(row.can(method) for method in methods)
    ]


def test_every_value_of_a_point_is_in_the_discovery_document() -> None:
    assert differences("DataPoint", POINT, can(Method.LIST, Method.RECONCILE)) == []


def test_every_value_of_a_roll_up_is_in_the_discovery_document() -> None:
    assert differences("RollupDataPoint", ROLLUP, can(Method.ROLL_UP)) == []
    assert differences("DailyRollupDataPoint", ROLLUP, can(Method.DAILY_ROLL_UP)) == []


def test_a_difference_is_told() -> None:
    row = Value(("percentage",), "x", "", "")
    assert list(mismatches("Steps", row)) == [
        "Steps has no percentage: percentage is not in ['count', 'interval']"
    ]
    assert "not a SECONDS" in next(
        mismatches("Steps", Value(("count",), "x", "", "", Form.SECONDS))
    )


def test_every_data_type_of_the_discovery_document_is_in_the_table() -> None:
    """What rolls up only by a personal range refuses every roll-up."""
    known = {row.key for row in CAPABILITIES.values() if row.id != BETA_ONLY}
    for container in ("DataPoint", "ReconciledDataPoint", "RollupDataPoint"):
        extra = set(SCHEMAS[container]) - known
        assert extra <= {"name", "dataSource", "dataPointName", "startTime", "endTime"}
    assert set(SCHEMAS["DailyRollupDataPoint"]) - known == {
        *("civilStartTime", "civilEndTime"),
        *("heartRateVariabilityPersonalRange", "restingHeartRatePersonalRange"),
    }


def test_the_methods_of_the_table_have_members_in_the_answers() -> None:
    answers = {
        Method.RECONCILE: "ReconciledDataPoint",
        Method.ROLL_UP: "RollupDataPoint",
        Method.DAILY_ROLL_UP: "DailyRollupDataPoint",
    }
    for method, schema in answers.items():
        assert {CAPABILITIES[each].key for each in can(method)} <= set(SCHEMAS[schema])
    rolled = {CAPABILITIES[each].key for each in can(Method.ROLL_UP)}
    assert rolled == set(SCHEMAS["RollupDataPoint"]) - {"startTime", "endTime"}
    assert set(METHODS) >= {*map(str, Method), "exportExerciseTcx"}


@pytest.mark.parametrize("row", CAPABILITIES.values(), ids=lambda row: row.id)
def test_a_point_has_its_time_where_its_shape_says(row: Capability) -> None:
    if row.shape is Shape.CATALOGUE or row.id == BETA_ONLY:
        return
    schema = SCHEMAS["DataPoint"].get(row.key, {}).get("$ref")
    if schema is not None:
        member, kind = TIMES[row.shape]
        assert SCHEMAS[schema][member]["$ref"] == kind
        for word in row.told_by:
            assert "enum" in SCHEMAS[schema][word]


def test_every_scope_is_one_that_reading_takes() -> None:
    known = {scope for method in METHODS.values() for scope in method["scopes"]}
    account = DISCOVERY["resources"]["users"]
    for method in account["methods"].values():
        known |= set(method["scopes"])
    for method in account["resources"]["pairedDevices"]["methods"].values():
        known |= set(method["scopes"])
    assert {str(scope) for scope in Scope} - known == set(UNDOCUMENTED_SCOPES)


EVERY = [pytest.param(entry, id=name) for name, entry in ENTRIES.items()]


@pytest.mark.parametrize("entry", EVERY)
def test_an_entry_is_filled_for_the_readme(entry: Entry) -> None:
    data_type = entry.data_type
    assert all((data_type.title, data_type.source, data_type.grain, data_type.scope))
    names = [field.name for field in data_type.fields]
    assert len(names) == len(set(names))
    assert bool(data_type.fields) is (data_type.kind in (Kind.READINGS, Kind.DAILY)) or (
        data_type.kind is Kind.SESSIONS
    )


@pytest.mark.parametrize("entry", EVERY)
def test_a_window_goes_with_an_axis_and_methods_with_a_capability(entry: Entry) -> None:
    data_type = entry.data_type
    assert (data_type.axis is None) is (data_type.kind in (Kind.SNAPSHOT, Kind.FILE))
    assert bool(entry.methods) is (entry.capability is not None) is not bool(entry.path)
    watch = data_type.kind is Kind.READINGS and data_type.cadence is Cadence.WATCH
    assert data_type.dense is (watch and data_type.axis is Axis.INSTANT)
    if data_type.checks is not None:
        assert CATALOGUE[data_type.checks].dense


def test_the_catalogue_has_every_data_type_under_its_documented_name() -> None:
    made = {row.id.replace("-", "_") for row in CAPABILITIES.values()}
    made |= {f"daily_{row.name}" for row in CAPABILITIES.values() if "Y" in row.methods}
    hourly = {name for name in CATALOGUE if name.startswith("hourly_")}
    assert {name.removeprefix("hourly_") for name in hourly} == {
        row.name
        for row in CAPABILITIES.values()
        if CATALOGUE[DataTypeName(row.name)].dense and {"L", "U"} <= set(row.methods)
    }
    account = {"settings", "paired_devices", "profile", "identity", "irn_profile", "exercise_tcx"}
    assert set(CATALOGUE) == made | hourly | account


def test_what_has_no_list_is_read_by_hours() -> None:
    by_hours = {
        name
        for name, entry in ENTRIES.items()
        if entry.methods[:1] == (Method.ROLL_UP,) and entry.data_type.checks is None
    }
    assert by_hours == {
        *("floors", "total_calories", "calories_in_heart_rate_zone", "time_in_heart_rate_zone"),
    }


def test_only_the_devices_carry_syncs_and_only_the_settings_are_needed_beside_them() -> None:
    assert [d.name for d in CATALOGUE.values() if d.watches] == ["paired_devices"]
    assert [d.name for d in CATALOGUE.values() if d.needed] == ["settings", "paired_devices"]


def test_what_few_people_log_or_no_document_lists_is_asked_by_name_only() -> None:
    assert {name for name, d in CATALOGUE.items() if not d.by_default} == {
        *("daily_activity_level", "hourly_activity_level"),
        *("food", "food_measurement_unit", "moods", "symptoms", "menstrual_period"),
        *("ovulation_test", "skin_temperature_sensors"),
    }


def test_what_continues_the_legacy_api_has_its_name_and_unit() -> None:
    from fitbitd.providers.fitbit.catalog import CATALOGUE as LEGACY  # noqa: PLC0415 - one test

    old = {f"{d.name}.{f.name}": f.unit for d in LEGACY.values() for f in d.fields}
    named = {f.legacy: f.unit for d in CATALOGUE.values() for f in d.fields if f.legacy}
    assert {name: old.get(name) for name in named} == named
    assert {"heart_rate.heart_rate", "steps.steps", "daily_steps.steps"} <= set(named)
