"""The figures of the book's chapter; each reads one table of ``results/book``."""
