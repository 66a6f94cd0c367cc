from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.errors import ScenarioError
from harness.model.policy import CustomPolicy
from harness.scenario import Expectation, Scenario, dump, load, load_all, load_data
from harness.scenario.loader import FILE_BYTES_MAX
from harness.scenario.roles.editor import EditorSettings
from harness.scenario.roles.heartbeat import HeartbeatSettings
from harness.scenario.roles.runner import RunnerSettings
from harness.scenario.transport import pack, unpack
from tests.harness.scenario.examples import FULL, SMALL, changed, faults_of, write


def test_a_small_scenario_is_read_with_its_defaults(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, SMALL, "timer-under-lock.yaml"))
    assert type(scenario) is Scenario
    assert scenario.name == "timer-under-lock"
    assert scenario.lanes == (
        RunnerSettings(role="runner"),
        HeartbeatSettings(role="heartbeat", process="gateway", times=(1, 3), rate=2.5),
    )
    assert (scenario.schedules, scenario.steps_max, scenario.step_ms) == (1000, 2000, 1)
    assert (scenario.transcript.entries, scenario.transcript.entry_bytes) == ((2, 6), (20, 120))
    assert scenario.resolved_policy().name == "coordinated"


def test_a_full_scenario_is_read_as_written(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, FULL))
    assert isinstance(scenario.policy, CustomPolicy)
    assert scenario.resolved_policy().rules["participant_rewrite_other_process"] == "either"
    assert scenario.lanes[0].name == "main"
    assert scenario.lanes[1].names() == ("cron-1", "cron-2")
    assert scenario.lanes[4] == EditorSettings(role="editor", actions=("append-user", "chmod"), times=(1, 2))
    assert scenario.filesystem.inode_reuse == "never"
    assert scenario.fence_options == {"lock_timeout_ms": 500, "strict": True, "mode": "fast"}
    assert scenario.fences == ("none", "my_fence.py:MyFence")


def test_a_short_expectation_lists_required_violations(tmp_path: Path) -> None:
    small, full = load_all([write(tmp_path, SMALL, "a.yaml"), write(tmp_path, FULL, "b.yaml")])
    assert small.expectation("stat-2026.5.17") == Expectation(must=("false_positive",))
    assert small.expectation("never mentioned") == Expectation()
    assert full.expectation("none") == Expectation(must=("missed_takeover",), may=("lost_entry", "crash"))


@pytest.mark.parametrize("text", [SMALL, FULL])
def test_a_dump_can_be_loaded_again_and_a_scenario_sent(tmp_path: Path, text: str) -> None:
    scenario = load(write(tmp_path, text))
    assert load_data(dump(scenario)) == scenario
    assert unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(pack(scenario)))) == scenario


def test_data_without_a_file_points_at_its_path_alone(tmp_path: Path) -> None:
    data = dump(load(write(tmp_path, SMALL)))
    data["lanes"][1]["rate"] = 0
    data["lanes"][1]["coutn"] = 1
    del data["name"]
    with pytest.raises(ScenarioError) as caught:
        load_data(data, "witness.json")
    assert str(caught.value).split("\n") == [
        "witness.json:1:1: lanes[1].coutn: unknown key; did you mean 'count'?",
        "witness.json:1:1: lanes[1].rate: must be > 0 (got 0)",
        "witness.json:1:1: name: must be the scenario's name (got nothing)",
    ]


def test_the_faults_of_all_files_come_at_once_in_order(tmp_path: Path) -> None:
    bad = changed("rate: 2.5", "rate: 0").replace("process:", "proces:")
    first, second = write(tmp_path, bad, "a.yaml"), write(tmp_path, "a: [", "b.yaml")
    good = write(tmp_path, SMALL, "c.yaml")
    with pytest.raises(ScenarioError) as caught:
        load_all([second, good, first])
    assert [(Path(fault.file).name, fault.line, fault.column) for fault in caught.value.faults] == [
        ("a.yaml", 7, 5),
        ("a.yaml", 9, 11),
        ("b.yaml", 1, 5),
    ]


