"""Damage to a parquet file that neither its size nor its footer shows."""

from pathlib import Path

import pyarrow.parquet as pq


def change_page(path: Path, column: str) -> None:
    """Change the last bit of a column's values."""
    chunk = pq.read_metadata(path).row_group(0).column(pq.read_schema(path).get_field_index(column))
    start = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)))
    content = bytearray(path.read_bytes())
    content[start + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
