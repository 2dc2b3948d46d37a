"""Whole batches of photos: files in, files out, in a pool of processes, to be resumed at any time."""

from leafwise.batch.explain import StepPicture, draw_trace, explain_photo
from leafwise.batch.files import BatchReport, Step, segment_files
from leafwise.batch.records import Record, read_records, write_tables
from leafwise.batch.run import Run, check_same_model, photos_to_segment, settings_of_run
from leafwise.batch.workers import IN_FLIGHT, Workers, core_count

__all__ = [
    "IN_FLIGHT",
    "BatchReport",
    "Record",
    "Run",
    "Step",
    "StepPicture",
    "Workers",
    "check_same_model",
    "core_count",
    "draw_trace",
    "explain_photo",
    "photos_to_segment",
    "read_records",
    "segment_files",
    "settings_of_run",
    "write_tables",
]
