"""Hold what `loom demo --headless --json` printed against what the demo promises."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> int:
    """Print what was found wrong; 0 where nothing was."""
    shown = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wrong = []
    if shown["gate"]["state"] not in ("HOLD", "NO-GO"):  # NO-GO once there are samples of the slow database
        wrong.append(f"the gate shows {shown['gate']['state']} over work that is not done")
    verdicts = {criterion["text"]: criterion["verdict"] for criterion in shown["gate"]["go"]}
    if verdicts.get("No critical bugs in staging") != "met":
        wrong.append(f"no rule over a live feed is met: {verdicts}")
    if len(shown["issues"]) != 12:
        wrong.append(f"{len(shown['issues'])} issues of the plan's 12")
    wrong += [f"feed {feed['source']} is not live: {feed['why']}" for feed in shown["feeds"] if not feed["live"]]
    wrong += [f"{feed['source']} failed: {feed['why']}" for feed in shown["on_demand"] if feed["failed"]]
    if not shown["feeds"]:
        wrong.append("no feeds at all")
    if not shown["errors"]["issues"]:
        wrong.append("no errors in the feed")
    silent = [name for name, signal in shown["signals"].items() if signal["freshness"] != "fresh"]
    seldom = [name for name in silent if name.endswith("p99_ms") or name.startswith("workflow.")]  # those run on demand
    wrong += [f"signal {name} is not fresh" for name in silent if name not in seldom]
    for line in wrong:
        print(line, file=sys.stderr)  # noqa: T201 - a script's answer
    if not wrong:
        print(f"headless demo: {len(shown['feeds'])} feeds live, {len(shown['signals'])} signals")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
