#!/usr/bin/env bash
# Snakemake runs it in the conda environment that it has made of environment.yml: GradGrid itself, from this folder.
pip install --no-deps --editable .
