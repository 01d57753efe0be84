SOURCE = TrainingSource()


rule train:
    input:
        data=rules.data.output.npz,
    output:
        **{table: f"results/grid/{table}/{{bundle}}.parquet" for table in BUNDLE_TABLES},
    log:
        "results/logs/train/{bundle}.log",
    benchmark:
        "results/benchmarks/train/{bundle}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda wildcards: BUNDLES[wildcards.bundle].settings(CONFIG),
        source=lambda wildcards: SOURCE.of_bundle(BUNDLES[wildcards.bundle], CONFIG.training.loss),
    script:
        "../scripts/train.py"
