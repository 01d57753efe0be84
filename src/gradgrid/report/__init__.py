"""The report: one self-contained HTML page made from the tables, the figures and the provenance."""

from gradgrid.report.pages import write_pages
from gradgrid.report.render import build

__all__ = ["build", "write_pages"]
