"""Random statements to tarn and to a model (tests/property/differential.py): a short run each time.

TARN_DIFFERENTIAL_SEED repeats one, TARN_DIFFERENTIAL_STATEMENTS makes it longer.
"""

import os
import subprocess
import sys

from conftest import ROOT, TARN


def test_random_statements():
    more = [f"--{name}={os.environ[variable]}" for name, variable in (
        ("seed", "TARN_DIFFERENTIAL_SEED"), ("statements", "TARN_DIFFERENTIAL_STATEMENTS"))
        if variable in os.environ]
    done = subprocess.run([sys.executable, str(ROOT / "tests" / "property" / "differential.py"),
                           "--statements=200", *more], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=1500, check=False,
                          env=dict(os.environ, TARN=TARN))
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
