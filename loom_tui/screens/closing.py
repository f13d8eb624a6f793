"""What every dialog has: it closes itself, once."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Closing(ModalScreen[ScreenResultType]):
    """A dialog whose second closing does nothing: Textual's own takes away whatever screen is uppermost by then."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close with a result; do nothing where this dialog is not the uppermost any more."""
        return super().dismiss(result) if self.is_current else AwaitComplete()
