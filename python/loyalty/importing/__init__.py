"""Postings from CSV and Parquet files."""

from loyalty.importing.mapping import MappingError, parse_pairs
from loyalty.importing.reading import UnreadableFileError
from loyalty.importing.run import ImportOptions, ImportSummary, import_file

__all__ = [
    "ImportOptions",
    "ImportSummary",
    "MappingError",
    "UnreadableFileError",
    "import_file",
    "parse_pairs",
]
