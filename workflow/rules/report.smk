rule provenance:
    input:
        # Its name: beside another rule's output Snakemake compares each of the bundles' files with all of them.
        dataset="results/data/dataset.json",
        runs=bundle_files("runs"),
    output:
        "results/provenance.json",
    log:
        "results/logs/provenance.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        config=CONFIG.model_dump_json(),
    script:
        "../scripts/provenance.py"


rule report:
    input:
        tables=expand("results/tables/{table}.parquet", table=RESULTS),
        book=BOOK_FILES,
        laboratory=LABORATORY_FILES,
        pictures=expand("results/figures/{figure}.{kind}", figure=FIGURES, kind=["svg", "csv"]),
        sidecars=expand("results/figures/{figure}.json", figure=FIGURES),
        provenance=rules.provenance.output[0],
        config=local("config.yaml"),
    output:
        page=report(
            "report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"page": "GradGrid's report"},
        ),
        tables=[
            shown_table(f"report/tables/{table}.html", table, "To look at")
            for table in ("cells", *STATISTICS_TABLES)
        ],
    log:
        "results/logs/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        source=source("report.py", "gradgrid.report", "report/templates/*"),
    script:
        "../scripts/report.py"
