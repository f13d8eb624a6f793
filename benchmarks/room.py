"""Measure the room from outside, in a pseudo-terminal, beside a bare Textual app in the same run.

Both programs take turns, so that a machine that slows down slows both. Printed: the median of the runs of
ready time, idle CPU, idle bytes a minute, key latency (p50, p99 over --keys presses, first change of the cell
that the key moves) and resident memory. `--load` lets a writer record 1,000 readings/s and 200 errors/s meanwhile.

    python benchmarks/room.py --runs 3 --idle 60 --keys 500
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loom_tui.demo.world import world
from tests.terminal import Terminal

WORLD_WARM_S = 20  # the demo's feeds are then live, and its first percentiles known
BARE = """
from textual.app import App, ComposeResult
from textual.widgets import DataTable

class Bare(App):
    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")
    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("name", "value")
        for row in range(30):
            table.add_row(f"row {row}", str(row * 7))

Bare().run()
"""


def measure(
    command: list[str], ready: str, options: argparse.Namespace, directory: Path, keys: list[str]
) -> dict[str, float]:
    """Run a program once and measure it. `ready`: the text that its usable screen shows."""
    out: dict[str, float] = {}
    with Terminal(command, directory=directory) as terminal:
        out["ready_s"] = terminal.wait_for(ready)
        terminal.settle(quiet_s=0.5, limit_s=6)
        pump_for(terminal, options.warm)
        raw, cpu, began = len(terminal.raw), terminal.cpu_s(), time.monotonic()
        pump_for(terminal, options.idle)
        took = time.monotonic() - began
        out["idle_cpu_pct"] = 100 * (terminal.cpu_s() - cpu) / took
        out["idle_bytes_min"] = (len(terminal.raw) - raw) * 60 / took
        delays = press_keys(terminal, keys, options.keys)
        if delays:
            out["key_p50_ms"] = statistics.median(delays)
            out["key_p99_ms"] = delays[min(len(delays) - 1, int(len(delays) * 0.99))]
            out["key_missed"] = options.keys - len(delays)
        out["rss_mb"] = terminal.rss_mb()
    return out


def pump_for(terminal: Terminal, seconds: float) -> None:
    """Read for a while."""
    end = time.monotonic() + seconds
    while terminal.alive and time.monotonic() < end:
        terminal.pump(min(0.25, max(0.0, end - time.monotonic())))


def press_keys(terminal: Terminal, keys: list[str], presses: int) -> list[float]:
    """Press keys one by one; give the sorted delays (ms) to the first change of the cursor's rows."""

    def rows() -> list[object]:
        return [
            [(cell.fg, cell.bg, cell.bold) for cell in line.values()]
            for line in map(terminal.screen.buffer.__getitem__, range(2, 12))
        ]

    delays = []
    for press in range(presses):
        terminal.settle(quiet_s=0.02, limit_s=0.5)
        before, began = rows(), time.monotonic()
        terminal.press(keys[press % len(keys)])
        while terminal.alive and time.monotonic() - began < 2:
            if terminal.pump(0.001) and rows() != before:
                delays.append((time.monotonic() - began) * 1000)
                break
    return sorted(delays)


def main() -> None:
    """Measure both programs and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--warm", type=float, default=15, help="seconds before the idle window")
    parser.add_argument("--idle", type=float, default=60, help="seconds of the idle window")
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"bare": [], "loom": []}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "bare.py").write_text(BARE, encoding="utf-8")
        bare = [sys.executable, "bare.py"]
        with world() as made:
            plan, store = str(made.plan_path), str(made.store_directory)
            loom = [str(Path(sys.executable).parent / "loom"), plan, "--store", store]
            time.sleep(WORLD_WARM_S)
            for _ in range(options.runs):
                found["bare"].append(measure(bare, "row 20", options, directory, ["down", "up"]))
                found["loom"].append(measure(loom, "of 3 live", options, directory, ["j", "k"]))
    medians = {
        program: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for program, runs in found.items()
    }
    if options.json:
        print(json.dumps(medians))
        return
    for key in medians["loom"]:
        print(f"{key:<16} bare {medians['bare'].get(key, 0):>10.2f}   loom {medians['loom'][key]:>10.2f}")
    print(f"ready ratio      {medians['loom']['ready_s'] / medians['bare']['ready_s']:.2f}")


if __name__ == "__main__":
    main()
