"""Whatever tarn writes in its own tests keeps to the specification: the lakes that the run scripts
of tests/ leave behind (tests/support/scratch.py) are looked at by the linter, table by table."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TARN
from linter import lint_lake

SCRIPTS = {  # what runs, with what, and how many lakes with tables it must leave at least
    "cli": (sorted(map(str, (ROOT / "tests" / "cli" / "cases").glob("*.case"))), {}, 5),
    "demo": (["--no-flights"], {}, 1),
    "fault": (["kill_cycles", "race", "race_of_loads"], {"TARN_FAULT_CYCLES": "13",
                                                         "TARN_RACE_COMMITS": "8"}, 3),
    "property": ([], {"TARN_PROPERTY_CASES": "50"}, 1),
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_lakes_of(kind, tmp_path):
    script = ROOT / "tests" / kind / "run"
    if not script.is_file():
        pytest.fail(f"there is no {script}")
    arguments, extra, least = SCRIPTS[kind]
    subprocess.run([str(script), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=300, check=False,
                   env=dict(os.environ, TARN=TARN, TARN_LINT_DIR=str(tmp_path), **extra))
    found, looked = [], 0
    for database in sorted(Path(tmp_path).rglob(".tarn/catalog.db")):
        result = lint_lake(database.parents[1], few=2000)
        found += [f"{database.parents[1].relative_to(tmp_path)}: {p}" for p in result.problems]
        looked += result.tables > 0
    assert found == []
    assert looked >= least
