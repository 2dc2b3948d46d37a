"""The batch: photos read ahead, seen by the networks, finished in a pool of processes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from leafwise.batch.finish import Job, finish_photo
from leafwise.batch.records import (
    FOLDER,
    Entry,
    Record,
    check_path,
    expire_records,
    follow_moved,
    has_changed,
    has_content,
    is_done,
    move_records,
    name_photos,
    read_entries,
    refuse_strangers,
    remove_orphans,
    write_tables,
)
from leafwise.batch.run import RUN_NAME, write_run
from leafwise.batch.workers import IN_FLIGHT, Workers
from leafwise.errors import ImageError, LeafwiseError, OutputError
from leafwise.imaging import MAX_PIXELS, digest_of, make_folder, read_image
from leafwise.segmenter import SeenPlant, Segmenter
from leafwise.segmenter.segmenter import check_photo

AHEAD = 4  # photos read before the networks see them, of no more pixels in all than this:
MOST_PIXELS = 16_000_000  # a photo that has more is finished in this process, plant by plant
MOST_SENT = 1 << 29  # bytes of a photo and its embeddings; one that has more, too


@dataclass(frozen=True)
class Step:
    """One photo has been dealt with."""

    photo: Path
    leaves: int = 0
    skipped: bool = False
    error: str = ""  # one line; empty where all went well


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch."""

    done: int
    skipped: int
    leaves: int  # of the photos done in this run
    empty: list[Path]  # of those, the photos without a leaf, in their order
    errors: list[str]  # a line for each photo that failed


ReadPhoto = tuple[Path, NDArray[np.uint8], str]  # the photo's file, its pixels (H, W, 3), its file's digest


def segment_files(
    photos: Sequence[Path],
    out: Path,
    segmenter: Segmenter,
    *,
    overwrite: bool = False,
    workers: int = 1,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[Step], None] = lambda _: None,
) -> BatchReport:
    """Segment photos into a folder: label maps, overlays, leaves.csv, plants.csv, photos.csv and run.toml.

    A photo that fails is reported and the others come out. Photos done before are skipped unless `overwrite`;
    whatever ends the run, Ctrl-C included, the tables hold all that was done. With `workers` > 1 the photos are
    finished in that many processes: a script that asks for them needs `if __name__ == "__main__":`.

    Raises OutputError where `out` cannot be written, or holds the results of another model, settings or version of
    leafwise or files of others, and LeafwiseError where a process of the pool was ended.
    """
    nameless = _nameless(photos)
    photos = [photo for photo in photos if photo not in nameless]
    named = _opened(out, photos, segmenter, overwrite=overwrite)
    tally = _Tally(on_progress)
    with ExitStack() as stack:
        stack.callback(write_tables, out)
        for photo, line in nameless.items():
            tally.add(Step(photo, error=line))
        todo = _still_to_do(out, named, tally, overwrite=overwrite)
        names = {one.photo: one.name for one in named}
        network = segmenter.model.cluster_network
        finish = partial(finish_photo, out=out, settings=segmenter.settings, network=network)
        submit = stack.enter_context(_Finishers(finish, min(workers, len(todo)))).submit
        limit = 2 * max(workers, 1)
        pending: dict[Future[Record], _Waiting] = {}
        for photo, image, digest in _read_ahead(todo, max_pixels, tally):
            try:
                seen, size, is_large = _look(segmenter, image)
                job = Job(names[photo], photo, digest, image, seen)
            except Exception as error:  # noqa: BLE001 whatever is wrong with one photo, the others go on
                tally.add(Step(photo, error=_line(photo, error)))
                continue
            pending[submit(job, here=is_large)] = _Waiting(photo, 0 if is_large else size)
            _collect(pending, tally, limit)
        _collect(pending, tally, 0)
    empty = [photo for photo in photos if photo in tally.empty]
    return BatchReport(tally.done, tally.skipped, tally.leaves, empty, tally.errors)


@dataclass(frozen=True)
class _Named:
    """A photo, the name of its results, and what is kept of it from before."""

    photo: Path
    name: str
    entry: Entry | None


def _opened(out: Path, photos: Sequence[Path], segmenter: Segmenter, *, overwrite: bool) -> list[_Named]:
    """Make an output folder ready for a run: its run.toml, and the photos with their names. Raises OutputError."""
    make_folder(out / FOLDER)
    remove_orphans(out)
    earlier = read_entries(out)
    entries = follow_moved(photos, earlier)
    names = name_photos(photos, entries)
    refuse_strangers(out, names.values(), is_new=not has_content(out / RUN_NAME))
    moved = [entry for name, entry in entries.items() if entry != earlier[name]]
    sources = {earlier[entry.name].source: entry.source for entry in moved}
    write_run(out, photos, segmenter, overwrite=overwrite, moved=sources)
    move_records(out, moved)
    return [_Named(photo, names[photo], entries.get(names[photo])) for photo in photos]


def _nameless(photos: Sequence[Path]) -> dict[Path, str]:
    """The photos whose names cannot be written down, each with the line that says so."""
    lines = {}
    for photo in photos:
        try:
            check_path(photo)
        except ImageError as error:
            lines[photo] = str(error)
    return lines


def _look(segmenter: Segmenter, image: NDArray[np.uint8]) -> tuple[Iterable[SeenPlant], int, bool]:
    """A photo's plants, the bytes of it and of their embeddings, and whether it is large: the rest is not seen yet."""
    plants = segmenter.look_at(image, segmenter.find(image))
    if image.size // 3 > MOST_PIXELS:
        return plants, image.nbytes, True
    seen: deque[SeenPlant] = deque()
    size = image.nbytes
    for plant in plants:
        seen.append(plant)
        size += plant.embeddings.nbytes
        if size > MOST_SENT:
            return _handed_over(seen, plants), size, True
    return list(seen), size, False


