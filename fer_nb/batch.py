"""The same work on many items: one after the other, in local processes, or on a Dask cluster.

One bad item never ends a batch: whatever goes wrong with it, a killed process and a time that ran
out among them, is its answer, and the others are done.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir

from fer_nb.errors import FerError

TIME_LIMIT_S = 4 * 3600.0  # for one of several recordings, where nobody says otherwise
_MEMORY_PER_WORKER = 1.0e9  # bytes; a 1080p recording with its report stays below
_FEW = 4  # fewer items are done before other processes have started
_LOOK_AFTER_PARENT_S = 1.0


def fitting_workers(items: int) -> int:
    """Return how many processes fit the machine's cores and memory for so many items.

    Examples
    --------
    >>> fitting_workers(1)
    1
    """
    if items < _FEW:
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows tells it in another way
        memory = int(cores * _MEMORY_PER_WORKER)
    return max(1, min(items, cores, int(memory / _MEMORY_PER_WORKER)))


def map_in_order(
    function: Callable,
    items: Iterable,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    time_limit_s: float | None = None,
) -> Iterator:
    """Yield ``function(item)`` of each item, in their order, or a `FerError` of what went wrong.

    Processes start as new ones, so a script that asks for several keeps its own work under
    ``if __name__ == "__main__":``. The machines of a cluster must have this package and see the
    same files under the same paths.

    Parameters
    ----------
    function : callable
        With more than one worker, it, the items and the answers must be picklable.
    items : iterable
    workers : int
        Local processes; with 1 and no time limit, all is done here.
    scheduler : str, optional
        Address of a Dask scheduler (``"tcp://host:8786"``), which takes the place of `workers`.
    time_limit_s : float, optional
        Longest time for one item, in a local process; who takes longer is ended.

    Raises
    ------
    FerError
        If the cluster cannot be reached, or the function cannot be sent.

    Examples
    --------
    >>> list(map_in_order(abs, [-1, 2]))
    [1, 2]
    """
    if workers < 1:
        raise FerError(f"there must be at least 1 worker, not {workers}")
    if scheduler is not None:
        with _dask(scheduler) as (submit, size, died):
            work = partial(_attempt_there, os.getpid(), function)
            yield from _ahead(partial(submit, work), items, size, died, shared_fate=True)
    elif workers == 1 and time_limit_s is None:
        yield from (_attempt(function, item) for item in items)
    else:
        from pebble import ProcessExpired

        _check_picklable(function)
        with _processes(workers) as pool:

            def submit(item):
                return pool.schedule(_attempt, args=[function, item], timeout=time_limit_s)

            yield from _ahead(submit, items, lambda: workers, ProcessExpired, time_limit_s)


def _ahead(
    submit: Callable[[object], Future],
    items: Iterable,
    size: Callable[[], int],
    died: type[Exception],
    time_limit_s: float | None = None,
    shared_fate: bool = False,
) -> Iterator:
    """Keep so many items running that no worker idles, and no more: answers wait in memory.

    `size` tells how many workers there are now, and `died` is raised for one that is no more. With
    `shared_fate`, a worker that dies takes other items with it (Dask suspects all it had been
    given, and loses answers that lay there): each of them is tried once more by itself, so that
    only the guilty one fails.
    """

    def answer_of(item: object, future: Future) -> object:
        try:
            return future.result()
        except died:
            if not shared_fate:
                raise
        for _, other in running:
            other.exception()  # waits for it
        return submit(item).result()

    running: deque[tuple[object, Future]] = deque()
    waiting = iter(items)
    while True:
        # Those of a cluster come and go; if all are gone, what is waiting waits for the next.
        for item in islice(waiting, max(0, 2 * max(1, size()) - len(running))):
            running.append((item, submit(item)))
        if not running:
            return
        item, future = running.popleft()
        try:
            answer = answer_of(item, future)
        except TimeoutError:
            answer = FerError(f"took longer than the time limit of {time_limit_s:g} s")
        except died as error:
            code = f" (exit code {error.exitcode})" if hasattr(error, "exitcode") else ""
            answer = FerError(
                f"the process that worked on it died{code}; with too little memory use fewer "
                "workers"
            )
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            answer = FerError(f"its answer cannot be sent back: {error}")
        yield answer


def _attempt(function: Callable, item: object) -> object:
    try:
        return function(item)
    except FerError as error:
        return error
    except Exception as error:  # of libraries: a recording they stumble on is one that failed
        return FerError(f"{type(error).__name__}: {error}")


def _attempt_there(asker: int, function: Callable, item: object) -> object:
    """Do an item on a cluster, where one worker stands beside the other."""
    if os.getpid() != asker:  # a cluster may be within the process that asks
        _use_one_thread()
    return _attempt(function, item)


def _use_one_thread() -> None:
    os.environ["FER_NB_THREADS"] = "1"  # the processes are what runs side by side
    from fer_nb.opencv import cv2

    cv2.setNumThreads(1)


def _check_picklable(function: Callable) -> None:
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise FerError(
            f"this cannot be sent to other processes ({error}); use a model and a detector of "
            "fer_nb, or one worker"
        ) from error


@contextmanager
def _processes(workers: int):
    from pebble import ProcessPool

    pool = ProcessPool(
        workers,
        context=get_context("spawn"),
        initializer=_begin_worker,
        initargs=(os.getpid(),),
    )
    with only_installed_code():  # until the end, as one that died is started anew
        try:
            yield pool
            pool.close()
        except BaseException:  # Ctrl-C, or nobody wants the rest: what is begun is given up
            pool.stop()
            raise
        finally:
            pool.join()


@contextmanager
def only_installed_code() -> Iterator[None]:
    """Let processes that are started in the block import nothing from the current folder.

    That may be where the recordings lie, and whatever somebody has put beside them.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _begin_worker(parent: int) -> None:
    """Make a process a good worker: one thread, and gone when its parent is. (pebble makes it deaf
    to Ctrl-C, which is for the parent.)"""
    _use_one_thread()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_AFTER_PARENT_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _dask(scheduler: str) -> Iterator[tuple[Callable, Callable[[], int], type[Exception]]]:
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

        def size() -> int:
            return sum(client.nthreads().values())

        if not size():
            raise FerError(f"the Dask scheduler at {scheduler} has no workers yet")
        # Not its executor: that one takes an answer that is lost on its way for an error.
        yield partial(client.submit, pure=False), size, KilledWorker


@contextmanager
def sole_writer(folder: str | Path) -> Iterator[None]:
    """Let only one run write to a folder at a time; a second one gets an error.

    The lock lies in the system's folder for temporary files and goes with the process. Who holds
    it may ask for it again: a report holds it for as long as the study within it, and longer.

    Raises
    ------
    FerError
        If another run of this machine is writing to the folder.
    """
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(Path(folder).resolve())).hexdigest()[:20]
    lock = FileLock(Path(gettempdir()) / f"fer_nb-{name}.lock", is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FerError(
            f"another run is writing to {folder}; wait for it, or choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
