"""A workflow: its steps in order, each within its deadline and the whole's, and nothing secret in what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from msgspec.structs import replace

from loom_tui.plan.steps import CommandStep, HttpStep, MailStep, ManualStep, RolesStep, Step, TotpStep
from loom_tui.plan.workflows import Workflow, is_refused
from loom_tui.room.checks import CheckResult, encode_result
from loom_tui.room.checks import Step as Told
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError, SourceTimeout
from loom_tui.sources.mask import Masked
from loom_tui.sources.steps.command import command
from loom_tui.sources.steps.imap import ImapBox
from loom_tui.sources.steps.mail import Catcher, Mailbox, mail
from loom_tui.sources.steps.run import Outcome, Run
from loom_tui.sources.steps.totp import totp
from loom_tui.sources.steps.web import Browser, http, roles

BY_HAND = "done by people, in the room"
DETAIL_CHARACTERS = 300
ENDING_S = 6.0  # a command is asked to end, then made to (sources/process.py)
_T = TypeVar("_T")


def make(workflow: Workflow, errand: Errand) -> WorkflowAsker:
    """Make an asker with the workflow's credentials. Raises CredentialMissing."""
    credentials = {name: errand.credential(secret) for name, secret in workflow.credentials.items()}
    return WorkflowAsker(workflow, credentials, errand)


class WorkflowAsker(Asker):
    """Runs one workflow."""

    def __init__(self, workflow: Workflow, credentials: Mapping[str, Masked], errand: Errand) -> None:
        self._workflow = workflow
        self._credentials = credentials
        self._errand = errand

    async def ask(self) -> Sequence[Reading]:
        """Run it once. What fails is a reading, not an error: each step tells what was sent and got."""
        workflow, reading = self._workflow, self._errand.reading
        if is_refused(workflow, self._errand.environment):
            why = f"refused: it writes, and {self._errand.environment} is production; the plan does not allow it"
            return [reading(state=State.UNKNOWN, detail=why)]
        if len(workflow.manual_steps) == len(workflow.steps):
            return [reading(state=State.UNKNOWN, detail=BY_HAND)]
        attempt = _Attempt(Run(workflow, self._credentials, self._errand), asyncio.get_running_loop())
        await attempt.run()
        return [reading(state=attempt.state, detail=attempt.detail, body=encode_result(attempt.result()))]


