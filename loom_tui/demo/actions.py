"""The demo's guarded actions: the migration, the deployment and the way back, each done in the demo's own world."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from loom_tui.demo.addresses import Addresses
from loom_tui.demo.database import fast_queries
from loom_tui.plan.acts import ActionKind, CommandAct, NotifyAct, OnFailure, SqlAct
from loom_tui.plan.model import Action, Rule, Target
from loom_tui.plan.sources.base import Secret

APPLY = "apply.sql"  # beside the plan's file
CALM_S = 10.0
_DEPLOYED = "{to} serves {environment} now ({by})"
_GOES_BACK = "{by} rolls {environment} back from {from} to {to}: {reason}"
_SERVES = (Rule(signal="app.version", is_="{to}"), Rule(signal="app", is_="ok"))


def actions(targets: Iterable[Target], addresses: Addresses) -> dict[str, Action]:
    """Give the plan's actions. One person may practise the first two; a rollback wants a second, as in earnest."""
    return {
        "migrate": Action(
            kind=ActionKind.MIGRATE,
            label="Apply the optimisation migration",
            steps=(SqlAct(name="Lookup indexes", file=APPLY, dsn_from=Secret(file=str(addresses.dsn_file))),),
            verify=(Rule(signal="migrations", is_="ok"), *fast_queries(targets)),
        ),
        "deploy": Action(
            kind=ActionKind.DEPLOY,
            label="Deploy",
            approvals=1,
            steps=(
                _ship("Ship the release", addresses),
                _tell("Tell everybody", "{to} serves {environment} now ({by})"),
            ),
            verify=_SERVES,
            verify_s=60,
        ),
        "rollback": Action(
            kind=ActionKind.ROLLBACK,
            label="Roll back",
            steps=(
                _ship("Immediate: revert to the last stable version", addresses),
                _tell(
                    "Communication: notify all stakeholders",
                    "{by} rolls {environment} back from {from} to {to}: {reason}",
                ),
            ),
            verify=(*_SERVES, Rule(signal="app.errors", is_="ok", for_s=CALM_S)),
            verify_s=120,
        ),
    }


def asking(given: Mapping[str, Action]) -> dict[str, Action]:
    """Have each step that fails wait for a person."""
    return {
        name: replace(action, steps=tuple(replace(step, on_failure=OnFailure.ASK) for step in action.steps))
        for name, action in given.items()
    }


def _ship(name: str, addresses: Addresses) -> CommandAct:
    return CommandAct(
        name=name,
        run=(sys.executable, "-P", "-m", "loom_tui.demo.ship", "{to}"),
        environ={"PLATFORM_URL": addresses.platform_url},
        secrets={"PLATFORM_TOKEN": Secret(file=str(addresses.platform_token_file))},
        timeout_s=60,
        idempotent=True,  # the platform puts one version in place, however often it is asked
    )


def _tell(name: str, text: str) -> NotifyAct:
    return NotifyAct(name=name, channels=("launch",), text=text, timeout_s=10)
