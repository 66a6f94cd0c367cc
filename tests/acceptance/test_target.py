"""`target` through the command line, with an npm of ours or with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness
from tests.fence.targets.fake_npm import put_on_path, tarball

PACKAGE = tarball({"package/dist/chunk.js": b"1"})


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)


def test_an_empty_cache_says_how_to_fill_it(harness: Harness) -> None:
    done = harness.call("target")
    assert (done.status, done.out) == (0, "")
    assert "fetch: python -m harness target NAME@VERSION" in done.err


@pytest.mark.parametrize(
    "reference",
    ["openclaws@2026.5.18", "openclaw@", "openclaws==1", "filelock==", "filelock@3.*", "lockfile==1"],
)
def test_a_name_that_is_no_target_is_refused_before_fetching(harness: Harness, reference: str) -> None:
    done = harness.call("target", reference)
    assert harness.call("target").out == ""
    assert (done.status, done.out) == (2, "")
    name = reference.replace("==", "@").partition("@")[0]
    assert done.err.splitlines()[-1].startswith((f"{name}: ", f"{name}@", f"{name}=="))


@pytest.mark.requires("node")
def test_a_missing_version_is_told_and_holds_up_no_other(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NPM_FAILS", "1")
    done = harness.call("target", "openclaw@1", "openclaw@2", "--json")
    assert done.status == 2
    told = [(line["target"], line["ok"], line["why"]) for line in done.objects]
    remedy = "nothing was fetched; npm view openclaw versions lists those that there are"
    why = f"npm view failed: E404: No match found; {remedy}"
    assert told == [(f"openclaw@{one}", False, f"openclaw@{one}: {why}") for one in (1, 2)]
    assert "2 of 2 targets cannot be had" in done.err


def test_an_unfetched_fence_stops_a_run_with_the_fetching_command(harness: Harness) -> None:
    done = harness.call("run", "scenarios/quickstart.yaml", "--fence", "openclaw@2026.5.18")
    assert done.status == 2
    assert "fetch it: python -m harness target openclaw@2026.5.18" in done.err
