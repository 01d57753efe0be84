"""The figures of the initialization laboratory; each reads one table of ``results/laboratory``."""
