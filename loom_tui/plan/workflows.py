"""Critical user journeys, as a plan names them (`[[workflows]]`), and the sites where they run (`[sites.NAME]`)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar

from loom_tui.plan.faults import suggestion
from loom_tui.plan.sources.base import Asked, Secret, url_faults
from loom_tui.plan.steps import CommandStep, HttpStep, ManualStep, RolesStep, Step
from loom_tui.plan.template import NAME, variables_in
from loom_tui.plan.value import Value

GIVEN = ("run", "release", "environment")  # variables that every workflow has; `run` is another word at each run
_PRODUCTION = r"(?i)prod(uction)?|live"


class Site(Value, frozen=True):
    """Where workflows run. `environment` is the site's name where it is empty."""

    url: str
    environment: str = ""


class Workflow(Asked, frozen=True, kw_only=True, tag=False):
    """A critical user journey. Without steps it is a name on a list; with them it is a check, run on demand.

    `timeout_s` is the whole's. `writes` left out counts as true when a step may change something; a workflow that
    writes is refused on production unless `allow_production_writes`. With a `ttl_s` its steps by hand age, too.
    """

    GROUP: ClassVar[str] = "critical workflows"

    name: str
    id: str = ""  # names its check, workflow.ID; empty: made from the name
    site: str = ""  # empty: the site of the plan's environment
    url: str = ""  # its own address, where it has no site
    variables: dict[str, str] = {}
    credentials: dict[str, Secret] = {}
    writes: bool | None = None
    allow_production_writes: bool = False
    interval_s: float = 0.0
    timeout_s: float = 120.0
    step_timeout_s: float = 15.0
    steps: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """Its id, or its name in small letters and hyphens."""
        return self.id or slug(self.name)

    @property
    def manual_steps(self) -> tuple[ManualStep, ...]:
        """The steps that people do."""
        return tuple(step for step in self.steps if isinstance(step, ManualStep))

    @property
    def wall_s(self) -> float:
        """Its own deadline is the whole's; beyond it only a command is given time to end."""
        return self.timeout_s + 30.0

    @property
    def may_write(self) -> bool:
        """Whether a run may change something: the plan's word, or what its steps look like."""
        return any(step.writes for step in self.steps) if self.writes is None else self.writes

    def secret_arguments(self) -> Iterator[tuple[str, str]]:
        """Find each command's name with each variable among their arguments that holds a credential."""
        secret = set(self.credentials)
        for name, text in self.variables.items():
            if not secret.isdisjoint(variables_in(text)):
                secret.add(name)
        for step in self.steps:
            if isinstance(step, CommandStep):
                named = dict.fromkeys(name for word in step.command for name in variables_in(word))
                yield from ((step.name, name) for name in named if name in secret)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its steps to make sense one by one, and each variable to be known where it is used."""
        if self.url:
            yield from url_faults("url", self.url)
        if self.step_timeout_s <= 0:
            yield "step_timeout_s", "must be above 0"
        for name in (*self.variables, *self.credentials):
            if re.fullmatch(NAME, name) is None:
                yield f"variables.{name}", "a variable's name is small letters, digits and _"
            if name in GIVEN or (name in self.variables and name in self.credentials):
                yield f"variables.{name}", f"`{name}` is there already; it needs another name"
        for name, times in Counter(step.name for step in self.steps).items():
            if times > 1:
                yield "steps", f"`{name}` is there {times} times; a step is known by its name"
        known = {*GIVEN, *self.credentials}
        for name, text in self.variables.items():
            yield from _unknown(f"variables.{name}", text, known)
            known.add(name)
        for index, step in enumerate(self.steps, 1):
            yield from self._step_faults(f"steps[{index}]", step, known)
            known.update(step.captured)

    def _step_faults(self, where: str, step: Step, known: set[str]) -> Iterator[tuple[str, str]]:
        for key, what in step.faults():
            yield f"{where}.{key}".rstrip("."), what
        for key, text in step.texts():
            yield from _unknown(f"{where}.{key}", text, known)
        relative = isinstance(step, HttpStep | RolesStep) and step.path.startswith("/")
        if relative and not self.url:
            yield f"{where}.path", "needs the address before it: name a site of the plan, or give the workflow a url"


def slug(name: str) -> str:
    """Make a name an id: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold())[:60].strip("-")


def named(names: Iterable[str]) -> tuple[Workflow, ...]:
    """Make workflows of names alone, as an import finds them; ids are written only where a name gives none."""
    out: dict[str, Workflow] = {}
    for index, name in enumerate(dict.fromkeys(names), 1):
        key = made = slug(name)
        while not key or key in out:
            key = f"{key or 'workflow'}-{index}"
        out[key] = Workflow(name=name, id="" if key == made else key)
    return tuple(out.values())


def names_only(workflows: Iterable[Workflow]) -> tuple[Workflow, ...]:
    """Give the same workflows without their steps: names on a list, with nothing to run."""
    return tuple(Workflow(name=workflow.name, id=workflow.id) for workflow in workflows)


def is_refused(workflow: Workflow, environment: str) -> bool:
    """Say whether a run would change what users see, without the plan's leave."""
    production = re.match(_PRODUCTION, environment) is not None
    return production and workflow.may_write and not workflow.allow_production_writes


def _unknown(where: str, text: str, known: set[str]) -> Iterator[tuple[str, str]]:
    for name in variables_in(text):
        if name not in known:
            yield where, f"speaks of {{{name}}}, which nothing before it gives{suggestion(name, known)}"
