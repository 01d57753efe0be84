# Stands before train.py in a test: what goes wrong in three bundles, as long as they are not given more than at first.
import time

FIRST_MEMORY, NEEDED = 2000, 2500  # MB
seed = snakemake.wildcards.bundle.partition("seeds=")[2][0]
if seed == "1":
    held = b"x" * (NEEDED * 2**20)
    time.sleep(6)  # memory is looked at every two seconds
elif seed in {"0", "2"} and snakemake.resources.mem_mb == FIRST_MEMORY:
    time.sleep(600)  # the test cancels it, or its time runs out
