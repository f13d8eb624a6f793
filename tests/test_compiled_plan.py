"""A plan that was read before is not parsed and checked again; whatever differs, it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

import loom_tui.plan
from loom_tui.config.compiled import KEPT_PLANS, recall, remember
from loom_tui.config.plans import bundled_plan, load_plan
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Plan
from loom_tui.plan.steps import HttpStep
from loom_tui.plan.toml import dump_plan
from loom_tui.plan.workflows import Workflow
from tests.samples import sample_plan

TEXT = dump_plan(sample_plan())


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """A cache directory of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def kept_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "loom").glob("plan-*"))


def never(*_: object, **__: object) -> Plan:
    raise AssertionError("parsed anew")


@pytest.mark.parametrize("plan", [sample_plan(), bundled_plan()], ids=["sample", "bundled"])
def test_a_plan_that_was_read_before_is_the_same_plan_without_being_parsed(
    plan: Plan, tmp_path: Path, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environ
    path = tmp_path / "loom.toml"
    path.write_text(dump_plan(plan))
    assert load_plan(path) == plan
    monkeypatch.setattr("loom_tui.plan.toml.parse_plan", never)
    assert load_plan(path) == plan


def test_an_edited_plan_is_read_anew(tmp_path: Path, environ: Mapping[str, str]) -> None:
    assert environ
    path = tmp_path / "loom.toml"
    path.write_text(TEXT)
    before = load_plan(path)
    path.write_text(TEXT.replace(before.plan.title, "Another launch"))
    assert load_plan(path).plan.title == "Another launch"


def test_a_plan_that_became_faulty_is_refused(tmp_path: Path, environ: Mapping[str, str]) -> None:
    assert environ
    path = tmp_path / "loom.toml"
    path.write_text(TEXT)
    load_plan(path)
    path.write_text(f"{TEXT}\n[nonsense]\n")
    for _ in range(2):
        with pytest.raises(PlanFaults, match="nonsense"):
            load_plan(path)


def test_what_another_version_of_the_code_made_is_not_believed(
    tmp_path: Path, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loom.toml"
    remember(path, TEXT, sample_plan(), environ)
    assert recall(path, TEXT, environ) == sample_plan()
    (tmp_path / "plan" / "sources").mkdir(parents=True)
    (tmp_path / "plan" / "check.py").touch()
    monkeypatch.setattr(loom_tui.plan, "__path__", [str(tmp_path / "plan")])
    assert recall(path, TEXT, environ) is None
    remember(path, TEXT, sample_plan(), environ)
    assert recall(path, TEXT, environ) == sample_plan()
    os.utime(tmp_path / "plan" / "check.py", (1, 1))
    assert recall(path, TEXT, environ) is None


@pytest.mark.parametrize("damage", ["cut", "other", "readable by others", "empty"])
def test_what_is_damaged_or_could_be_another_s_is_not_believed(
    damage: str, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    path = tmp_path / "loom.toml"
    remember(path, TEXT, sample_plan(), environ)
    (kept,) = kept_files(tmp_path)
    body = kept.read_bytes()
    match damage:
        case "cut":
            kept.write_bytes(body[: len(body) // 2])
        case "other":
            kept.write_bytes(body.replace(b'"issues"', b'"tissues"'))
        case "readable by others":
            kept.chmod(0o644)
        case _:
            kept.write_bytes(b"")
    assert recall(path, TEXT, environ) is None
    path.write_text(TEXT)
    assert load_plan(path) == sample_plan()


def test_a_plan_that_json_does_not_hold_whole_is_not_kept(tmp_path: Path, environ: Mapping[str, str]) -> None:
    dated = HttpStep(name="Book", path="https://example.com/bookings", json={"on": date(2026, 1, 1)})
    plan = replace(sample_plan(), workflows=(Workflow(name="Booking", steps=(dated,)),))
    remember(tmp_path / "loom.toml", TEXT, plan, environ)
    assert not kept_files(tmp_path)


def test_where_nothing_can_be_kept_plans_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    path = tmp_path / "loom.toml"
    path.write_text(TEXT)
    assert load_plan(path) == load_plan(path) == sample_plan()
    assert capfd.readouterr() == ("", "")


def test_only_the_newest_of_many_plans_are_kept(tmp_path: Path, environ: Mapping[str, str]) -> None:
    for number in range(KEPT_PLANS + 3):
        remember(tmp_path / f"{number}.toml", TEXT, sample_plan(), environ)
    assert len(kept_files(tmp_path)) == KEPT_PLANS
    assert recall(tmp_path / f"{KEPT_PLANS + 2}.toml", TEXT, environ) is not None


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077])
def test_what_is_kept_is_its_users_alone_whatever_the_umask(
    umask: int, tmp_path: Path, environ: Mapping[str, str]
) -> None:
    before = os.umask(umask)
    try:
        remember(tmp_path / "loom.toml", TEXT, sample_plan(), environ)
    finally:
        os.umask(before)
    (kept,) = kept_files(tmp_path)
    assert (stat.S_IMODE(kept.parent.stat().st_mode), stat.S_IMODE(kept.stat().st_mode)) == (0o700, 0o600)


def test_where_the_code_cannot_be_looked_at_nothing_is_kept(
    tmp_path: Path, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loom_tui.plan, "__path__", [str(tmp_path / "loom.pyz" / "plan")])
    remember(tmp_path / "loom.toml", TEXT, sample_plan(), environ)
    assert recall(tmp_path / "loom.toml", TEXT, environ) is None
    assert not kept_files(tmp_path)
