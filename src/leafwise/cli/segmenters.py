"""How commands that segment come to their model and its settings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafwise.config import SegmentSettings
    from leafwise.segmenter import Segmenter


def segmenter_of(
    model: str,
    settings: "SegmentSettings | None",
    *,
    set_: list[str] | None,
    pipeline: str | None,
    one_plant: bool,
) -> "Segmenter":
    """A model, by name or folder, with `settings`, or its own, changed as the options of those names say.

    Raises SettingsError for what cannot be set, ModelError where there is no such model or it lacks what the
    pipeline needs in the end.
    """
    # heavy: not for --help
    from dataclasses import replace

    from leafwise.config import PipelineSettings, apply_overrides
    from leafwise.models import load_model
    from leafwise.segmenter import Segmenter

    loaded = load_model(model)
    settings = apply_overrides(settings or loaded.card.segment, set_ or [])
    if pipeline:
        settings = replace(settings, pipeline=PipelineSettings(pipeline))
    if one_plant:
        settings = replace(settings, looks=replace(settings.looks, one_plant=True))
    return Segmenter(loaded, settings)
