"""Python runs this first in Snakemake and in each of its jobs, which begin with seconds of imports.

A seventh of that time goes into looking for garbage, and there is none.
"""

import gc

gc.set_threshold(50_000, 20, 20)
