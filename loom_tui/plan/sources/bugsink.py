"""A Bugsink server, as a plan names it: an error tracker with an API of its own."""

from collections.abc import Iterator

from loom_tui.plan.sources.errors import ErrorFeed


class BugsinkSource(ErrorFeed, frozen=True, kw_only=True, tag="bugsink"):
    """A Bugsink project. `project` is its number, as its DSN ends with it."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its project to be a number, which alone its API knows."""
        yield from super().faults()
        if not self.project.isdecimal():
            yield "project", f"Bugsink knows projects by number, such as the DSN ends with; found {self.project!r}"
