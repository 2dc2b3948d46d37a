"""The one exception family: every message says what is wrong, in which file, and what to do."""


class LeafwiseError(Exception):
    """Something that the user can put right; the command line prints its message and exits 1."""


class ImageError(LeafwiseError):
    """A photo that cannot be read, or is not fit to be segmented."""


class LabelMapError(LeafwiseError):
    """A label map that cannot be read, or does not match its photo."""


class DatasetError(LeafwiseError):
    """A data set with missing pairs, unusable labels or a split that names unknown photos."""


class ModelError(LeafwiseError):
    """A model folder that is missing, incomplete or damaged."""


class SettingsError(LeafwiseError):
    """A setting that does not exist, or has a value out of its range."""


class OutputError(LeafwiseError):
    """A result that cannot be written: read-only folder, full disk, a file in the way."""


def missing_extra(what: str, extra: str) -> LeafwiseError:
    """The error where one of leafwise's extras is not installed; `what` says who needs which package of it."""
    return LeafwiseError(
        f"{what}; install the extra: pip install 'leafwise[{extra}]', or in a checkout '.[{extra}]'"
    )