def test_a_key_twice_hides_no_other_fault(tmp_path: Path) -> None:
    text = changed("rate: 2.5", "rate: 0\n    times: 2")
    assert faults_of(tmp_path, text) == [
        "9:11: lanes[1].rate: must be > 0 (got 0)",
        "10:5: lanes[1].times: duplicate key, first given in line 8; remove one of them",
    ]


def test_a_lane_may_stay_away_but_not_for_good(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, changed("times: [1, 3]", "times: [0, 3]")))
    assert getattr(scenario.lanes[1], "times") == (0, 3)  # noqa: B009  # a key of some roles
    for never, place in (("0", "8:12: lanes[1].times"), ("[0, 0]", "8:16: lanes[1].times[1]")):
        fault = f"{place}: must be >= 1 (got 0)"
        assert faults_of(tmp_path, changed("times: [1, 3]", f"times: {never}")) == [fault]


def test_a_value_that_could_not_be_read_is_reported_once(tmp_path: Path) -> None:
    assert faults_of(tmp_path, changed("rate: 2.5", "rate: *fast")) == [
        "9:11: lanes[1].rate: alias *fast is not supported; write the value out"
    ]
    assert faults_of(tmp_path, changed("policy: coordinated", "policy: !x coordinatde")) == [
        "3:9: policy: tag !x is not supported; write the value out"
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yaml:1:1: cannot be read: No such file.*check the path"):
        load(tmp_path / "none.yaml")


def test_a_directory_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r":1:1: is a directory, expected a scenario file"):
        load(tmp_path)


def test_a_path_that_no_system_takes_is_a_fault_too() -> None:
    with pytest.raises(ScenarioError, match=r":1:1: cannot be read: embedded null byte"):
        load("a\0b.yaml")


@pytest.mark.parametrize(
    "content, fault",
    [
        (b"", "1:1: the file is empty; write about, source, policy, lanes and expect"),
        (b"a: b\nc: d\xff\n", "2:5: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("é: ".encode() + b"\xc3(", "1:4: byte 0xc3 is not UTF-8; save the file as UTF-8"),
        (
            b"#" * (FILE_BYTES_MAX + 1),
            f"1:1: larger than {FILE_BYTES_MAX} bytes, which no scenario needs; check the path",
        ),
        (b"- a\n", '1:1: must be a mapping with keys such as about and lanes (got ["a"])'),
        (b"\n  word\n", "2:3: must be a mapping with keys such as about and lanes (got 'word')"),
    ],
)
def test_a_file_that_is_no_scenario_is_reported_plainly(tmp_path: Path, content: bytes, fault: str) -> None:
    assert faults_of(tmp_path, content) == [fault]


def test_a_byte_order_mark_is_not_part_of_a_key(tmp_path: Path) -> None:
    assert faults_of(tmp_path, b"\xef\xbb\xbf" + SMALL.encode()) == []


def test_explorers_load_neither_the_reader_nor_the_validator() -> None:
    code = (
        "import sys, harness.scenario.plan, harness.model.policy, harness.scenario;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pydantic', 'pydantic_core', 'yaml'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600
    )
    assert run.stdout == "[]\n"


def test_the_package_knows_no_other_names() -> None:
    import harness.scenario

    assert all(hasattr(harness.scenario, name) for name in harness.scenario.__all__)
    assert not hasattr(harness.scenario, "lode")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "role",
                        "lanes",
                        "policy",
                        "rules",
                        "actions",
                        "count",
                        "name",
                        "expect",
                        "must",
                        "about",
                        "fence_options",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_data_is_accepted_or_rejected_with_faults(value: object) -> None:
    data = {"name": "x", "lanes": value, "policy": value, "expect": value, "fence_options": value}
    for attempt in (data, {"name": "x", **value} if isinstance(value, dict) else {"lanes": [value]}):
        try:
            load_data(attempt)
        except ScenarioError as error:
            assert error.faults
