"""Marks: nothing without a listener, one listener per thread, gone after an exception."""

from contextlib import contextmanager
from threading import Thread

import pytest

from lic_bench.phase_marks import COPIES, ENTROPY_CODER, listen_to_marks, mark


def listener(heard):
    @contextmanager
    def noted(name):
        heard.append(f"+{name}")
        try:
            yield
        finally:
            heard.append(f"-{name}")

    return noted


def test_without_a_listener_nothing_happens():
    with mark(COPIES), mark(ENTROPY_CODER):
        done = True
    assert done
    assert mark(COPIES) is mark(ENTROPY_CODER)  # nothing is made per mark


def test_a_listener_hears_marks_inside_each_other_until_it_is_gone():
    heard = []
    with listen_to_marks(listener(heard)), mark(ENTROPY_CODER), mark(COPIES):
        pass
    with mark(COPIES):
        pass
    assert heard == [f"+{ENTROPY_CODER}", f"+{COPIES}", f"-{COPIES}", f"-{ENTROPY_CODER}"]


def test_a_listener_is_gone_after_an_exception():
    heard = []
    with pytest.raises(KeyError), listen_to_marks(listener(heard)), mark(COPIES):
        raise KeyError
    with mark(COPIES):
        pass
    assert heard == [f"+{COPIES}", f"-{COPIES}"]


def test_other_threads_are_not_heard():
    heard = []

    def other():
        with mark(COPIES):
            heard.append("ran")

    with listen_to_marks(listener(heard)):
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert heard == ["ran"]
