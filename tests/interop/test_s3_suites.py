"""Suites that otherwise run in folders, with the lakes on S3: the quick half of each.

All of them: make check-s3. Skipped without a server, as test_s3.py is.
"""

import os
import re
import subprocess

import pytest

import s3_server
from conftest import ROOT, TARN

CASES = ["dml", "maintain", "transaction", "undrop"]


def run(*command, **environment):
    try:
        server = s3_server.find()
    except s3_server.Missing as error:
        pytest.skip(str(error))
    variables = dict(os.environ, **server.variables(), TARN=str(TARN), **environment)
    done = subprocess.run([str(part) for part in command] + ["--storage", "s3"], env=variables,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=600)
    wrong = re.findall(r"^not ok.*(?:\n#.*|\n  #.*)*", done.stdout, re.M)
    assert done.returncode == 0 and not wrong, "\n".join(wrong) + done.stderr
    return len(re.findall(r"^ok \d+ (?!.*# SKIP)", done.stdout, re.M))


def test_commands():
    cases = [ROOT / "tests/cli/cases" / f"{name}.case" for name in CASES]
    assert run(ROOT / "tests/cli/run", "--tarn", TARN, *cases) > 80


def test_maintenance():
    """Expiry, sweeps and rewrites: random, killed, and beside writers."""
    assert run(ROOT / "tests/maintain/run", TARN_MAINTAIN_STEPS="5",
               TARN_MAINTAIN_SECONDS="1") == 17


def test_example_lake():
    assert run(ROOT / "tests/demo/run", "--no-flights") == 2
