"""The scratch folders of the tests that run the program, kept for the linter when it asks for them.

TARN_LINT_DIR names a folder: lakes that a run script makes stay there after it, and
tests/interop/test_every_lake.py looks at each table in them.
"""

import contextlib
import os
import shutil
import tempfile


@contextlib.contextmanager
def folder(prefix):
    """A new folder that is removed afterwards, or stays below TARN_LINT_DIR."""
    kept = os.environ.get("TARN_LINT_DIR")
    name = os.path.realpath(tempfile.mkdtemp(prefix=prefix, dir=kept))
    try:
        yield name
    finally:
        if not kept:
            shutil.rmtree(name, ignore_errors=True)
