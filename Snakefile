# GradGrid, from config.yaml to report/index.html: `snakemake --cores 8`. The rules stand in workflow/rules.

from snakemake.utils import min_version

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/book.smk"
include: "workflow/rules/laboratory.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


# On a cluster these stay with Snakemake: they take seconds, and what they wait for in a queue minutes; data needs the
# network, which few compute nodes have. Everything else is submitted.
localrules:
    all,
    data,
    book_gather,
    book_claims,
    laboratory_gather,
    collect,
    runs,
    cells,
    compare,
    provenance,
    figure,
    report,


rule all:
    default_target: True
    input:
        rules.report.output,
