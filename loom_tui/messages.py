"""What the reader tells the app, as Textual's messages: they may be posted from its thread."""

from __future__ import annotations

from textual.message import Message

from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot


class SnapshotArrived(Message):
    """There is something new to show."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class ReplyArrived(Message):
    """A question was answered, or it is said why not."""

    def __init__(self, what: str, subject: str, reply: Reply) -> None:
        super().__init__()
        self.what = what
        self.subject = subject
        self.reply = reply


class TroubleTold(Message):
    """A person must know this; an empty text says that it is over."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
