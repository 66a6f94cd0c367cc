"""Files with roles and so on: a fault in one is told with the file's name, and nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.extensions import Extension, load_extension
from harness.extensions.extension import Extension as _Extension
from harness.model.errors import ExtensionError, ScenarioError
from harness.model.policy import POLICIES
from harness.oracle.invariants import INVARIANTS
from harness.scenario import load, load_data
from harness.scenario.actions import ACTIONS
from harness.scenario.extension_files import Extending, loaded
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.roles import ROLES
from harness.strategies import STRATEGIES
from tests.harness.scenario.examples import SMALL, write

HEAD = """\
from dataclasses import dataclass
from typing import Literal

from takeover_harness import *
from harness.scenario.actions import ACTIONS

@dataclass(frozen=True, kw_only=True)
class Settings(LaneSettings):
    role: Literal["{name}"]

"""
REGISTRIES = (ROLES, ACTIONS, POLICIES, STRATEGIES, PROCESS_FAULTS, INVARIANTS)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Takes out what a test has added."""
    before = [set(registry) for registry in REGISTRIES]
    yield
    for registry, names in zip(REGISTRIES, before, strict=True):
        for name in set(registry) - names:
            registry.remove(name)


def file(folder: Path, body: str, name: str = "mine") -> str:
    path = folder / f"{name}.py"
    path.write_text(HEAD.replace("{name}", name) + body)
    return str(path)


WRONG = {
    "nothing": ("", "has no EXTENSION; write `EXTENSION = Extension(roles=[...])`"),
    "another class": ("EXTENSION = {}", "its EXTENSION is a dict; write"),
    "no list": ("EXTENSION = Extension(roles='x')", "roles is a str, expected a list, as in roles=[MINE]"),
    "no name": ("EXTENSION = Extension(actions=[3])", "actions[0] is a int without name; expected an action"),
    "another kind": (
        "EXTENSION = Extension(roles=[POLICIES['coordinated']])",
        "the role 'coordinated': is a Policy, expected a Role",
    ),
    "a name of ours": (
        "EXTENSION = Extension(actions=[ACTIONS['chmod']])",
        "the action 'chmod': the harness has an action of that name already; rename one of them",
    ),
    "twice the same": (
        "ONE = Action('one', 'about', 'none', print)\nEXTENSION = Extension(actions=[ONE, ONE])",
        "has an action of that name already; rename one of them",
    ),
    "another role": (
        "EXTENSION = Extension(roles=[Role('other', 'about', True, Settings, print, print)])",
        """the role 'other': its settings have to say `role: Literal["other"]`""",
    ),
    "no settings": (
        "EXTENSION = Extension(roles=[Role('other', 'about', True, int, print, print)])",
        "its settings are no class made from LaneSettings",
    ),
    "no effect": (
        "EXTENSION = Extension(actions=[Action('a', 'about', 'much', print)])",
        "its effect is 'much', expected one of changes, none, other_file",
    ),
    "half a policy": (
        "Policy('half', 'about', {'own_append': 'maybe'})",
        "no such answer to own_append; give one of sanctioned, takeover, either for each class",
    ),
    "a strategy that is none": (
        "class S: name = 's'\nEXTENSION = Extension(strategies=[S])",
        "is no class with name, about, begin, pick, end",
    ),
    "an invariant of one argument": (
        "def one(lines): pass\nEXTENSION = Extension(invariants=[one])",
        "the invariant 'one': does not take the arguments of an invariant",
    ),
    "what cannot be imported": ("import no_such_module", "ModuleNotFoundError: No module named"),
}