def _handed_over(seen: deque[SeenPlant], plants: Iterator[SeenPlant]) -> Iterator[SeenPlant]:
    """Those that have been seen, none of which is held any longer, and then the others."""
    while seen:
        yield seen.popleft()
    yield from plants


@dataclass(frozen=True)
class _Waiting:
    """A photo that a process is to finish, or has finished."""

    photo: Path
    size: int  # bytes of its job


class _Tally:
    """Counts what became of the photos, and passes each on to whoever shows progress."""

    def __init__(self, on_progress: Callable[[Step], None]) -> None:
        self.on_progress = on_progress
        self.done = self.skipped = self.leaves = 0
        self.empty: set[Path] = set()
        self.errors: list[str] = []

    def add(self, step: Step) -> None:
        self.skipped += step.skipped
        self.leaves += step.leaves
        if not step.skipped and not step.error:
            self.done += 1
            if step.leaves == 0:
                self.empty.add(step.photo)
        if step.error:
            self.errors.append(step.error)
        self.on_progress(step)


def _still_to_do(out: Path, photos: Sequence[_Named], tally: _Tally, *, overwrite: bool) -> list[Path]:
    """The photos that are not done; those that are done are tallied.

    Rows that are no longer a photo's own expire now: it may fail this time.
    """
    todo = []
    for one in photos:
        if not overwrite and is_done(out, one.entry, one.photo):
            tally.add(Step(one.photo, skipped=True))
            continue
        todo.append(one.photo)
        if one.entry is not None and (overwrite or has_changed(one.entry, one.photo)):
            expire_records(out, [one.entry])
    return todo


class _Finishers:
    """A pool of processes that finish photos, or this process where one is enough."""

    def __init__(self, finish: Callable[[Job], Record], workers: int) -> None:
        self._finish = finish
        self._pool = Workers(workers) if workers > 1 else None

    def __enter__(self) -> "_Finishers":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, job: Job, *, here: bool = False) -> "Future[Record]":
        """The future of a photo's record; `here` finishes it in this process in any case."""
        future: Future[Record] = Future()
        try:
            if self._pool is not None and not here:
                return self._pool.submit(self._finish, job)
            future.set_result(self._finish(job))
        except Exception as error:  # noqa: BLE001 handed on to whoever asks for the result
            future.set_exception(error)
        return future


def _collect(pending: "dict[Future[Record], _Waiting]", tally: _Tally, limit: int) -> None:
    """Wait until at most `limit` photos of `IN_FLIGHT` bytes are pending, and tally those that are finished."""
    while len(pending) > limit or sum(waiting.size for waiting in pending.values()) > IN_FLIGHT:
        finished, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            photo = pending.pop(future).photo
            try:
                tally.add(Step(photo, leaves=len(future.result().leaves)))
            except OutputError:
                raise  # the next photo could not be written either
            except BrokenProcessPool as error:
                raise LeafwiseError(
                    f"{photo}: the process that worked on it was ended, most likely for want of memory; "
                    "run the same command again with --workers 1"
                ) from error
            except Exception as error:  # noqa: BLE001 whatever is wrong with one photo, the others go on
                tally.add(Step(photo, error=_line(photo, error)))


class _Held:
    """How many pixels have been read and not yet been passed on: the reader waits while they are many."""

    def __init__(self) -> None:
        self._pixels = 0
        self._is_over = False
        self._changed = Condition()

    def wait(self) -> None:
        """Wait until there is room for one more photo, whatever its size, or nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._pixels <= MOST_PIXELS)

    def add(self, pixels: int) -> None:
        """Count pixels in, or out where they are below 0."""
        with self._changed:
            self._pixels += pixels
            self._changed.notify_all()

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def _read_ahead(photos: Sequence[Path], max_pixels: int, tally: _Tally) -> Iterator[ReadPhoto]:
    """Photos one by one, those that follow read ahead in a thread; those that cannot be read are tallied."""
    held = _Held()
    with ThreadPoolExecutor(1) as reader, held:
        ahead: deque[tuple[Path, Future[ReadPhoto]]] = deque()
        waiting = iter(photos)
        while True:
            while len(ahead) < AHEAD and (photo := next(waiting, None)) is not None:
                ahead.append((photo, reader.submit(_read, photo, max_pixels, held)))
            if not ahead:
                break
            photo, future = ahead.popleft()
            try:
                read = future.result()
            except Exception as error:  # noqa: BLE001 whatever is wrong with one photo, the others go on
                tally.add(Step(photo, error=_line(photo, error)))
                continue
            yield read
            held.add(-(read[1].size // 3))


def _read(photo: Path, max_pixels: int, held: _Held) -> ReadPhoto:
    held.wait()
    digest = digest_of(photo)
    image = read_image(photo, max_pixels=max_pixels)
    check_photo(image)
    held.add(image.size // 3)
    return photo, image, digest


def _line(photo: Path, error: Exception) -> str:
    """One line that names the photo and says what went wrong."""
    if isinstance(error, LeafwiseError):
        message = str(error)
    else:
        message = f"unexpected {type(error).__name__}: {error}; please report this with `leafwise info`"
    first = message.splitlines()[0] if message else type(error).__name__
    return first if str(photo) in first else f"{photo}: {first}"
