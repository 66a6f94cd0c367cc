"""A machine has as many seats as it has processors for, and each worker has one."""

from __future__ import annotations

from harness.explore.cluster.seats import Seats
from harness.explore.cluster.wire import Hello


def test_two_workers_of_one_machine_get_different_processors() -> None:
    seats = Seats()
    new, lost = seats.compare({"a": 2, "b": 2})
    assert (new, lost) == (["a", "b"], [])
    for address in new:
        seats.admit(address, Hello("north", (4, 5, 6)))
    taken = [seats.take(str(number)) for number in range(len(seats))]
    assert sorted(seat.core for seat in taken if seat is not None) == [4, 5, 6]
    assert {seat.address for seat in taken if seat is not None} == {"a", "b"}


def test_each_worker_has_a_seat_however_few_processors_there_are() -> None:
    seats = Seats()
    seats.compare({"a": 8, "b": 8})
    seats.admit("a", Hello("north", (0,)))
    seats.admit("b", Hello("north", (0,)))
    assert len(seats) == 2


def test_a_worker_that_goes_takes_its_slices_and_processors_along() -> None:
    seats = Seats()
    seats.compare({"a": 1, "b": 1})
    seats.admit("a", Hello("north", (0, 1)))
    seats.admit("b", Hello("north", (0, 1)))
    assert seats.take("first") is not None and seats.take("second") is not None
    assert seats.compare({"a": 1, "c": 1}) == (["c"], ["second"])
    assert seats.free("second") is None
    seats.admit("c", Hello("north", (0, 1)))
    third = seats.take("third")
    assert third is not None and (third.address, third.core) == ("c", 1)


def test_a_worker_that_is_gone_by_the_time_it_answers_gets_no_seat() -> None:
    seats = Seats()
    seats.compare({"a": 1})
    seats.compare({})
    seats.admit("a", Hello("north", (0,)))
    assert len(seats) == 0
