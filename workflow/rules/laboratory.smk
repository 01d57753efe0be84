rule laboratory_table:
    output:
        "results/laboratory/{table}.parquet",
    log:
        "results/logs/laboratory/{table}.log",
    benchmark:
        "results/benchmarks/laboratory/{table}.tsv"
    wildcard_constraints:
        table="|".join(LABORATORY_SOURCE),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(20),
    params:
        settings=lambda wildcards: laboratory_section(wildcards.table),
        source=lambda wildcards: source(
            "laboratory_table.py",
            LABORATORY_SOURCE[wildcards.table],
            settings=laboratory_section(wildcards.table),
        ),
    script:
        "../scripts/laboratory_table.py"


rule laboratory_propagation:
    output:
        **{
            table: f"results/laboratory/parts/{table}/width={{width}}.parquet"
            for table in LABORATORY_BY_WIDTH
        },
    log:
        "results/logs/laboratory/propagation/width={width}.log",
    benchmark:
        "results/benchmarks/laboratory/propagation/width={width}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=LABORATORY.get("propagation"),
        source=source(
            "laboratory_propagation.py",
            "gradgrid.laboratory.propagation",
            settings=LABORATORY.get("propagation"),
        ),
    script:
        "../scripts/laboratory_propagation.py"


rule laboratory_gather:
    input:
        laboratory_parts,
    output:
        "results/laboratory/{table}.parquet",
    log:
        "results/logs/laboratory/{table}.log",
    wildcard_constraints:
        table="|".join((*LABORATORY_BY_WIDTH, *LABORATORY_BY_DEPTH)),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("laboratory_gather.py", "gradgrid.core.laboratory_tables"),
    script:
        "../scripts/laboratory_gather.py"


rule laboratory_theory:
    input:
        measured="results/laboratory/propagation.parquet",
        data=DATASET,
    output:
        "results/laboratory/theory.parquet",
    log:
        "results/logs/laboratory/theory.log",
    benchmark:
        "results/benchmarks/laboratory/theory.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=DATA.attempt,
        settings=LABORATORY.get("propagation"),
        source=source(
            "laboratory_theory.py", "gradgrid.laboratory.comparison", settings=LABORATORY.get("propagation")
        ),
    script:
        "../scripts/laboratory_theory.py"


rule laboratory_recurrent:
    input:
        data=DATASET,
    output:
        recurrent="results/laboratory/recurrent.parquet",
        recurrent_training="results/laboratory/recurrent_training.parquet",
    log:
        "results/logs/laboratory/recurrent.log",
    benchmark:
        "results/benchmarks/laboratory/recurrent.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2500),
        runtime=growing(30),
    params:
        data=DATA.attempt,
        settings=LABORATORY.get("recurrent"),
        device=Unwatched(CONFIG.device),
        source=source(
            "laboratory_recurrent.py", "gradgrid.laboratory.recurrent", settings=LABORATORY.get("recurrent")
        ),
    script:
        "../scripts/laboratory_recurrent.py"


rule laboratory_trainability:
    input:
        data=DATASET,
    output:
        trainability="results/laboratory/trainability.parquet",
    log:
        "results/logs/laboratory/trainability.log",
    benchmark:
        "results/benchmarks/laboratory/trainability.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=DATA.attempt,
        settings=LABORATORY.get("phase"),
        device=Unwatched(CONFIG.device),
        source=source(
            "laboratory_trainability.py",
            "gradgrid.laboratory.trainability",
            settings=LABORATORY.get("phase"),
        ),
    script:
        "../scripts/laboratory_trainability.py"


rule laboratory_remedies:
    input:
        data=rules.data.output.npz,
    output:
        "results/laboratory/parts/remedies/depth={depth}.parquet",
    log:
        "results/logs/laboratory/remedies/depth={depth}.log",
    benchmark:
        "results/benchmarks/laboratory/remedies/depth={depth}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=LABORATORY.get("remedies"),
        device=Unwatched(CONFIG.device),
        source=source(
            "laboratory_remedies.py", "gradgrid.laboratory.remedies", settings=LABORATORY.get("remedies")
        ),
    script:
        "../scripts/laboratory_remedies.py"
