"""Work in threads, in order: what is decoded, compressed or computed in C fills another core."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def ahead(items: Iterable[Out], most: int = 8) -> Generator[Out, None, None]:
    """Yield what `items` yields, which runs in a thread of its own, at most so many ahead.

    Its errors arrive here. Closed early, it ends the thread.
    """
    ready: queue.Queue = queue.Queue(maxsize=most)
    stop = threading.Event()
    end = object()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((end, None))
        except BaseException as error:  # carried over to the thread that waits for the items
            put((end, error))

    worker = threading.Thread(target=work, name="ahead", daemon=True)
    worker.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is end:
                return
            yield item
    finally:
        stop.set()
        worker.join()


def beside(
    work: Callable[[In], Out], items: Iterable[In], most: int = 2
) -> Generator[Out, None, None]:
    """Yield ``work(item)`` of each item, in order, worked on in a thread beside the caller's.

    The next items are made meanwhile, at most so many ahead.
    """
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                while len(waiting) > most or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
