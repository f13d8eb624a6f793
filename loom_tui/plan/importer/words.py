"""What labels, columns and single words of deployment plans mean, in English and German."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loom_tui.plan.importer.headings import plain
from loom_tui.plan.model import Status


def _rows(table: str) -> Iterator[tuple[str, str]]:
    """Read 'field: name, name' lines, a longer one going on indented; give each name with its field."""
    field = ""
    for line in table.strip().split("\n"):
        names = line
        if not line.startswith(" "):
            field, _, names = line.partition(": ")
        yield from ((name.strip(), field) for name in names.split(",") if name.strip())


def _labels(table: str) -> dict[str, str]:
    return dict(_rows(table))


# What a label or a column says about an issue.
ISSUE_LABELS = _labels(
    """
effort: effort, estimate, estimated effort, est, size, duration, time, aufwand, dauer, estimate h, effort h,
    hours, estimate hours, effort hours, estimated time, estimate days, effort days, aufwand h, schätzung, days,
    aufwand pt
owner: owner, owners, assignee, assignees, assigned to, assigned, responsible, dri, who, lead, verantwortlich,
    zuständig, by, verantwortliche
depends: dependencies, dependency, depends on, depends, after, requires, needs, predecessors, predecessor,
    prerequisites, prerequisite, abhängigkeiten, abhängig von, hängt ab von, voraussetzung, nach, deps
blockers: blockers, blocker, blocked by, blocked on, waiting for, blockiert durch, blockiert von
status: status, state, stand
note: note, notes, remark, remarks, comment, comments, anmerkung, anmerkungen, hinweis
goal: goal, goals, objective, objectives, ziel, purpose
scope: scope, umfang
features: features, feature
participants: participants, teilnehmer, attendees
milestone: milestone, meilenstein
timeline: timeline, when, due, due date, deadline, start, day, date, fällig, termin, zeitraum, week, start time
priority: priority, prio, priorität, severity
url: url, link, issue link, ticket url
phase: phase, stage
tasks: tasks, task list, checklist, steps, aufgaben, schritte
title: title, titel, summary, task, description, issue, work item, step, item, action, activity, aufgabe,
    beschreibung, what, was, schritt, ticket, name, change, work package, arbeitspaket
id: id, #, no, nr, nummer, key, number, issue id, ticket id, issue #, task id
"""
)
_NOT_IN_PROSE = ("title", "id")  # labels that mean this only as a column
FIRM_ISSUE_LABELS = frozenset({"effort", "owner", "depends", "blockers", "status", "priority"})

ABOUT_LABELS = _labels(
    """
title: title, change title, release title, titel
status: status, plan status, change status, state, stand
start: start, start date, begin, begins, starts, planned start, startdatum, beginn, scheduled start
target: target, when, target date, deployment date, launch date, release date, go-live, go-live date, date, due,
    due date, ship date, end, end date, planned end, deadline, zieldatum, termin, go live, ends, scheduled end,
    geplanter termin, datum, launch, ende
window: window, deployment window, change window, maintenance window, wartungsfenster, scheduled window
goal: goal, sprint goal, release goal, objective, ziel, purpose
sprint: sprint, iteration
version: version, plan version, document version, doc version, revision
release: release, release version, build, release tag, tag
last_stable: last stable, last stable version, rollback version, previous version, rollback to, current version
environment: environment, env, target environment, umgebung
created: created, created on, date created, erstellt, created at, erstellt am
updated: updated, last updated, last modified, modified, aktualisiert, updated on, zuletzt geändert, letzte
    änderung
summary: summary, description, zusammenfassung, overview, tl;dr, tldr
zone: time zone, timezone, tz, zeitzone
person: owner, author, release manager, change owner, requested by, requester, requestor, prepared by, approver,
    approved by, implementer, incident commander, deploy lead, release lead, verantwortlich, autor, on-call,
    coordinator, change manager, commander, scribe, driver, project manager, sponsor, dri, lead, release
    captain, captain, ansprechpartner, freigabe durch
"""
)


def _meanings(table: str) -> dict[str, tuple[str, ...]]:
    meanings: dict[str, tuple[str, ...]] = {}
    for name, field in _rows(table):
        meanings[name] = (*meanings.get(name, ()), field)
    return meanings


# What a table's column may hold where the table is not about issues; 'title' is a role in one and a name in another.
_COLUMNS = _meanings(
    """
name: name, person, stakeholder, who, contact, wer, owner name
role: role, rolle, function, responsibility, responsibilities, team, title, position
risk: risk, description, issue, known issue, problem, limitation, title, summary, risiko, beschreibung, what
likelihood: likelihood, probability, chance, wahrscheinlichkeit, eintrittswahrscheinlichkeit
impact: impact, severity, auswirkung, schwere, consequence
response: mitigation, response, workaround, action, plan, maßnahme, gegenmaßnahme, mitigation plan, fix,
    contingency
owner: owner, responsible, verantwortlich, dri, assignee
when: when, date, day, days, time, week, weeks, dates, window, tag, datum, wann, start, uhrzeit, zeit, t, due,
    zeitraum
