"""Market data in a folder of Parquet or CSV files."""

from heatlab.sources.folder.source import FolderSource

__all__ = ["FolderSource"]
