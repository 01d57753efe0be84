rule data:
    output:
        npz="results/data/dataset.npz",
        provenance="results/data/dataset.json",
    log:
        "results/logs/data.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        dataset=CONFIG.dataset.model_dump_json(),
        cache="results/data/raw",
    script:
        "../scripts/data.py"