until: end, until, finish, ende, bis, to
what: phase, milestone, activity, activities, step, what, task, name, event, stage, meilenstein, was, aktivität,
    description, action, meeting, report, topic, item, change, document, criterion, criteria, condition, check,
    kriterium, metric, query, endpoint, journey, workflow, title
baseline: baseline, current, before, today, baseline ms, current ms, now, p95 today, ist
target: target, goal, after, target ms, expected, soll, threshold, slo
factor: factor, gain, improvement, speedup, speed-up
id: id, #, no, nr, key
status: status, state, met, done, ok, erfüllt
cadence: frequency, cadence, when, time, how often, day
text: text, notes, note, details, link, url, description, comment, command, instructions, detail, how, where,
    purpose
issues: issues, tickets, issue, ticket
"""
)


def column_fields(name: str) -> tuple[str, ...]:
    """Give what a column of that name may hold, the likeliest first."""
    return ("id",) if name.strip() == "#" else _COLUMNS.get(plain(name), ())


def issue_label(name: str) -> str | None:
    """Give the issue's field that a label in prose names, or None."""
    field = ISSUE_LABELS.get(plain(name))
    return None if field in _NOT_IN_PROSE else field


def issue_column(name: str) -> str | None:
    """Give the issue's field that a table's column holds, or None."""
    return "id" if name.strip() in ("#", "№", "Nr.", "No.") else ISSUE_LABELS.get(plain(name))


_NONE = frozenset(("", "none", "n/a", "na", "-", "–", "—", "nothing", "no", "nil", "keine", "keiner", "kein"))


def is_none(text: str) -> bool:
    """Whether a value says that there is none."""
    return text.strip(" .*_").casefold() in _NONE


_STATUSES = _labels(
    """
open: open, to do, todo, not started, new, pending, planned, offen, geplant, scheduled, backlog, ⬜, 🔲, ⏳
ready: ready, bereit, approved, ready to start
in_progress: in progress, wip, doing, started, ongoing, in arbeit, in review, under way, underway, active, 🚧, 🔄,
    🟡, läuft
blocked: blocked, on hold, waiting, blockiert, wartet, 🔴, ⛔, 🚫
done: done, complete, completed, closed, finished, merged, erledigt, fertig, resolved, shipped, deployed,
    passed, ✅, ✔, ☑, 🟢, [x]
dropped: dropped, cancelled, canceled, won't do, wontfix, won't fix, abandoned, entfällt, deferred
"""
)
_STATUS_OF = {word: Status(value) for word, value in _STATUSES.items()}
_CLAIM = re.compile(r"^\s*(?:✅|☑️?|✔️?|🟢|\[[xX]\])\s*|\s*(?:✅|☑️?|✔️?)\s*$")


def read_status(text: str) -> tuple[Status | None, str]:
    """Read a status; the text is what the status itself does not say ('' when it says all)."""
    folded = text.strip().casefold().replace("\ufe0f", "")
    exact = _STATUS_OF.get(folded.strip(" .*_`"))
    if exact is not None:
        return exact, ""
    head = re.split(r"\s*[(,;:–—-]\s*|\s+-\s+", folded, maxsplit=1)[0].strip()
    words = re.sub(r"[^\w\s']", " ", head).split()
    signs = [sign for sign in _STATUS_OF if not sign[0].isalnum() and folded.startswith(sign)]
    return _STATUS_OF.get(" ".join(words)) or (_STATUS_OF[signs[0]] if signs else None), text.strip()


def without_claim(text: str) -> tuple[str, bool]:
    """Take an author's ✅ off a text; whether there was one."""
    left = _CLAIM.sub("", text)
    return (left, True) if left != text else (text, False)


_LEVELS = _labels(
    """
1: very low, rare, sehr gering, unlikely, negligible, vl
2: low, l, minor, gering, niedrig, 🟢
3: medium, m, moderate, mittel, possible, med, 🟡
4: high, h, major, hoch, likely, 🟠
5: very high, critical, severe, sehr hoch, almost certain, vh, expected, 🔴
"""
)
_LEVEL_OF = {word: int(level) for word, level in _LEVELS.items()}


def read_level(text: str) -> int | None:
    """Read a likelihood or impact as 1 to 5; None for any other text."""
    folded = text.strip().casefold().removesuffix("/5").strip()
    return int(folded) if folded in ("1", "2", "3", "4", "5") else _LEVEL_OF.get(folded)


_ROLE_WORDS = re.compile(
    r"\b(?:manager|lead|leader|owner|engineer|on-?call|dba|sponsor|approver|director|support|head|commander|coordinator|officer|"
    r"developer|eng|pm|tester|leitung|leiter|ansprechpartner|security|cto|ceo|vp|contact|captain|scribe|driver|team|qa|devops|sre)\b"
)


def is_role(text: str) -> bool:
    """Whether a label names a role rather than a person."""
    return _ROLE_WORDS.search(plain(text)) is not None
