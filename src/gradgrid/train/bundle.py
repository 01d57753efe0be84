"""A bundle's job: train its runs and write one file a table."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from gradgrid.core.errors import GradgridError
from gradgrid.core.plan import BundleJob, Run
from gradgrid.core.tables import TABLES
