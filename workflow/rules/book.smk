rule book_training:
    input:
        data=DATASET,
    output:
        "results/book/parts/{experiment}/{part}.parquet",
    log:
        "results/logs/book/{experiment}/{part}.log",
    benchmark:
        "results/benchmarks/book/{experiment}/{part}.tsv"
    priority: 150  # takes minutes, as the longer ones of rule train do
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        data=DATA.attempt,
        settings=lambda wildcards: BOOK_TRAINING[wildcards.experiment][wildcards.part],
        device=Unwatched(CONFIG.device),
        source=lambda wildcards: source(
            "book_training.py",
            BOOK_SOURCE[wildcards.experiment],
            settings=BOOK_TRAINING[wildcards.experiment][wildcards.part],
        ),
    script:
        "../scripts/book_training.py"


rule book_gather:
    input:
        book_parts,
    output:
        "results/book/{table}.parquet",
    log:
        "results/logs/book/{table}.log",
    wildcard_constraints:
        table="|".join(BOOK_TRAINING) or "none",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("book_gather.py", "gradgrid.core.book_tables"),
    script:
        "../scripts/book_gather.py"


rule book_initial_speed:
    input:
        data=DATASET,
    output:
        **{table: f"results/book/{table}.parquet" for table in ("initial_speed", "neurons", "steepness")},
    log:
        "results/logs/book/initial_speed.log",
    benchmark:
        "results/benchmarks/book/initial_speed.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=DATA.attempt,
        settings=BOOK_MEASURING.get("initial_speed"),
        source=source(
            "book_initial_speed.py", "gradgrid.book.speed", settings=BOOK_MEASURING.get("initial_speed")
        ),
    script:
        "../scripts/book_initial_speed.py"


rule book_identities:
    input:
        data=DATASET,
    output:
        **{table: f"results/book/{table}.parquet" for table in ("chain", "matrix", "problems", "curves")},
    log:
        "results/logs/book/identities.log",
    benchmark:
        "results/benchmarks/book/identities.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=DATA.attempt,
        settings=BOOK_MEASURING.get("identities"),
        source=source(
            "book_identities.py", "gradgrid.book.identities", settings=BOOK_MEASURING.get("identities")
        ),
    script:
        "../scripts/book_identities.py"


rule book_claims:
    input:
        accuracy="results/book/accuracy.parquet",
        initialization="results/book/initialization.parquet",
        initial_speed=rules.book_initial_speed.output.initial_speed,
        neurons=rules.book_initial_speed.output.neurons,
        training_speed="results/book/training_speed.parquet",
        chain=rules.book_identities.output.chain,
    output:
        "results/book/claims.parquet",
    log:
        "results/logs/book/claims.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("book_claims.py", "gradgrid.book.claims", "core/references.csv"),
    script:
        "../scripts/book_claims.py"
