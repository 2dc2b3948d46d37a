"""Whole batches of photos: files in, files out, in a pool of processes, to be resumed at any time."""

from leafwise.batch.files import Progress, Report, segment_files
from leafwise.batch.records import Record, read_records, write_tables

__all__ = ["Progress", "Record", "Report", "read_records", "segment_files", "write_tables"]
