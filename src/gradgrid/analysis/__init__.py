"""From the files of the bundles to the tables of the grid: collecting, slopes, verdicts and summaries."""
