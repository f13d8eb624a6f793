"""The words of deployment plans: what headings, labels and columns mean, in English and German."""

from __future__ import annotations

import re
from enum import StrEnum

from loom_tui.plan.model import Priority, RiskKind, Status


class Topic(StrEnum):
    """What a section is about."""

    ABOUT = "about"
    SUMMARY = "summary"
    GOAL = "goal"
    ISSUES = "issues"
    TARGETS = "targets"
    WORKFLOWS = "workflows"
    PHASES = "phases"
    MILESTONES = "milestones"
    GO = "go"
    NO_GO = "no_go"
    DEPLOYMENT = "deployment"
    POST_DEPLOYMENT = "post_deployment"
    RISKS = "risks"
    BLOCKERS = "blockers"
    STAKEHOLDERS = "stakeholders"
    CADENCES = "cadences"
    ROLLBACK = "rollback"
    ROLLBACK_WHEN = "rollback_when"
    LINKS = "links"
    REFERENCES = "references"
    NOTES = "notes"
    TASKS = "tasks"
    SCOPE = "scope"
    FEATURES = "features"
    DEPENDS = "depends_on"
    PARTICIPANTS = "participants"


def _patterns(*rows: tuple[Topic, str]) -> tuple[tuple[Topic, re.Pattern[str]], ...]:
    return tuple((topic, re.compile(pattern)) for topic, pattern in rows)


# The first that matches wins: 'Go/No-Go' before 'No-Go' before 'Go', 'Rollback risks' is about the rollback.
_HEADINGS = _patterns(
    (Topic.GO, r"\bgo\s*/\s*no[- ]?go\b|\bgo (?:and|or|und|oder) no[- ]?go\b"),
    (Topic.NO_GO, r"\bno[- ]?go\b|\b(?:abort|stop|delay|hold) (?:criteria|conditions)\b|\babbruchkriteri"),
    (
        Topic.POST_DEPLOYMENT,
        r"\bpost[- ]?(?:deploy\w*|launch|release|go[- ]?live)\b.*\b(?:success|criteria|verification|validation|checks|metrics)\b",
    ),
    (Topic.DEPLOYMENT, r"\bsuccess\b|\bdefinition of done\b|\bacceptance criteria\b|\babnahmekriteri|\berfolgskriteri"),
    (
        Topic.ROLLBACK_WHEN,
        r"\b(?:roll[- ]?back|back[- ]?out) (?:triggers?|criteria|conditions)\b|\bwhen to (?:roll|back)",
    ),
    (
        Topic.ROLLBACK,
        r"\broll(?:ing)?[- ]?back\b|\bback[- ]?out\b|\bfall-?back\b|\brevert\b|\brückfall|\bcontingency\b",
    ),
    (
        Topic.GO,
        r"^go\b(?!-?live)|\b(?:launch|release|exit|entry|readiness|go-live) criteria\b|\breadiness\b|\bfreigabekriteri|^criteria$"
        r"|\bkriterien\b",
    ),
    (
        Topic.RISKS,
        r"\brisks?\b|\bknown (?:issues?|problems?|bugs?|limitations?|defects?)\b|\blimitations?\b|\bcaveats?\b|\brisik|"
        r"\bbekannte\b|\beinschränkung",
    ),
    (Topic.LINKS, r"\b(?:issues?|tickets?) (?:links?|urls?|index)\b"),
    (
        Topic.TARGETS,
        r"\bperformance (?:targets?|improvements?|goals?|budgets?|metrics)\b|\bslos?\b|\blatency targets?\b|\btargets?\b"
        r"|\bleistungsziel",
    ),
    (Topic.WORKFLOWS, r"\bworkflows?\b|\b(?:user|critical) (?:journeys?|flows?)\b"),
    (
        Topic.CADENCES,
        r"\bstand-?ups?\b|\bstatus (?:reports?|updates?)\b|\bmeetings?\b|\bcadence\b|\bcommunications?\b|\bkommunikation",
    ),
    (
        Topic.STAKEHOLDERS,
        r"\bstakeholders?\b|\bpeople\b|\bcontacts?\b|\bteam\b|\braci\b|\broles?\b|\bresponsibilit|\bsign[- ]?offs?\b|"
        r"\bapprov(?:ers?|als?)\b|\bon[- ]?call\b|\bwho\b|\bbeteiligte|\bansprechpartner|\bkontakte?\b|\bescalation\b",
    ),
    (Topic.MILESTONES, r"\bmilestones?\b|\bmeilenstein"),
    (Topic.PHASES, r"\btimeline\b|\bschedule\b|\bphases\b|\bzeitplan|\bablauf(?:plan)?\b|\bagenda\b|\brun of show\b"),
    (Topic.BLOCKERS, r"^(?:\w+ )?blockers?\b"),
    (
        Topic.ISSUES,
        r"\bcritical path\b|\b(?:high|low|medium) priority\b|\bbacklog\b|\bfuture\b|\bissues?\b|\btickets?\b|\bwork ?(?:items?|packages?)\b|"
        r"\btasks?\b|\bcheck-?lists?\b|\bsteps?\b|\bto-?dos?\b|\baction items?\b|\baufgaben?\b|\bprocedure\b|\brunbook\b|"
        r"\bimplementation plan\b|\barbeitspakete?\b|\bschritte\b|\bstories\b|\bdeliverables\b|\bnice to have\b|\bmust[- ]have",
    ),
    (
        Topic.REFERENCES,
        r"\breferences?\b|\bdocs?\b|\bdocuments?\b|\bdocumentation\b|\blinks?\b|\bresources?\b|\brelated\b|\bsee also\b|\bdokumente?\b|\bverweise\b",
    ),
    (
        Topic.SUMMARY,
        r"\bsummary\b|\boverview\b|\bdescription\b|\bbackground\b|\bpurpose\b|\bintroduction\b|\bcontext\b|\bmotivation\b|"
        r"\bzusammenfassung\b|\büberblick\b|\bwhy\b|\bjustification\b",
    ),
    (Topic.GOAL, r"\bgoals?\b|\bobjectives?\b|^ziele?\b"),
    (Topic.NOTES, r"\bnotes?\b|\bremarks?\b|\banmerkung|\bhinweise?\b"),
    (Topic.ABOUT, r"\b(?:change|release|general)?\s*(?:details|information|metadata|data)\b|\ballgemeines\b"),
)

