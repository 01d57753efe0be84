rule collect:
    input:
        lambda wildcards: bundle_files(wildcards.table),
    output:
        "results/tables/{table}.parquet",
    log:
        "results/logs/collect/{table}.log",
    wildcard_constraints:
        table="gradients|accuracy|clipping",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        bundles=lambda wildcards: generations(),
        source=source("collect.py", "gradgrid.analysis.collect"),
    script:
        "../scripts/collect.py"


rule runs:
    input:
        runs=bundle_files("runs"),
        gradients=bundle_files("gradients"),
    output:
        parquet("runs"),
    log:
        "results/logs/runs.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        bundles=lambda wildcards: generations(),
        verdicts=CONFIG.verdicts.model_dump_json(),
        source=source("runs.py", "gradgrid.analysis.collect"),
    script:
        "../scripts/runs.py"


rule cells:
    input:
        rules.runs.output,
    output:
        parquet("cells"),
    log:
        "results/logs/cells.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("cells.py", "gradgrid.analysis.cells"),
    script:
        "../scripts/cells.py"


rule compare:
    input:
        rules.runs.output,
    output:
        [parquet(table) for table in STATISTICS_TABLES],
    log:
        "results/logs/compare.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("compare.py", "gradgrid.analysis.statistics"),
    script:
        "../scripts/compare.py"
