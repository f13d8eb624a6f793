"""The plan's shape as a JSON Schema, so that an editor completes and checks loom.toml as it is typed."""

from __future__ import annotations

from typing import Any

import msgspec

from loom_tui.plan.model import Plan


def plan_schema() -> dict[str, Any]:
    """Give the schema of loom.toml (draft 2020-12), generated from the plan's types."""
    schema = msgspec.json.schema(Plan)
    schema["$defs"]["Target"]["properties"]["target_ms"]["anyOf"].append({"type": "number"})  # see plan/toml.py
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of Loom",
        **schema,
    }
