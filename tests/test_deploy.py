"""The files an operator starts from name only what there is."""

from __future__ import annotations

import configparser
import re

import yaml

from bot.settings import ROOT, Settings

DEPLOY = ROOT / "deploy"


def test_the_compose_file_sets_only_settings_that_exist() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"db", "lotse", "proxy"}
    known = {f"LOTSE_{name.upper()}" for name in Settings.model_fields}
    assert set(services["lotse"]["environment"]) <= known
    assert services["lotse"]["environment"]["LOTSE_DATABASE_URL"].startswith("postgresql://")


def test_the_unit_leaves_more_time_to_stop_than_stopping_takes() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "lotse.service", encoding="utf-8")
    assert unit["Service"]["KillSignal"] == "SIGTERM"
    assert int(unit["Service"]["TimeoutStopSec"]) > 10
    assert re.search(r"lotse run$", unit["Service"]["ExecStart"])
