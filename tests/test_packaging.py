"""What is handed out works where the clone is not: the wheel, the container file, the unit, the compose file."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_config_samples import SECRETS

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "config" / "deploy"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to)], cwd=ROOT, check=True)
    [built] = to.glob("*.whl")
    return built


def test_the_wheel_holds_everything_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "ls-files", "connectors", "escalation", "listener"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no clone, so nothing says which files belong to it")
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert there - held == set() and {name.partition("/")[0] for name in held} == {
        "connectors",
        "escalation",
        "listener",
    }


def test_the_story_is_played_from_the_wheel_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "unpacked")
    run = "import listener.cli as cli; assert 'unpacked' in cli.__file__; cli.main(['demo', '--headless'])"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "unpacked")}
    done = subprocess.run(
        [sys.executable, "-c", run], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Acme Air" in done.stdout and not list(tmp_path.glob("*.db"))


def test_the_container_copies_what_there_is_runs_as_nobody_and_is_watched() -> None:
    lines = [line for line in (DEPLOY / "Containerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    copied = [word for line in lines if re.match(r"COPY (?!--from)", line) for word in line.split()[1:-1]]
    assert len(copied) > 5 and all((ROOT / name).exists() for name in copied)
    let_in = {
        line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines() if line[0] == "!"
    }
    assert let_in == {"pyproject.toml", *copied}
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    [home] = [line.split('"')[1] for line in lines if line.startswith("VOLUME")]
    assert f"LISTENER_STATE={home}" in "\n".join(lines), "the configuration is mounted read-only"
    assert any(line.startswith("HEALTHCHECK") for line in lines) and "/healthz" in "".join(lines)
    assert not any(re.match(r"(ENV|ARG).*(TOKEN|SECRET|PASSWORD)", line) for line in lines)


def test_the_unit_is_what_systemd_reads() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not here")
    unit = DEPLOY / "listening-post.service"
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if unit.name in line and "not executable" not in line]
    assert told == []


def test_the_compose_file_joins_engines_a_desk_and_postgresql() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    told: dict[str, Any] = yaml.safe_load(text)
    services = told["services"]
    roles = [one["command"][2] for one in services.values() if "command" in one]
    assert sorted(",".join(roles).split(",")) == ["escalate", "listen", "web"]
    assert all(one["image"] for one in services.values())
    assert all(
        one["build"]["dockerfile"] == "config/deploy/Containerfile" for one in services.values() if "build" in one
    )
    assert services["desk"]["ports"] == ["127.0.0.1:8080:8080"] and "ports" not in services["postgres"]
    variables = set(re.findall(r"\$\{(\w+)", text))
    assert variables == {
        line[:-1] for line in (DEPLOY / "sample.env").read_text("utf-8").splitlines() if line[0] != "#"
    }
    assert SECRETS.exists()
