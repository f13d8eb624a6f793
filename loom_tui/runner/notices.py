"""What an action tells people: each channel at most once, all at the same time, and what came of each in the journal.

Whether a channel has a message already is read from the journal, so that an interrupted step sends none twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from msgspec import Struct

from loom_tui.plan.acts import NotifyAct, filled
from loom_tui.plan.model import Plan
from loom_tui.plan.sources.base import secrets_of
from loom_tui.room.acting import ActionArmed, ActionFailed, ActionUnverified, ActionVerified, Outcome
from loom_tui.room.announcing import known_action
from loom_tui.room.guard import ActionState, ActionView
from loom_tui.room.messages import Message, MessageSent, approval_asked, fit_to_send, one_line, sent_before
from loom_tui.runner.record import Record
from loom_tui.sources.base import Clock
from loom_tui.sources.channels import send
from loom_tui.sources.mask import Mask
from loom_tui.sources.scene import Ended, Heard, Scene
from loom_tui.store.base import Head, StoreError

_LOG = logging.getLogger("loom.runner")
ASK_WITHIN_S = 120.0  # with a limit that is waited out


class Notice(Struct, frozen=True, kw_only=True):
    """Something to tell, to whom, and whose it is: a step's, or (without one) an action's that wants an approval."""

    channels: tuple[str, ...]
    subject: str
    text: str
    within_s: float
    step: int | None = None


class Herald:
    """Tells people for one action."""

    def __init__(self, record: Record, action: int, *, clock: Clock) -> None:
        self._record = record
        self._action = action
        self._clock = clock

    async def tell(self, notice: Notice, scene: Scene, heard: Heard) -> Ended:
        """Send to every channel that has it not yet; gives all their words. Raises StoreError.

        Where the journal cannot be read nobody knows who has it, and nothing is sent.
        """
        await self._record.seen()
        head = await self._record.head()
        message = message_of(self._record.plan, notice, head, mask_of(self._record.plan, scene.environ))
        told = await asyncio.gather(*(self._tell_one(name, notice, message, scene) for name in notice.channels))
        words = [
            f"{name}: {ended.why or ended.outcome.value}" for name, ended in zip(notice.channels, told, strict=True)
        ]
        for line in words:
            heard(f"{line}\n".encode())
        outcomes = {ended.outcome for ended in told}
        worst = next((each for each in (Outcome.UNKNOWN, Outcome.FAILED) if each in outcomes), Outcome.OK)
        return Ended(worst, "; ".join(words))

    async def ask_for_approval(self, scene: Scene) -> None:
        """Tell the channels that an action waits for a second person. What fails is in the log, and stops nothing."""
        view = await self._record.seen()
        channels = asked_channels(self._record.plan, view.armed)
        if view.state is not ActionState.ARMED or view.armed.people < 2 or not channels:
            return
        subject, text = approval_asked(view, zone=self._record.plan.calendar.zone)
        notice = Notice(channels=channels, subject=subject, text=text, within_s=ASK_WITHIN_S)
        try:
            ended = await self.tell(notice, scene, lambda _: None)
        except StoreError as error:
            _LOG.warning("%s", error)
        else:
            _LOG.info("asked for approval: %s", ended.why)

    async def _tell_one(self, name: str, notice: Notice, message: Message, scene: Scene) -> Ended:
        channel = self._record.plan.channels[name]
        before = sent_before(
            self._record.ledger.events,
            message,
            name,
            action=self._action,
            now=self._clock(),
            again_after_s=channel.again_after_s,
        )
        if before is not None:
            return Ended(Outcome.OK, f"not sent again: event {before.seq} says that it has it")
        ended = await send(channel, message, scene, within_s=notice.within_s)
        await self._record.write(
            MessageSent(
                channel=name,
                to=channel.place(),
                subject=message.subject,
                text=message.text,
                key=message.key,
                outcome=ended.outcome,
                why=ended.why,
                action=self._action,
                step=notice.step,
            )
        )
        return ended


def message_of(plan: Plan, notice: Notice, head: Head, mask: Mask) -> Message:
    """Make the message that leaves, without anybody's secrets."""
    about = plan.plan
    return Message(
        subject=one_line(mask.hide(notice.subject)),
        text=fit_to_send(mask.hide(notice.text)),
        room=about.id or about.title,
        environment=about.environment,
        release=about.release,
        seq=head.seq,
        head=head.hash,
    )


def notice_of(step: NotifyAct, index: int, *, label: str, values: Mapping[str, str]) -> Notice:
    """Put the values into a step's words; `label` is the action's."""
    return Notice(
        channels=step.channels,
        subject=filled(step.subject, values) or label,
        text=filled(step.text, values),
        within_s=step.timeout_s,
        step=index,
    )


def acknowledged(view: ActionView, run: str) -> ActionVerified | ActionUnverified | ActionFailed:
    """Judge an action that only tells people by what the channels said to it."""
    words = tuple(step.why for step in view.steps)
    outcomes = {step.outcome for step in view.steps}
    if Outcome.FAILED in outcomes:
        return ActionFailed(action=view.id, run=run, why=" · ".join(words))
    if outcomes == {Outcome.OK}:
        return ActionVerified(action=view.id, run=run, evidence=words)
    return ActionUnverified(action=view.id, run=run, why=" · ".join(words))


def asked_channels(plan: Plan, armed: ActionArmed) -> tuple[str, ...]:
    """Name the channels that are asked for a second person: the action's own, or those of all."""
    action = known_action(plan, armed.name, armed.announcement)
    own = action.ask if action is not None else None
    return plan.approvals.channels if own is None else own


def mask_of(plan: Plan, environ: Mapping[str, str]) -> Mask:
    """Know the secrets of the environment: those that the plan names, and what is named like one."""
    mask = Mask()
    for _, secret in secrets_of("", plan):
        mask.add(environ.get(secret.env, "") if secret.env else "")
    for name, value in environ.items():
        mask.add_variable(name, value)
    return mask
