"""What every value of a plan is made of."""

from __future__ import annotations

from msgspec import Struct


class Value(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """The base of everything in a plan: frozen, keyword-only, and strict about unknown keys."""
