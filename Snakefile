# GradGrid, from config.yaml to report/index.html: `snakemake --cores 8`. The rules stand in workflow/rules.

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/book.smk"
include: "workflow/rules/laboratory.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "report/index.html",
