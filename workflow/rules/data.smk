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
        attempt=DATA.attempt,
        cache="results/data/raw",
    script:
        "../scripts/data.py"


# A time stamp alone says nothing of the images: unless they are prepared anew, only their digest counts.
DATASET = ancient(rules.data.output.npz) if DATA.known else rules.data.output.npz
