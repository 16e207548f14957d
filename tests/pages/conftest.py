"""Lets the tests of the pages share their samples."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