@pytest.mark.parametrize(("body", "told"), WRONG.values(), ids=WRONG)
def test_a_file_that_cannot_be_used_says_why_and_adds_nothing(tmp_path: Path, body: str, told: str) -> None:
    before = [list(registry) for registry in REGISTRIES]
    path = file(tmp_path, body)
    with pytest.raises(ExtensionError) as raised:
        load_extension(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert told in str(raised.value)
    assert [list(registry) for registry in REGISTRIES] == before


@pytest.mark.parametrize(
    ("name", "told"),
    [("nowhere.py", "No such file or directory"), ("my.module", "expected a file, path/file.py")],
)
def test_a_reference_that_is_no_file_says_so(name: str, told: str) -> None:
    with pytest.raises(ExtensionError, match=told):
        load_extension(name)


ONE = "def {name}_rule(lines, acknowledged): pass\n" + (
    "EXTENSION = Extension(\n"
    "    roles=[Role('{name}', 'about', True, Settings, lambda s, rng, ids: (), lambda s: Size(0, 0))],\n"
    "    actions=[Action('{name}-act', 'about', 'none', print)], invariants=[{name}_rule])\n"
)


def test_members_say_where_they_come_from(tmp_path: Path) -> None:
    path = file(tmp_path, ONE.replace("{name}", "mine"))
    load_extension(path)
    load_extension(path)
    assert ROLES["mine"].about == ACTIONS["mine-act"].about == "about"
    origins = [ROLES.origin("mine"), ACTIONS.origin("mine-act"), INVARIANTS.origin("mine_rule")]
    assert {one and one.text for one in origins} == {path}
    assert ROLES.origin("runner") is None
    assert len(loaded(path).digest) == 16
    assert Extension is _Extension


def test_a_scenario_uses_only_the_files_that_it_names(tmp_path: Path) -> None:
    paths = [file(tmp_path, ONE.replace("{name}", name), name) for name in ("first", "second")]
    text = SMALL.replace("lanes:", f'extensions: ["{paths[0]}"]\nlanes:\n  - role: first')
    extending = Extending(load_extension)
    assert load(write(tmp_path, text), extending).lanes[0].role == "first"
    load_extension(paths[1])
    other = write(tmp_path, text.replace("role: first", "role: second"))
    with pytest.raises(ScenarioError) as raised:
        load(other, extending)
    assert f"6:11: lanes[0].role: the role 'second' is of {paths[1]}; add it to extensions" in str(
        raised.value
    )
    assert load(other, Extending(load_extension, (paths[1],))).lanes[0].role == "second"


def test_a_file_that_is_not_loaded_is_told_at_its_place(tmp_path: Path) -> None:
    text = SMALL.replace("lanes:", "extensions: [ext/away.py]\nlanes:\n  - role: away")
    with pytest.raises(ScenarioError) as raised:
        load(write(tmp_path, text))
    assert str(raised.value).endswith(
        "4:14: extensions[0]: ext/away.py: is not loaded here; give --extension ext/away.py"
    )
    with pytest.raises(ScenarioError, match="extensions: must be a list"):
        load_data(
            {
                **{"name": "a", "about": "a", "source": "a", "policy": "coordinated", "expect": {}},
                "lanes": [{"role": "runner"}],
                "extensions": "mine.py",
            }
        )


@pytest.mark.parametrize(
    ("what", "name"), [("roles", "mine"), ("actions", "mine-act"), ("invariants", "mine_rule")]
)
def test_a_list_says_where_a_member_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, name: str
) -> None:
    path = file(tmp_path, ONE.replace("{name}", "mine"))
    assert main(["list", what, "--json", "--extension", path]) == 0
    items = json.loads(capsys.readouterr().out)
    assert [(item["name"], item["from"]) for item in items if "from" in item] == [(name, path)]
    assert main(["list", what, "--extension", path]) == 0
    assert capsys.readouterr().out.endswith(f"({path})\n")


def test_the_schema_has_the_role_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--extension", file(tmp_path, ONE.replace("{name}", "mine"))]) == 0
    made = json.loads(capsys.readouterr().out)
    assert "mine" in made["properties"]["lanes"]["items"]["discriminator"]["mapping"]


def test_two_files_must_not_add_the_same_name(tmp_path: Path) -> None:
    first = file(tmp_path, ONE.replace("{name}", "mine"))
    load_extension(first)
    second = tmp_path / "second.py"
    second.write_text(Path(first).read_text())
    with pytest.raises(ExtensionError) as raised:
        load_extension(str(second))
    told = f"{second}: the role 'mine': {first} has a role of that name already; rename one of them"
    assert str(raised.value) == told
