"""The figures of the grid: one module a family, one function marked ``@figure`` a figure.

To add a figure, add such a function to a module here: it takes the ``Source`` of its table, makes a
``Sheet``, draws on its body and returns its ``Drawing``. Workflow and report find it by themselves.
"""
