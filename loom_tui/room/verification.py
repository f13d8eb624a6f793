"""Whether the world says that an action is done: its rules, held to readings taken after its last step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import filled
from loom_tui.plan.model import Rule
from loom_tui.room.ledger import Ledger
from loom_tui.room.proof import Facts, Finding, find
from loom_tui.room.snapshot import Observations, Snapshot


class Verification(Struct, frozen=True):
    """What the rules say together: None is unknown or not yet. `words` has one for each rule."""

    holds: bool | None
    words: tuple[str, ...]


def verify(
    rules: Sequence[Rule],
    snapshot: Snapshot,
    *,
    ledger: Ledger,
    observations: Observations,
    values: Mapping[str, str],
    since: float,
) -> Verification:
    """Hold an action's rules to what was read after `since`; a reading from before proves nothing of it."""
    facts = Facts(
        plan=snapshot.plan,
        ledger=ledger,
        signals=snapshot.signals,
        latest=observations.latest,
        past=observations.past,
        changed_at=since,
        deployed_at=None,
        now=snapshot.now,
    )
    found = [(rule, _since(find(rule, facts), since)) for rule in filled_rules(rules, values)]
    words = tuple(f"{rule.signal}: {finding.words}" for rule, finding in found)
    if any(finding.holds is False and not finding.pending for _, finding in found):
        against = [word for word, (_, each) in zip(words, found, strict=True) if each.holds is False]
        return Verification(holds=False, words=(*against,))
    if found and all(finding.holds for _, finding in found):
        return Verification(holds=True, words=words)
    missing = [word for word, (_, each) in zip(words, found, strict=True) if not each.holds]
    return Verification(holds=None, words=(*missing,))


def filled_rules(rules: Sequence[Rule], values: Mapping[str, str]) -> list[Rule]:
    """Put the known values into what rules say of words."""
    return [replace(rule, is_=filled(rule.is_, values)) if rule.is_ is not None else rule for rule in rules]


def _since(finding: Finding, since: float) -> Finding:
    reading = finding.view.reading if finding.view is not None else None
    if finding.holds is not None and reading is not None and reading.observed_at < since:
        return Finding(holds=None, words="not read since the last step", view=finding.view)
    return finding
