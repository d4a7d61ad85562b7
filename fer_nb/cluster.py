"""The same work on many items: one after the other, in local processes, or on a Dask cluster."""

from __future__ import annotations

import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import active_children, get_context

from fer_nb.errors import FerError


def map_in_order(
    function: Callable,
    items: Iterable,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Iterator:
    """Yield ``function(item)`` of each item, in their order, or the `FerError` that it raised.

    Processes are started anew, so a script that asks for several keeps its own work under
    ``if __name__ == "__main__":``. The machines of a cluster must have this package and see the
    same files under the same paths.

    Parameters
    ----------
    function : callable
        With more than one worker, it, the items and the answers must be picklable.
    items : iterable
    workers : int
        Local processes; with 1, all is done here.
    scheduler : str, optional
        Address of a Dask scheduler (``"tcp://host:8786"``), which takes the place of `workers`.

    Raises
    ------
    FerError
        If the cluster cannot be reached, a process dies, or the function cannot be sent.

    Examples
    --------
    >>> list(map_in_order(abs, [-1, 2]))
    [1, 2]
    """
    if workers < 1:
        raise FerError(f"there must be 1 worker at least, not {workers}")
    if scheduler is None and workers == 1:
        yield from (_attempt(function, item) for item in items)
        return
    with _local(function, workers) if scheduler is None else _dask(scheduler) as (pool, size):
        running, waiting = deque(), iter(items)
        while True:
            # So many ahead that no worker idles, and no more, as answers wait in memory.
            for item in islice(waiting, 2 * size - len(running)):
                running.append(pool.submit(_attempt, function, item))
            if not running:
                return
            yield running.popleft().result()


def _attempt(function: Callable, item: object) -> object:
    try:
        return function(item)
    except FerError as error:
        return error


@contextmanager
def _local(function: Callable, workers: int) -> Iterator[tuple[Executor, int]]:
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise FerError(
            f"this cannot be sent to other processes ({error}); use a model and a detector of "
            "fer_nb, or one worker"
        ) from error
    others = active_children()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=signal.signal,  # Ctrl-C is for this process, which ends the workers
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield pool, workers
    except BrokenProcessPool as error:
        raise FerError(
            "a worker process died: with too little memory use fewer workers; a script of your own "
            "must keep its work under if __name__ == '__main__':"
        ) from error
    except BaseException:  # Ctrl-C, or nobody wants the rest: what is begun need not be finished
        for process in set(active_children()).difference(others):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _dask(scheduler: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise FerError(
            "a Dask cluster needs further packages: pip install 'fer_nb[cluster]'"
        ) from error
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise FerError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client:
        size = sum(client.nthreads().values())
        if not size:
            raise FerError(f"the Dask scheduler at {scheduler} has no workers")
        try:
            yield client.get_executor(pure=False), size
        except KilledWorker as error:
            raise FerError(f"a worker of the Dask cluster died: {error}") from error
