"""Builds the compiled kernel of training, for a machine with a C++ compiler; without one, PyTorch trains.

Everything else about the package is in pyproject.toml.
"""

import sys
from pathlib import Path

from setuptools import Extension, setup

PACKAGE = Path(__file__).parent / "src"
sys.path.insert(0, str(PACKAGE))

from gradgrid.core.kernel import kernel_digest  # noqa: E402

setup(
    ext_modules=[
        Extension(
            "gradgrid.train._kernel",
            ["src/gradgrid/train/kernel/kernel.cpp"],
            depends=[str(path) for path in Path("src/gradgrid/train/kernel").glob("*.h")],
            define_macros=[("GRADGRID_SOURCE", f'"{kernel_digest()}"')],
            extra_compile_args=["-std=c++17", "-O3", "-fno-math-errno", "-Wno-psabi"],
            optional=True,
        )
    ]
)
