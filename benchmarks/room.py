"""Measure the room from outside, in a pseudo-terminal, beside a bare Textual app in the same run.

Both programs take turns, so that a machine that slows down slows both. Printed: the median ready time of --starts
starts, and the median of the ratios of each pair; then medians of --runs longer runs: idle CPU, idle bytes a minute,
key latency (p50, p99 over --keys presses, first change of the cell that the key moves) and resident memory.

    python benchmarks/room.py --starts 15 --runs 3 --idle 60 --keys 500
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loom_tui.demo.world import world
from loom_tui.plan.signals import asked_of
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


class Program(NamedTuple):
    """What is run, the last text that its first whole screen shows, and the keys that move its cursor."""

    command: list[str]
    ready: str
    keys: list[str]


def opened(program: Program, directory: Path) -> Terminal:
    """Start a program as it is installed: with its bytecode compiled."""
    return Terminal(program.command, directory=directory, environ={"PYTHONDONTWRITEBYTECODE": ""})


def starts(programs: dict[str, Program], options: argparse.Namespace, directory: Path) -> dict[str, list[float]]:
    """Start each program in turn, one round more than counts, and give the seconds until each was ready."""
    found: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(options.starts + 1):
        for name, program in programs.items():
            with opened(program, directory) as terminal:
                seconds = terminal.wait_for(program.ready)
            if turn:  # the first round fills the caches
                found[name].append(seconds)
    return found


def measure(program: Program, options: argparse.Namespace, directory: Path) -> dict[str, float]:
    """Run a program once and measure it."""
    out: dict[str, float] = {}
    with opened(program, directory) as terminal:
        terminal.wait_for(program.ready)
        terminal.settle(quiet_s=0.5, limit_s=6)
        pump_for(terminal, options.warm)
        raw, cpu, began = len(terminal.raw), terminal.cpu_s(), time.monotonic()
        pump_for(terminal, options.idle)
        took = time.monotonic() - began
        out["idle_cpu_pct"] = 100 * (terminal.cpu_s() - cpu) / took
        out["idle_bytes_min"] = (len(terminal.raw) - raw) * 60 / took
        delays = press_keys(terminal, program.keys, options.keys)
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
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--warm", type=float, default=15, help="seconds before the idle window")
    parser.add_argument("--idle", type=float, default=60, help="seconds of the idle window")
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "bare.py").write_text(BARE, encoding="utf-8")
        with world() as made:
            plan, store = str(made.plan_path), str(made.store_directory)
            polled = sum(bool(source.interval_s) for source in asked_of(made.plan()).values())
            loom = [str(Path(sys.executable).parent / "loom"), plan, "--store", store]
            programs = {
                "bare": Program([sys.executable, "bare.py"], "row 29", ["down", "up"]),
                "loom": Program(loom, f"of {polled} live", ["j", "k"]),
            }
            time.sleep(WORLD_WARM_S)
            ready = starts(programs, options, directory)
            runs = [
                {name: measure(program, options, directory) for name, program in programs.items()}
                for _ in range(options.runs)
            ]
    medians: dict[str, dict[str, float]] = {
        name: {"ready_s": statistics.median(ready[name])}
        | {key: statistics.median(run[name][key] for run in runs) for key in (runs[0][name] if runs else ())}
        for name in programs
    }
    ratio = statistics.median(loom / bare for loom, bare in zip(ready["loom"], ready["bare"], strict=True))
    if options.json:
        print(json.dumps(medians | {"ready_ratio": ratio}))
        return
    for key in medians["loom"]:
        print(f"{key:<16} bare {medians['bare'].get(key, 0):>10.2f}   loom {medians['loom'][key]:>10.2f}")
    print(f"{'ready ratio':<16} {ratio:.2f}, pair by pair")


if __name__ == "__main__":
    main()
