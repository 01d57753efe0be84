"""All tables of the whole grid, as they stand in ``results/tables``."""

from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.core.tables import JUDGED_RUNS, TABLES

RESULTS = {**TABLES, "runs": JUDGED_RUNS, **STATISTICS_TABLES}