# Within an issue a heading or an empty label names one of its lists.
_PARTS = _patterns(
    (Topic.TARGETS, r"\bperformance (?:targets?|improvements?|goals?)\b|\btargets\b"),
    (Topic.WORKFLOWS, r"\bworkflows?\b|\b(?:user|critical) (?:journeys?|flows?)\b"),
    (Topic.DEPENDS, r"\bdepend|\brequires\b|\bprerequisites?\b|\babhängig|\bvoraussetzung"),
    (Topic.BLOCKERS, r"\bblock"),
    (Topic.SCOPE, r"\bscope\b|\bumfang\b"),
    (Topic.FEATURES, r"\bfeatures?\b"),
    (Topic.PARTICIPANTS, r"\bparticipants?\b|\bteilnehmer"),
    (
        Topic.TASKS,
        r"\btasks?\b|\bcheck-?lists?\b|\bsteps?\b|\bto-?dos?\b|\bsub-?tasks?\b|\bacceptance criteria\b|\bdefinition of done\b|"
        r"\baufgaben?\b|\bschritte\b|\bprocedure\b",
    ),
    (Topic.NOTES, r"\bnotes?\b|\bremarks?\b|\bdescription\b|\banmerkung|\bhinweise?\b"),
    (Topic.GOAL, r"\bgoals?\b|\bobjectives?\b|^ziele?\b"),
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that a heading may hold and that are told by its place in the plan; any other word makes it a note as well.
_STRUCTURE = _set(
    """
    a abbruchkriterien abhängigkeiten ablauf abort about acceptance action all allgemeines and anmerkungen
    ansprechpartner any appendix approval approvals approvers arbeitspakete assessment assurance aufgaben back
    back-out backlog backout be bekannte beteiligte blocker blockers breakdown call cause change check checklist
    checklists communication communications condition conditions contact contacts contingency criteria criterion
    critical current daily das dates day days decision definition delay deliverables dependencies dependency
    deployment der description details die doc docs document documentation documents dokumente done
    einschränkungen enhancements entry erfolgskriterien executive exit expected fallback feature features flow
    flows for freigabekriterien future general go goal goals high hinweise history hold if implementation
    improvements in information introduction issue issues item items its journeys key known kommunikation
    kontakte kriterien launch limitations link links list low medium meetings meilensteine metadata milestone
    milestones mitigated mitigation no no-go nogo note notes objective objectives of on on-call open or our
    overview package packages participants path people performance phase phases plan post post-deployment
    post-launch post-release pre pre-deployment pre-launch prerequisites priority probleme procedure project
    purpose quality quick raci readiness record reference references related release remarks report reports
    required resources responsibilities review risiken risk risks roadmap roles roll rollback run runbook
    rückfallplan schedule schritte scope section sign-off sign-offs signoff slo slos stakeholders stand-up
    standup status step steps stop strategy subtasks success summary sync target targets task tasks team the
    ticket tickets timeline to to-do todo todos tracking trigger triggers und updates user verification verweise
    we week weeks what when who window with work workflow workflows zeitplan ziel ziele zusammenfassung
    überblick
    """
)
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_NUMBERING = re.compile(r"^\s*(?:\d{1,2}(?:\.\d{1,2})*[.)]?|[A-Z][.)]|[IVX]{1,4}\.)\s+(?=\S)")


def plain(text: str) -> str:
    """Fold a heading or label for comparing: no emoji, no numbering, small letters, single blanks."""
    text = _NUMBERING.sub("", text.strip().lstrip("✅☑✔❌⛔🚀📋📅🎯⚠️ "))
    return " ".join(re.sub(r"[^\w\s/&'-]", " ", text).casefold().replace("_", " ").split())


def heading_topic(text: str) -> Topic | None:
    """Give what a heading's section is about, or None."""
    folded = plain(text)
    return next((topic for topic, pattern in _HEADINGS if pattern.search(folded)), None)


def part_topic(text: str) -> Topic | None:
    """Give what a heading within an issue names, or None."""
    folded = plain(text)
    return next((topic for topic, pattern in _PARTS if pattern.search(folded)), None)


def says_more(text: str) -> bool:
    """Whether a heading holds words or figures that its place in the plan does not tell."""
    return any(word not in _STRUCTURE for word in _WORD.findall(plain(text)))


_PRIORITIES = (
    (
        Priority.CRITICAL,
        re.compile(
            r"\bcritical (?:path|issues?|tasks?|items?|priority)\b|\bmust[- ](?:have|do)\b|^blocking\b|^kritisch"
        ),
    ),
    (Priority.BACKLOG, re.compile(r"\bbacklog\b|\bfuture\b|\bnice to have\b|\bout of scope\b|\blater\b")),
    (Priority.POST, re.compile(r"\b(?:post|after)[- ]?(?:deploy\w*|launch|release|go[- ]?live)\b|^nach dem")),
    (Priority.HIGH, re.compile(r"\bhigh priority\b|\brecommended\b|\bshould[- ]have\b")),
)


def heading_priority(text: str) -> Priority | None:
    """Give the priority that a heading puts its issues under, or None."""
    folded = plain(text)
    return next((priority for priority, pattern in _PRIORITIES if pattern.search(folded)), None)


_KINDS = (
    (
        RiskKind.LIMITATION,
        re.compile(r"\bknown\b|\blimitations?\b|\bcaveats?\b|\bbekannte\b|\beinschränkung|\baccepted\b"),
    ),
    (RiskKind.MITIGATED, re.compile(r"\bmitigated\b|\bgemindert")),
    (RiskKind.LOW, re.compile(r"\blow\b|\bniedrig|\bgering")),
)


def heading_risk_kind(text: str) -> RiskKind | None:
    """Give the kind of the risks under a heading, or None."""
    folded = plain(text)
    return next((kind for kind, pattern in _KINDS if pattern.search(folded)), None)


def _labels(rows: dict[str, str]) -> dict[str, str]:
    return {name.strip(): field for field, names in rows.items() for name in names.split(",")}


# What a label or a column says about an issue.
ISSUE_LABELS = _labels(
    {
        "effort": "effort, estimate, estimated effort, est, size, duration, time, aufwand, dauer, estimate h, effort h, hours, "
        "estimate hours, effort hours, estimated time, estimate days, effort days, aufwand h, schätzung, days, aufwand pt",
        "owner": "owner, owners, assignee, assignees, assigned to, assigned, responsible, dri, who, lead, verantwortlich, "
        "zuständig, by, verantwortliche",
        "depends": "dependencies, dependency, depends on, depends, after, requires, needs, predecessors, predecessor, "
        "prerequisites, prerequisite, abhängigkeiten, abhängig von, hängt ab von, voraussetzung, nach, deps",
        "blockers": "blockers, blocker, blocked by, blocked on, waiting for, blockiert durch, blockiert von",
        "status": "status, state, stand",
        "note": "note, notes, remark, remarks, comment, comments, anmerkung, anmerkungen, hinweis",
        "goal": "goal, goals, objective, objectives, ziel, purpose",
        "scope": "scope, umfang",
        "features": "features, feature",
        "participants": "participants, teilnehmer, attendees",
        "milestone": "milestone, meilenstein",
        "timeline": "timeline, when, due, due date, deadline, start, day, date, fällig, termin, zeitraum, week, start time",
        "priority": "priority, prio, priorität, severity",
        "url": "url, link, issue link, ticket url",
        "phase": "phase, stage",
        "tasks": "tasks, task list, checklist, steps, aufgaben, schritte",
        "title": "title, titel, summary, task, description, issue, work item, step, item, action, activity, aufgabe, beschreibung, "
        "what, was, schritt, ticket, name, change, work package, arbeitspaket",
        "id": "id, #, no, nr, nummer, key, number, issue id, ticket id, issue #, task id",
    }
)
_NOT_IN_PROSE = ("title", "id")  # labels that mean this only as a column
FIRM_ISSUE_LABELS = frozenset({"effort", "owner", "depends", "blockers", "status", "priority"})

ABOUT_LABELS = _labels(
    {
        "title": "title, change title, release title, titel",
        "status": "status, plan status, change status, state, stand",
        "start": "start, start date, begin, begins, starts, planned start, startdatum, beginn, scheduled start",
        "target": "target, when, target date, deployment date, launch date, release date, go-live, go-live date, date, due, due date, ship date, "
        "end, end date, planned end, deadline, zieldatum, termin, go live, ends, scheduled end, datum, launch, ende",
        "window": "window, deployment window, change window, maintenance window, wartungsfenster, scheduled window",
        "goal": "goal, sprint goal, release goal, objective, ziel, purpose",
        "sprint": "sprint, iteration",
        "version": "version, plan version, document version, doc version, revision",
        "release": "release, release version, build, release tag, tag",
        "last_stable": "last stable, last stable version, rollback version, previous version, rollback to, current version",
        "environment": "environment, env, target environment, umgebung",
        "created": "created, created on, date created, erstellt, created at, erstellt am",
        "updated": "updated, last updated, last modified, modified, aktualisiert, updated on, zuletzt geändert, letzte änderung",
        "summary": "summary, description, zusammenfassung, overview, tl;dr, tldr",
        "zone": "time zone, timezone, tz, zeitzone",
        "person": "owner, author, release manager, change owner, requested by, requester, requestor, prepared by, approver, approved by, "
        "implementer, incident commander, deploy lead, release lead, verantwortlich, autor, on-call, coordinator, change manager, "
        "commander, scribe, driver, project manager, sponsor, dri, lead, release captain, captain, ansprechpartner, freigabe durch",
    }
)


def _meanings(rows: dict[str, str]) -> dict[str, tuple[str, ...]]:
    meanings: dict[str, tuple[str, ...]] = {}
    for field, names in rows.items():
        for name in names.split(","):
            meanings[name.strip()] = (*meanings.get(name.strip(), ()), field)
    return meanings


# What a table's column may hold where the table is not about issues; 'title' is a role in one and a name in another.
_COLUMNS = _meanings(
    {
        "name": "name, person, stakeholder, who, contact, wer, owner name",
        "role": "role, rolle, function, responsibility, responsibilities, team, title, position",
        "risk": "risk, description, issue, known issue, problem, limitation, title, summary, risiko, beschreibung, what",
        "likelihood": "likelihood, probability, chance, wahrscheinlichkeit, eintrittswahrscheinlichkeit",
        "impact": "impact, severity, auswirkung, schwere, consequence",
        "response": "mitigation, response, workaround, action, plan, maßnahme, gegenmaßnahme, mitigation plan, fix, contingency",
        "owner": "owner, responsible, verantwortlich, dri, assignee",
        "when": "when, date, day, days, time, week, weeks, dates, window, tag, datum, wann, start, uhrzeit, zeit, t, due, zeitraum",
        "until": "end, until, finish, ende, bis, to",
        "what": "phase, milestone, activity, activities, step, what, task, name, event, stage, meilenstein, was, aktivität, "
        "description, action, meeting, report, topic, item, change, document, criterion, criteria, condition, check, kriterium, metric, "
        "query, endpoint, journey, workflow, title",
        "baseline": "baseline, current, before, today, baseline ms, current ms, now, p95 today, ist",
        "target": "target, goal, after, target ms, expected, soll, threshold, slo",
        "factor": "factor, gain, improvement, speedup, speed-up",
        "id": "id, #, no, nr, key",
        "status": "status, state, met, done, ok, erfüllt",
        "cadence": "frequency, cadence, when, time, how often, day",
        "text": "text, notes, note, details, link, url, description, comment, command, instructions, detail, how, where, purpose",
        "issues": "issues, tickets, issue, ticket",
    }
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


_STATUSES = {
    Status.OPEN: "open, to do, todo, not started, new, pending, planned, offen, geplant, scheduled, backlog, ⬜, 🔲, ⏳",
    Status.READY: "ready, bereit, approved, ready to start",
    Status.IN_PROGRESS: "in progress, wip, doing, started, ongoing, in arbeit, in review, under way, underway, active, 🚧, 🔄, 🟡, läuft",
    Status.BLOCKED: "blocked, on hold, waiting, blockiert, wartet, 🔴, ⛔, 🚫",
    Status.DONE: "done, complete, completed, closed, finished, merged, erledigt, fertig, resolved, shipped, deployed, passed, ✅, ✔, ☑, 🟢, [x]",
    Status.DROPPED: "dropped, cancelled, canceled, won't do, wontfix, won't fix, abandoned, entfällt, deferred",
}
_STATUS_OF = {word.strip(): status for status, words in _STATUSES.items() for word in words.split(",")}
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


_LEVELS = {
    1: "very low, rare, sehr gering, unlikely, negligible, vl",
    2: "low, l, minor, gering, niedrig, 🟢",
    3: "medium, m, moderate, mittel, possible, med, 🟡",
    4: "high, h, major, hoch, likely, 🟠",
    5: "very high, critical, severe, sehr hoch, almost certain, vh, expected, 🔴",
}
_LEVEL_OF = {word.strip(): level for level, words in _LEVELS.items() for word in words.split(",")}


def read_level(text: str) -> int | None:
    """Read a likelihood or impact as 1 to 5; None for any other text."""
    folded = text.strip().casefold().removesuffix("/5").strip()
    return int(folded) if folded in ("1", "2", "3", "4", "5") else _LEVEL_OF.get(folded)


_ROLE_WORDS = re.compile(
    r"\b(?:manager|lead|leader|owner|engineer|on-?call|dba|sponsor|approver|director|support|head|commander|coordinator|officer|"
    r"developer|tester|leitung|leiter|ansprechpartner|security|cto|ceo|vp|contact|captain|scribe|driver|team|qa|devops|sre)\b"
)


def is_role(text: str) -> bool:
    """Whether a label names a role rather than a person."""
    return _ROLE_WORDS.search(plain(text)) is not None
