rule train:
    input:
        data=DATASET,
    output:
        **{table: update(f"results/grid/{table}/{{bundle}}.parquet") for table in BUNDLE_TABLES},
        state=update("results/grid/state/{bundle}.json"),
    log:
        "results/logs/train/{bundle}.log",
    benchmark:
        "results/benchmarks/train/{bundle}.tsv"
    # The longest first, so that all cores are busy to the end.
    priority: lambda wildcards: round(length(wildcards.bundle))
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=growing_with_bundle("memory_mb"),
        runtime=growing_with_bundle("runtime_minutes"),
    params:
        generation=lambda wildcards: generation(wildcards.bundle),
        # an object of a class, which Snakemake does not compare: the generation says what changed
        job=lambda wildcards: bundle_job(wildcards.bundle),
    script:
        "../scripts/train.py"
