rule figure:
    input:
        table=lambda wildcards: f"results/{FIGURES[wildcards.figure].file}",
        dataset=rules.data.output.provenance,
    output:
        svg="results/figures/{figure}.svg",
        png="results/figures/{figure}.png",
        data="results/figures/{figure}.csv",
        sidecar="results/figures/{figure}.json",
    log:
        "results/logs/figure/{figure}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        source=lambda wildcards: figure_source(FIGURES[wildcards.figure]),
    script:
        "../scripts/figure.py"
