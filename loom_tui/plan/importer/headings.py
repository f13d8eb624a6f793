"""What the headings of deployment plans mean, in English and German."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from loom_tui.plan.model import Priority, RiskKind


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


_Meaning = TypeVar("_Meaning")


def _patterns(*rows: tuple[_Meaning, *tuple[str, ...]]) -> tuple[tuple[_Meaning, re.Pattern[str]], ...]:
    """Compile rows of a meaning and its patterns, any of which means it."""
    return tuple((meaning, re.compile("|".join(patterns))) for meaning, *patterns in rows)


# The first that matches wins: 'Go/No-Go' before 'No-Go' before 'Go', 'Rollback risks' is about the rollback.
_HEADINGS = _patterns(
    (Topic.GO, r"\bgo\s*/\s*no[- ]?go\b", r"\bgo (?:and|or|und|oder) no[- ]?go\b"),
    (Topic.NO_GO, r"\bno[- ]?go\b", r"\b(?:abort|stop|delay|hold) (?:criteria|conditions)\b", r"\babbruchkriteri"),
    (
        Topic.POST_DEPLOYMENT,
        r"\bpost[- ]?(?:deploy\w*|launch|release|go[- ]?live)\b.*\b(?:success|criteria|metrics)\b",
        r"\bpost[- ]?(?:deploy\w*|launch|release|go[- ]?live)\b.*\b(?:verification|validation|checks)\b",
    ),
    (
        Topic.DEPLOYMENT,
        r"\bsuccess\b",
        r"\bdefinition of done\b",
        r"\bacceptance criteria\b",
        r"\babnahmekriteri",
        r"\berfolgskriteri",
    ),
    (
        Topic.ROLLBACK_WHEN,
        r"\b(?:roll[- ]?back|back[- ]?out) (?:triggers?|criteria|conditions)\b",
        r"\bwhen to (?:roll|back)",
    ),
    (
        Topic.ROLLBACK,
        r"\broll(?:ing)?[- ]?back\b",
        r"\bback[- ]?out\b",
        r"\bfall-?back\b",
        r"\brevert\b",
        r"\brückfall",
        r"\bcontingency\b",
        r"^(?:if|when|in case) (?:it|things?|something|anything) (?:goes|go) wrong$",
        r"^wenn (?:es|etwas|was) schief",
    ),
    (
        Topic.GO,
        r"^go\b(?!-?live)",
        r"^prerequisites?\b",
        r"^voraussetzungen\b",
        r"\b(?:launch|release|exit|entry|readiness|go-live) criteria\b",
        r"\breadiness\b",
        r"\bfreigabekriteri",
        r"^criteria$",
        r"\bkriterien\b",
    ),
    (
        Topic.RISKS,
        r"\brisks?\b",
        r"\bknown (?:issues?|problems?|bugs?|limitations?|defects?)\b",
        r"\blimitations?\b",
        r"\bcaveats?\b",
        r"\brisik",
        r"\bbekannte\b",
        r"\beinschränkung",
    ),
    (Topic.LINKS, r"\b(?:issues?|tickets?) (?:links?|urls?|index)\b"),
    (
        Topic.TARGETS,
        r"\bperformance (?:targets?|improvements?|goals?|budgets?|metrics)\b",
        r"\bslos?\b",
        r"\blatency targets?\b",
        r"\btargets?\b",
        r"\bleistungsziel",
    ),
    (Topic.WORKFLOWS, r"\bworkflows?\b", r"\b(?:user|critical) (?:journeys?|flows?)\b"),
    (
        Topic.CADENCES,
        r"\bstand-?ups?\b",
        r"\bstatus (?:reports?|updates?)\b",
        r"\bmeetings?\b",
        r"\bcadence\b",
        r"\bcommunications?\b",
        r"^comms\b",
        r"\bkommunikation",
    ),
    (
        Topic.STAKEHOLDERS,
        r"\bstakeholders?\b",
        r"\bpeople\b",
        r"\bcontacts?\b",
        r"\bteam\b",
        r"\braci\b",
        r"\broles?\b",
        r"\bresponsibilit",
        r"\bsign[- ]?offs?\b",
        r"\bapprov(?:ers?|als?)\b",
        r"\bon[- ]?call\b",
        r"\bwho\b",
        r"\bbeteiligte",
        r"\bansprechpartner",
        r"\bkontakte?\b",
        r"\bescalation\b",
    ),
    (Topic.MILESTONES, r"\bmilestones?\b", r"\bkey dates\b", r"\btermine\b", r"\bmeilenstein"),
    (
        Topic.PHASES,
        r"\btimeline\b",
        r"\bschedule\b",
        r"\bphases\b",
        r"\bzeitplan",
        r"\bablauf(?:plan)?\b",
        r"\bagenda\b",
        r"\brun of show\b",
    ),
    (Topic.BLOCKERS, r"^(?:\w+ )?blockers?\b", r"^(?:external )?dependencies\b", r"^abhängigkeiten\b"),
    (
        Topic.ISSUES,
        r"\bcritical path\b",
        r"\b(?:high|low|medium) priority\b",
        r"\bbacklog\b",
        r"\bfuture\b",
        r"\bissues?\b",
        r"\btickets?\b",
        r"\bwork ?(?:items?|packages?)\b",
        r"\btasks?\b",
        r"\bcheck-?lists?\b",
        r"\bsteps?\b",
        r"\bto-?dos?\b",
        r"\baction items?\b",
        r"\baufgaben?\b",
        r"\bprocedure\b",
        r"\brunbook\b",
        r"\bimplementation plan\b",
        r"\barbeitspakete?\b",
        r"\bschritte\b",
        r"\bstories\b",
        r"\bdeliverables\b",
        r"\bnice to have\b",
        r"\bmust[- ]have",
    ),
    (
        Topic.REFERENCES,
        r"\breferences?\b",
        r"\bdocs?\b",
        r"\bdocuments?\b",
        r"\bdocumentation\b",
        r"\blinks?\b",
        r"\bresources?\b",
        r"\brelated\b",
        r"\bsee also\b",
        r"\bdokumente?\b",
        r"\bverweise\b",
    ),
    (
        Topic.SUMMARY,
        r"\bsummary\b",
        r"\boverview\b",
        r"\bdescription\b",
        r"\bbackground\b",
        r"\bpurpose\b",
        r"\bintroduction\b",
        r"\bcontext\b",
        r"\bmotivation\b",
        r"\bzusammenfassung\b",
        r"\büberblick\b",
        r"\bwhy\b",
        r"\bjustification\b",
    ),
    (Topic.GOAL, r"\bgoals?\b", r"\bobjectives?\b", r"^ziele?\b"),
    (Topic.NOTES, r"\bnotes?\b", r"\bremarks?\b", r"\banmerkung", r"\bhinweise?\b"),
    (Topic.ABOUT, r"\b(?:change|release|general)?\s*(?:details|information|metadata|data)\b", r"\ballgemeines\b"),
)

# Within an issue a heading or an empty label names one of its lists.
_PARTS = _patterns(
    (Topic.TARGETS, r"\bperformance (?:targets?|improvements?|goals?)\b", r"\btargets\b"),
    (Topic.WORKFLOWS, r"\bworkflows?\b", r"\b(?:user|critical) (?:journeys?|flows?)\b"),
    (Topic.DEPENDS, r"\bdepend", r"\brequires\b", r"\bprerequisites?\b", r"\babhängig", r"\bvoraussetzung"),
    (Topic.BLOCKERS, r"\bblock"),
    (Topic.SCOPE, r"\bscope\b", r"\bumfang\b"),
    (Topic.FEATURES, r"\bfeatures?\b"),
    (Topic.PARTICIPANTS, r"\bparticipants?\b", r"\bteilnehmer"),
    (
        Topic.TASKS,
        r"\btasks?\b",
        r"\bcheck-?lists?\b",
        r"\bsteps?\b",
        r"\bto-?dos?\b",
        r"\bsub-?tasks?\b",
        r"\bacceptance criteria\b",
        r"\bdefinition of done\b",
        r"\baufgaben?\b",
        r"\bschritte\b",
        r"\bprocedure\b",
    ),
    (Topic.NOTES, r"\bnotes?\b", r"\bremarks?\b", r"\bdescription\b", r"\banmerkung", r"\bhinweise?\b"),
    (Topic.GOAL, r"\bgoals?\b", r"\bobjectives?\b", r"^ziele?\b"),
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that a heading may hold and that are told by its place in the plan; any other word makes it a note as well.
_STRUCTURE = _set(
    """
    a abbruchkriterien abhängigkeiten ablauf abort about acceptance action all allgemeines and anmerkungen
    ansprechpartner any appendix approval approvals approvers arbeitspakete assessment assurance aufgaben back
    back-out backlog backout be bekannte beteiligte blocker blockers breakdown call cause change check checklist
    checklists comms communication communications condition conditions contact contacts contingency criteria criterion
    critical current daily das dates day days decision definition delay deliverables dependencies dependency
    deployment der description details die doc docs document documentation documents dokumente done
    einschränkungen enhancements entry erfolgskriterien executive exit expected fallback feature features flow
    flows for freigabekriterien future general go goal goals high hinweise history hold if implementation
    improvements in information introduction issue issues item items its journeys key known kommunikation
    kontakte kriterien launch limitations link links list low medium meetings meilensteine metadata metrics
    milestone milestones mitigated mitigation mitigations no no-go nogo note notes objective objectives of on
    on-call open or our overview package packages participants path people performance phase phases plan post
    post-deployment post-launch post-release pre pre-deployment pre-launch prerequisites priority probleme
    procedure project purpose quality quick raci readiness record reference references related release remarks
    report reports required resources responsibilities review risiken risk risks roadmap roles roll rollback run
    runbook rückfallplan schedule schritte scope section sign-off sign-offs signoff slo slos stakeholders
    stand-up standup status step steps stop strategy subtasks success summary sync target targets task tasks
    team the ticket tickets timeline to to-do todo todos tracking trigger triggers und updates user verification
    verweise we week weeks what when who window with work workflow workflows zeitplan ziel ziele zusammenfassung
    anything case goes it something things wrong überblick
    """
)
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_NUMBERING = re.compile(r"^\s*(?:\d{1,2}(?:\.\d{1,2})*[.)]?|[A-Z][.)]|[IVX]{1,4}\.)\s+(?=\S)")


def without_numbering(text: str) -> str:
    """Take '3.2' or 'A.' off a heading."""
    return _NUMBERING.sub("", text)


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


_PRIORITIES = _patterns(
    (
        Priority.CRITICAL,
        r"\bcritical (?:path|issues?|tasks?|items?|priority)\b",
        r"\bmust[- ](?:have|do)\b",
        r"^blocking\b",
        r"^kritisch",
    ),
    (Priority.BACKLOG, r"\bbacklog\b", r"\bfuture\b", r"\bnice to have\b", r"\bsomeday\b", r"\blater\b"),
    (Priority.POST, r"\b(?:post|after)[- ]?(?:deploy\w*|launch|release|go[- ]?live)\b", r"^nach dem"),
    (Priority.HIGH, r"\bhigh priority\b", r"\brecommended\b", r"\bshould[- ]have\b"),
)


def heading_priority(text: str) -> Priority | None:
    """Give the priority that a heading puts its issues under, or None."""
    folded = plain(text)
    return next((priority for priority, pattern in _PRIORITIES if pattern.search(folded)), None)


_KINDS = _patterns(
    (
        RiskKind.LIMITATION,
        r"\bknown\b",
        r"\blimitations?\b",
        r"\bcaveats?\b",
        r"\bbekannte\b",
        r"\beinschränkung",
        r"\baccepted\b",
    ),
    (RiskKind.MITIGATED, r"\bmitigated\b", r"\bgemindert"),
    (RiskKind.LOW, r"\blow\b", r"\bniedrig", r"\bgering"),
)


def heading_risk_kind(text: str) -> RiskKind | None:
    """Give the kind of the risks under a heading, or None."""
    folded = plain(text)
    return next((kind for kind, pattern in _KINDS if pattern.search(folded)), None)
