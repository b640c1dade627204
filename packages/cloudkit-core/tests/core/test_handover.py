"""Whose the outcome of a call is when its task is cancelled."""

from cloudkit.core.handover import Handover


def test_a_task_that_stays_gets_the_outcome():
    assert Handover[str]().bring("outcome")


def test_a_thread_that_comes_too_late_keeps_the_outcome():
    handover = Handover[str]()
    assert handover.give_up() is None
    assert not handover.bring("outcome")


def test_a_task_that_leaves_too_late_has_the_outcome():
    handover = Handover[str]()
    assert handover.bring("outcome")
    assert handover.give_up() == "outcome"
