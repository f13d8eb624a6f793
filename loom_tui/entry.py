"""Where `loom` begins.

Nearly all that a start makes stays. To look for waste meanwhile finds none, for 15 ms: 3 before Loom's own first line,
10 with Textual, 2 with the first screen. So a start begins with nothing but that switch.
"""

from __future__ import annotations

import gc


def main() -> None:
    """Run `loom`."""
    gc.disable()  # whoever stays switches it on: `_run_command` in main.py, `open_room`
    try:
        from loom_tui.main import main as begin  # noqa: PLC0415 - after the line above

        begin()
    finally:
        gc.enable()
