"""The far end of a line (`drill/line.py`): `python -m loom_tui.drill.seat …` is `loom …` that has its terminal.

A hangup is sent to whoever has the terminal as its own; what is merely started on one does not.
"""

from __future__ import annotations

import fcntl
import termios

from loom_tui.entry import main

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    main()
