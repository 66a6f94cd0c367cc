"""Commands that work in any folder: scenarios by name, lists, documents, `init`, the installed ones."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

import harness
from harness.cli import called_as, init_command, list_command, main
from harness.cli.scenario_files import check_keepable, located, scenario_files, shipped_names
from harness.model.errors import UsageError
from harness.scenario import load
from harness.system import shipped

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Scenarios by name


def test_a_name_leads_to_a_scenario_or_a_folder_of_the_harness() -> None:
    one, several = located(["quickstart", "locks"])
    assert load(one).name == "quickstart"
    assert len(scenario_files([several])) > 1
    assert shipped_names()["quickstart"] == one


def test_a_path_stays_as_it_is() -> None:
    names = [
        "missing.yaml",
        "no/such",
        "../quickstart",
        "./quickstart",
        "/quickstart",
        "scenarios/quickstart.yaml",
    ]
    assert located(names) == names


def test_a_file_here_comes_before_a_scenario_of_that_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "quickstart").write_text("")
    (folder / "locks").mkdir()
    (folder / "mine").write_text("")
    assert located(["quickstart", "locks", "mine"]) == ["quickstart", "locks", "mine"]
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(";")[0] for line in said] == [
        "quickstart: the file here is used",
        "locks: the folder here is used",
    ]
    assert said[0].endswith(os.path.join("scenarios", "quickstart.yaml"))


def test_a_name_of_nothing_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"quikstart: no file or folder here.*did you mean 'quickstart'"):
        located(["quikstart"])


def test_in_the_repository_the_folder_and_the_harness_have_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT / "scenarios")
    assert located(["locks", "quickstart"]) == ["locks", "quickstart.yaml"]
    assert capsys.readouterr().err == ""


def test_witnesses_are_not_kept_beside_an_installed_scenario(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installed,) = located(["quickstart"])
    check_keepable([installed, "mine.yaml"])
    monkeypatch.setattr(shipped, "_INSTALLED", str(ROOT))
    with pytest.raises(UsageError, match=r"--keep: .*quickstart\.yaml comes with the harness"):
        check_keepable(["mine.yaml", installed])


# Lists and documents


def test_a_bare_list_names_every_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == list(list_command._LISTS)
    assert main(["list", "locks"]) == 0
    assert capsys.readouterr().out.startswith("sidecar ")


def test_scenarios_here_are_listed_by_path_before_those_of_the_harness(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "quickstart.yaml").write_bytes(
        (ROOT / "scenarios" / "quickstart.yaml").read_bytes()
    )
    assert main(["list", "scenarios"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[0] == "scenarios/quickstart.yaml"
    assert set(names[1:]) == set(shipped_names())


def test_a_page_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("limits", "limits.md", "docs/limits.md"):
        assert main(["docs", name]) == 0
        assert capsys.readouterr().out == (ROOT / "docs" / "limits.md").read_text()
    assert main(["docs"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert {"limits", "README", "reference/scenario"} <= listed
    assert main(["docs", "limit"]) == 2
    assert "limit: no such page; did you mean 'limits'?" in capsys.readouterr().err


def test_the_package_tells_its_version() -> None:
    assert harness.__version__ == harness.VERSION


# A folder to start from


@pytest.mark.parametrize(("language", "fence"), init_command.FENCES.items())
def test_init_writes_a_whole_folder(
    folder: Path, language: str, fence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "a/b", "--language", language, "--install", "git+https://x.invalid"]) == 0
    out = capsys.readouterr().out.splitlines()
    made = {str(path.relative_to(folder)) for path in (folder / "a" / "b").rglob("*") if path.is_file()}
    assert set(out[:-2]) == made
    assert not [path for path in made if re.search("@[A-Z]+@", (folder / path).read_text())]
    assert {load(folder / "a/b/scenarios" / f"{one}.yaml").fences for one in ("editor", "heartbeat")} == {()}
    assert load(folder / "a/b/scenarios/editor.yaml").expect.keys() == {fence}
    assert "git+https://x.invalid" in (folder / "a/b/.github/workflows/fence.yml").read_text()


def test_init_overwrites_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "my_fence.py").write_text("mine")
    assert main(["init", "."]) == 2
    assert "my_fence.py: there already, and nothing was written" in capsys.readouterr().err
    assert os.listdir(folder) == ["my_fence.py"]


def test_init_leaves_nothing_of_a_folder_that_it_cannot_write(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scenarios").write_text("a file where a folder is wanted")
    assert main(["init", "."]) == 2
    assert ".: cannot be written: " in capsys.readouterr().err
    assert os.listdir(folder) == ["scenarios"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (
            '{"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "ab"}}',
            "git+https://h/r.git@ab",
        ),
        ('{"url": "file:///here/takeover_harness.whl", "archive_info": {}}', ""),
        ('{"url": "file:///here", "vcs_info": {"vcs": "git", "commit_id": "ab"}}', ""),
        (None, ""),
    ],
)
def test_ci_installs_from_an_address_that_another_machine_can_reach(
    monkeypatch: pytest.MonkeyPatch, written: str | None, found: str
) -> None:
    class Distribution:
        def read_text(self, _name: str) -> str | None:
            return written

    monkeypatch.setattr(init_command, "distribution", lambda _name: Distribution())
    assert init_command._origin() == found


def test_without_an_installation_ci_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(init_command, "distribution", missing)
    assert init_command._origin() == ""


# Commands as the user called the harness


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("/usr/bin/takeover-harness", "takeover-harness"),
        ("/lib/takeover_harness/__main__.py", "python -m takeover_harness"),
        ("/lib/harness/__main__.py", "python -m harness"),
        ("/usr/bin/pytest", "python -m harness"),
    ],
)
def test_help_and_advice_show_the_command_that_was_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: str, said: str
) -> None:
    monkeypatch.setattr(sys, "argv", [argv])
    assert main(["docs", "none"]) == 2
    assert f"`{said} docs` lists them" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith(f"usage: {said} ")


def test_a_command_for_the_shell_runs_the_same_harness(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/my python", "-m", "harness"])
    monkeypatch.setattr(sys, "argv", ["/lib/harness/__main__.py"])
    assert called_as.command() == "'/my python' -m harness"
    (folder / "harness").mkdir()
    assert called_as.command() == "'/my python' -m harness"
    (folder / "harness" / "__init__.py").write_text("")
    assert called_as.command() == "'/my python' -m takeover_harness"
    script = folder / "takeover-harness"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert called_as.command() == str(script)
    monkeypatch.setenv("PATH", str(folder))
    assert called_as.command() == "takeover-harness"
