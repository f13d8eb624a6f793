"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: no example has a deadline of milliseconds.
settings.register_profile("loom", deadline=None)
settings.load_profile("loom")
