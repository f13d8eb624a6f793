"""A command of a workflow: what it is given, and its output held to what is expected."""

from __future__ import annotations

from loom_tui.plan.steps import CommandStep
from loom_tui.sources.process import run as run_command
from loom_tui.sources.steps.expect import TEXT_LIMIT, Found, NotFound, capture, first_fault
from loom_tui.sources.steps.run import Outcome, Run

LAST_WORDS = 300


async def command(step: CommandStep, run: Run, *, timeout_s: float) -> Outcome:
    """Run a command to its end. Raises SourceTimeout and SourceUnreachable."""
    words = [run.fill(word) for word in step.command]
    env = {name: run.fill(value) for name, value in step.env.items()}
    done = await run_command(
        words,
        directory=run.errand.directory,
        environ={**run.errand.environ, **env},
        timeout_s=timeout_s,
        name=step.name,
    )
    found = Found(done.stdout)
    sent = " ".join(words) + (f" · with {', '.join(env)}" if env else "")
    missing = ""
    try:
        for name, value in capture(found, step.capture, run.value).items():
            run.keep(name, value, show=step.capture[name].show)
    except NotFound as error:
        missing = str(error)
    fault = first_fault(found, step.expect, run.value)
    said = (done.stderr.strip() or done.stdout.strip())[-TEXT_LIMIT:].decode("utf-8", errors="replace")
    last = run.mask.foreign(said, limit=LAST_WORDS, end=True)
    got = f"exit {done.code} · {last}" if last else f"exit {done.code}"
    if done.code != step.expect_exit:
        return Outcome(sent=sent, got=got, what=f"exit {done.code}", why=f"wanted exit {step.expect_exit}")
    if fault is not None:
        return Outcome(sent=sent, got=got, what=fault[0].replace("the answer", "the output"), why=fault[1])
    if missing:
        return Outcome(sent=sent, got=got, what="nothing to capture", why=missing)
    return Outcome(sent=sent, got=f"exit {done.code}")
