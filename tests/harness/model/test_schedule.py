from __future__ import annotations

import msgspec
import pytest

from harness.model.schedule import Choice, Schedule

SCHEDULE = Schedule((Choice(0, 1, 2), Choice(3, -1, 0)))


@pytest.mark.parametrize("form", [msgspec.json, msgspec.msgpack])
def test_a_written_schedule_can_be_read(form: object) -> None:
    assert form.decode(form.encode(SCHEDULE), type=Schedule) == SCHEDULE  # type: ignore[attr-defined]


def test_a_choice_is_three_numbers_in_its_text_form() -> None:
    assert msgspec.json.encode(SCHEDULE) == b'{"choices":[[0,1,2],[3,-1,0]]}'


def test_choices_are_values() -> None:
    assert len({Choice(0, 1, 2), Choice(0, 1, 2), Choice(0, 1, 3)}) == 2
    with pytest.raises(AttributeError):
        SCHEDULE.choices = ()  # type: ignore[misc]
