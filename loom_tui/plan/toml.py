"""The plan's file: TOML in, a `Plan` or all its faults out; and a plan written as TOML that a person can edit."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import msgspec
import tomli
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from loom_tui.plan.check import check_plan
from loom_tui.plan.faults import Fault, PlanFaults, shape_faults
from loom_tui.plan.model import Plan


def parse_plan(text: str, *, file: str = "loom.toml") -> Plan:
    """Parse a plan's TOML. Raises PlanFaults with every fault that was found; warnings do not count."""
    try:
        table = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise PlanFaults(file, [Fault("", f"not valid TOML: {_decapitalised(str(error))}")]) from error
    except RecursionError as error:
        raise PlanFaults(file, [Fault("", "nested too deeply to be a plan")]) from error
    _widen_targets(table)
    try:
        plan = msgspec.convert(table, Plan)
    except msgspec.ValidationError as error:  # it names one fault; the walk, 80 times as slow, finds them all
        raise PlanFaults(file, shape_faults(table, Plan)) from error
    faults = [fault for fault in check_plan(plan) if fault.level == "fault"]
    if faults:
        raise PlanFaults(file, faults)
    return plan


def dump_plan(plan: Plan) -> str:
    """Write a plan as TOML without what is at its default; `parse_plan` reads back an equal plan."""
    import tomli_w  # noqa: PLC0415 - 9 ms that a room, which only reads, need not pay

    return tomli_w.dumps(_lean(plan), multiline_strings=False)


def _widen_targets(table: dict[str, Any]) -> None:
    """Take a target's single figure as a range of it alone; what is no figure is left for the walk to find."""
    targets = table.get("targets")
    for target in targets if isinstance(targets, list) else ():
        figure = target.get("target_ms") if isinstance(target, dict) else None
        if isinstance(figure, int | float) and not isinstance(figure, bool):
            target["target_ms"] = {"low": figure, "high": figure}


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _lean(value: Struct) -> dict[str, Any]:
    """Make a struct a table, leaving out what equals its default."""
    table: dict[str, Any] = {}
    config = value.__struct_config__
    if config.tag_field is not None:
        table[config.tag_field] = config.tag
    for field in fields(value):
        item = getattr(value, field.name)
        if item is None or (field.default is not NODEFAULT and item == field.default):
            continue
        if field.default_factory is not NODEFAULT and item == field.default_factory():
            continue
        table[field.encode_name] = _plain(item)
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return _lean(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, date | time | bool | int | float):
        return value
    return str(value)
