rule figure:
    input:
        table=lambda wildcards: f"results/{FIGURES[wildcards.figure].file}",
        dataset=rules.data.output.provenance,
    output:
        svg=report(
            "results/figures/{figure}.svg",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=lambda wildcards: FIGURES[wildcards.figure].chapter,
            # One label alone: two that tell two figures apart would become a switch.
            labels=lambda wildcards, output, params: {"figure": params.described.sidecar.title},
        ),
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
        described=lambda wildcards, output: Described(output.sidecar),
    script:
        "../scripts/figure.py"
