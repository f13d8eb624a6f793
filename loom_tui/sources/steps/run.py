"""One run of a workflow: its variables, its secrets, its cookies; and what a step leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from msgspec import Struct

from loom_tui.plan.template import fill, fill_all
from loom_tui.plan.workflows import Workflow
from loom_tui.sources.base import Errand, SourceAnswered
from loom_tui.sources.mask import Mask, Masked

SHOWN_CHARACTERS = 1000  # of what was sent, and of what came back


class Outcome(Struct, frozen=True, kw_only=True):
    """What a step did. `what` differs from what was wanted (a status, a path, a header), and `why` says how.

    `doubt` says why what came back proves nothing. Nothing here is masked yet.
    """

    sent: str = ""
    got: str = ""
    what: str = ""
    why: str = ""
    doubt: str = ""


class Run:
    """What the steps of one run share."""

    def __init__(self, workflow: Workflow, credentials: Mapping[str, Masked], errand: Errand) -> None:
        self.workflow = workflow
        self.errand = errand
        self.mask = Mask()
        self._values = {
            "run": token_hex(4),
            "release": errand.release,
            "environment": errand.environment,
            **{name: secret.reveal() for name, secret in credentials.items()},
        }
        for secret in credentials.values():
            self.mask.add(secret.reveal())
        for name, text in workflow.variables.items():
            self._values[name] = self.fill(text)

    def fill(self, text: str) -> str:
        """Put the variables into a text."""
        return fill(text, self.value)

    def fill_all(self, value: Any) -> Any:
        """Put the variables into every text of a table or list."""
        return fill_all(value, self.value)

    def value(self, name: str) -> str:
        """Give a variable's value. Raises SourceAnswered where no step has left one."""
        try:
            return self._values[name]
        except KeyError:
            raise SourceAnswered(f"{{{name}}} has no value yet: the step that captures it gave none") from None

    def keep(self, name: str, value: str, *, show: bool = False) -> None:
        """Keep a captured value; it is hidden from now on unless it is to be shown."""
        self._values[name] = value
        if not show:
            self.mask.add_captured(value)

    def shown(self, text: str) -> str:
        """Make a text of this run fit for everybody's eyes."""
        return self.mask.foreign(text, limit=SHOWN_CHARACTERS)
