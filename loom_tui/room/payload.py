"""What every event's payload is made of."""

from msgspec import Struct


class PayloadBase(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The base of all payloads; the tag is the class's name in snake case."""


class Claim(PayloadBase, frozen=True):
    """The base of what is said of one release in one environment, and ends with it."""

    release: str
    environment: str
