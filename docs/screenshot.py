"""Make the README's pictures from the real program: a demo world, its collector, and the room, as SVG.

python docs/screenshot.py docs/
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

from loom_tui.app import LoomApp
from loom_tui.commands.rooms import open_room_store
from loom_tui.config.plans import PlanFile
from loom_tui.demo.world import World, world
from loom_tui.reader import Reader
from loom_tui.room.door import Person
from loom_tui.session import RoomPlace

SETTLE_S = 25  # the feeds are live at once; percentiles need their samples


async def shoot(made: World, directory: Path) -> None:
    """Open the room on the world, wait for its figures, and write each screen."""
    file = PlanFile(made.plan_path)
    place = RoomPlace(
        plan=file.read(),
        plan_file=file,
        open_store=lambda plan: open_room_store(plan, made.store_directory),
        actor="ana",
        read_only=False,
        clock=time.time,
    )
    reader = Reader(place)
    reader.start()
    app = LoomApp(reader, person=Person(place.actor))
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(SETTLE_S)
        await asyncio.to_thread(migrate, made)
        await asyncio.sleep(SETTLE_S)
        for name in ("room", "database", "gate"):
            app.action_go(name)
            await pilot.pause(3)
            (directory / f"{name}.svg").write_text(tidy(app.export_screenshot()), encoding="utf-8")
    reader.stop()


def migrate(made: World) -> None:
    """Apply the optimisation migration under guard, as one does from another terminal."""
    words = ("act", "migrate", "--environment", "production")
    subprocess.run([sys.executable, "-m", "loom_tui", *words], cwd=made.directory, check=True)


def tidy(svg: str) -> str:
    """Leave out the web fonts that Textual would have a reader's browser fetch, and keep blanks as they are."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("<text ", '<text xml:space="preserve" ')


if __name__ == "__main__":
    with world() as found:
        asyncio.run(shoot(found, Path(sys.argv[1])))
