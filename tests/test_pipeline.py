"""Threads that change nothing but the time it takes."""

import threading
import time

import pytest

from fer_nb.pipeline import ahead, beside


def test_order_is_kept():
    squares = beside(lambda n: n * n, ahead(range(50), most=3))
    assert list(squares) == [n * n for n in range(50)]


def test_items_are_made_in_a_thread_and_not_too_many():
    made = []

    def items():
        for i in range(20):
            made.append(threading.current_thread().name)
            yield i

    running = ahead(items(), most=4)
    assert next(running) == 0
    time.sleep(0.3)
    assert 2 <= len(made) <= 6
    running.close()
    assert set(made) == {"ahead"}
    assert all(thread.name != "ahead" for thread in threading.enumerate())


def test_errors_arrive_after_what_came_before_them():
    def items():
        yield 1
        raise InterruptedError("cable pulled")

    running = ahead(items())
    assert next(running) == 1
    with pytest.raises(InterruptedError, match="cable"):
        next(running)

    def broken(n):
        if n == 2:
            raise ValueError("no such face")
        return n

    read = beside(broken, range(5))
    assert [next(read), next(read)] == [0, 1]
    with pytest.raises(ValueError, match="face"):
        next(read)
