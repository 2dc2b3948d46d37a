"""Where a training began and what it has seen, written down in its folder."""

from pathlib import Path

from leafwise.datasets import SPLIT_NAME, Folds, Seen, Split, learnt_names, listed, seen_in, write_folds
from leafwise.errors import OutputError
from leafwise.imaging import digest_of
from leafwise.models import EMBEDDING_NAME, find_model, reference_to

START_NAME = "start.txt"  # in a run's folder: the model that it started from
EMBEDDINGS_NAME = (
    "embeddings.txt"  # in that of a ClusterNet: the digest of the network whose embeddings it learns from
)


def seen_by(model: str | Path) -> Seen:
    """What a model has seen, as far as the folder of its training says it.

    Raises ModelError where there is no such model.
    """
    folder = find_model(model)
    written = folder.parent / SPLIT_NAME
    return seen_in(written) if written.is_file() else Seen(unknown=reference_to(folder))


def write_split(out: Path, split: Split, *, seed: int, seen: Seen = Seen()) -> None:  # noqa: B008 frozen
    """Write what trains and what validates into `out`, and what the model has `seen` before.

    What the file that is there says of earlier trainings stays. Raises OutputError where that fails.
    """
    groups = [{pair.group for pair in part} for part in (split.train, split.validation)]
    by_group = groups[0].isdisjoint(groups[1])
    written = out / SPLIT_NAME
    earlier = seen_in(written) if written.is_file() else Seen()
    names = (earlier.names - {pair.name for pair in split.train}) | seen.names
    write_folds(written, Folds(seed, by_group, (split,)), seen=Seen(names, seen.unknown or earlier.unknown))


def refuse_other_photos(out: Path, split: Split) -> None:
    """Raise OutputError where the training in `out` has learnt from other photos than those of `split`."""
    written = out / SPLIT_NAME
    if not written.is_file():
        return
    differ = sorted(learnt_names(written) ^ {pair.name for pair in split.train})
    if differ:
        raise OutputError(
            f"{out}: holds a training of other photos ({listed(differ)}); name another folder, or remove this one"
        )


def refuse_other_embeddings(out: Path, model: Path) -> None:
    """Raise OutputError where the ClusterNet in `out` is one of another model than that in a folder, wherever it is."""
    written = out / EMBEDDINGS_NAME
    if written.is_file() and written.read_text(encoding="utf-8").strip() != digest_of(model / EMBEDDING_NAME):
        raise OutputError(f"{out}: holds a ClusterNet of another model than {model}; name another folder")


def start_of(out: Path, asked: str | Path | None) -> Path | None:
    """The model that the run in a folder started from. Raises OutputError where another is asked for."""
    written = out / START_NAME
    start = Path(written.read_text(encoding="utf-8").strip()) if written.is_file() else None
    if asked is not None and find_model(asked).absolute() != start:
        raise OutputError(
            f"{out}: its run started from {start or 'scratch'}; start from that again, or name another folder"
        )
    return start