class _Attempt:
    """One run on its way: what its steps left behind, and how it stands."""

    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop) -> None:
        self.state = State.OK
        self._run = run
        self._loop = loop
        self._began = loop.time()
        self._failure = ""
        self._left: list[Told] = []  # not masked yet: a secret that is captured later hides in what was told before
        self._boxes: dict[int, Mailbox] = {}
        self._unread: dict[int, str] = {}

    @property
    def detail(self) -> str:
        """Say in a line where it failed."""
        return self._run.mask.foreign(self._failure, limit=DETAIL_CHARACTERS)

    def result(self) -> CheckResult:
        """Tell each step, with every secret of the run taken out."""
        shown = self._run.shown
        steps = [
            replace(step, detail=shown(step.detail), sent=shown(step.sent), got=shown(step.got)) for step in self._left
        ]
        return CheckResult(duration_ms=(self._loop.time() - self._began) * 1000, steps=tuple(steps))

    async def run(self) -> None:
        """Do the steps in order; after one that is not well the others are not done."""
        workflow = self._run.workflow
        async with AsyncExitStack() as stack:
            browser = Browser(workflow.label, timeout_s=workflow.timeout_s)
            stack.push_async_callback(browser.close)
            await self._open_mail(stack)
            for number, step in enumerate(workflow.steps, 1):
                if isinstance(step, ManualStep):
                    self._left.append(Told(name=step.name, state=State.UNKNOWN, detail=BY_HAND))
                elif self.state is State.OK:
                    self._run.errand.progress(f"step {number} of {len(workflow.steps)}")
                    await self._step(number, step, browser)
                else:
                    why = self._unread.get(number, "not run")
                    self._left.append(Told(name=step.name, state=State.UNKNOWN, detail=why))

    async def _open_mail(self, stack: AsyncExitStack) -> None:
        """Note what lies in the mailboxes before anything is done; with one that cannot be read nothing is."""
        for number, step in enumerate(self._run.workflow.steps, 1):
            if isinstance(step, MailStep):
                box = self._boxes[number] = self._box(step, stack)
                stack.push_async_callback(box.close)
                try:
                    await self._within(box.begin(), self._run.workflow.step_timeout_s)
                except SourceError as error:
                    self._stop(number, error)
                    self._unread[number] = str(error)
                    return

    def _box(self, step: MailStep, stack: AsyncExitStack) -> Mailbox:
        run = self._run
        if step.imap is not None:
            imap = replace(
                step.imap,
                host=run.fill(step.imap.host),
                user=run.fill(step.imap.user),
                folder=run.fill(step.imap.folder),
            )
            return ImapBox(imap, Masked(run.fill(step.imap.password)))
        apart = Browser(step.name, timeout_s=run.workflow.step_timeout_s)  # no cookie of the site's goes there
        stack.push_async_callback(apart.close)
        return Catcher(run.fill(step.catcher), apart)

    async def _step(self, number: int, step: Step, browser: Browser) -> None:
        began = self._loop.time()
        try:
            outcome = await self._done(number, step, browser)
        except SourceError as error:
            self._stop(number, error)
            state, why = self.state, str(error)
            outcome = Outcome()
        else:
            state = State.BAD if outcome.what else State.UNKNOWN if outcome.doubt else State.OK
            why = f"{outcome.what}: {outcome.why}" if outcome.what else outcome.doubt
            if outcome.what:
                self.state, self._failure = state, f"{outcome.what} at step {number}: {outcome.why}"
            elif outcome.doubt:
                self.state, self._failure = state, f"stopped at step {number}: {outcome.doubt}"
        took_ms = (self._loop.time() - began) * 1000
        self._left.append(
            Told(name=step.name, state=state, detail=why, sent=outcome.sent, got=outcome.got, duration_ms=took_ms)
        )

    def _stop(self, number: int, error: SourceError) -> None:
        """Take a failure: what answered wrongly is bad, what could not be asked is unknown."""
        self.state = State.BAD if isinstance(error, SourceAnswered) else State.UNKNOWN
        self._failure = f"stopped at step {number}: {error}"

    async def _done(self, number: int, step: Step, browser: Browser) -> Outcome:
        """Do a step within its deadline. Raises SourceError."""
        run = self._run
        limit_s = step.timeout_s or run.workflow.step_timeout_s
        match step:
            case HttpStep():
                return await self._within(http(step, run, browser), limit_s)
            case RolesStep():
                return await self._within(roles(step, run), limit_s)
            case CommandStep():
                return await self._within(command(step, run, timeout_s=limit_s), limit_s + ENDING_S)
            case MailStep():
                work = mail(step, run, self._boxes[number], browser, timeout_s=limit_s)
                return await self._within(work, limit_s + run.workflow.step_timeout_s)
            case TotpStep():
                return _code(step, run)
            case ManualStep():
                return Outcome()

    async def _within(self, work: Awaitable[_T], limit_s: float) -> _T:
        """Wait for a step's work, but not past its deadline, nor past the whole's. Raises SourceTimeout."""
        whole_s = self._run.workflow.timeout_s
        left_s = self._began + whole_s - self._loop.time()
        try:
            async with asyncio.timeout(min(limit_s, left_s)):
                return await work
        except TimeoutError:
            if left_s < limit_s:
                raise SourceTimeout(f"the whole workflow took more than {whole_s:g} s") from None
            raise SourceTimeout(f"no answer within {limit_s:g} s") from None


def _code(step: TotpStep, run: Run) -> Outcome:
    """Work out a one-time code."""
    sent = f"a code of {step.digits} digits for now"
    try:
        code = totp(
            run.fill(step.secret),
            now=run.errand.clock(),
            digits=step.digits,
            period_s=step.period_s,
            algorithm=step.algorithm,
        )
    except ValueError as error:
        return Outcome(sent=sent, what="no code", why=str(error))
    run.keep(step.into, code)
    return Outcome(sent=sent, got=f"kept as {step.into}")
