"""The commands as a shell sees them: what they print, where, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.agents import Agents
from service.cli import app
from service.cli.output import CommandError, print_rows
from service.settings import load
from storage.records import Records


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of `hotline ARGUMENTS` in this process."""
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    out, err = capsys.readouterr()
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return code or 0, out, err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(name in out for name in app.COMMANDS)


@pytest.mark.parametrize("name", list(app.COMMANDS))
def test_every_command_has_help_of_its_own(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert (code, out.startswith(f"Usage: hotline {name}")) == (0, True), out[:80]


def test_help_imports_nothing_that_is_slow() -> None:
    slow = "{'pydantic', 'rich', 'sqlalchemy', 'twisted', 'fastapi', 'jinja2', 'httpx'}"
    script = (
        "import sys, service.cli.app as app\n"
        "try: app.main(['--help'])\n"
        f"finally: print('imported:', sorted({slow} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "imported: []" in done.stdout


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert (code, out.startswith("hotline 0.")) == (0, True)


@pytest.mark.parametrize("arguments", [["chekc"], ["check", "--colour"], ["init", "--seats", "0"], ["init", "x"]])
def test_wrong_use_exits_2_without_a_traceback(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err


def test_a_misspelt_command_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'check'" in run(capsys, "chekc")[2]


def test_init_then_check_is_good(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "init", "--folder", str(tmp_path))
    assert code == 0
    assert f"hotline check --config {tmp_path}/hotline.toml" in out
    code, out, _ = run(capsys, "check", "--config", str(tmp_path / "hotline.toml"))
    assert (code, out) == (0, f"{tmp_path}/hotline.toml: no errors, no warnings\n")


def test_init_over_a_configuration_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "init", "--folder", str(tmp_path))
    before = (tmp_path / "hotline.toml").read_bytes()
    code, out, err = run(capsys, "init", "--folder", str(tmp_path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "hotline init --folder" in err
    assert (tmp_path / "hotline.toml").read_bytes() == before


def test_init_where_nothing_can_be_written_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "init", "--folder", str(tmp_path / "file" / "below"))
    assert (code, err.count("\n")) == (2, 1)


def test_check_prints_every_problem_with_its_line_and_exits_2(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace("lease_s = 3", "lease_s = 99").replace("answer_s = 20", "answer = 20"))
    code, out, _ = run(capsys, "check", "--config", str(file))
    assert code == 2
    assert "error: line 18: timing.lease_s is out of range (allowed: 1 to 30)" in out
    assert 'error: line 95: emergency[0].answer is an unknown key (did you mean "answer_s"?)' in out
    assert "2 errors" in out


def test_check_as_json_has_the_same_problems_for_programs(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace("lease_s = 3", "lease_s = 99"))
    code, out, _ = run(capsys, "check", "--json", "--config", str(file))
    found = json.loads(out)
    assert code == 2
    assert found["errors"] == [
        {"path": "timing.lease_s", "line": 18, "text": "is out of range", "allowed": "1 to 30"},
    ]
    assert found["file"] == str(file)


def test_check_names_the_command_that_closes_an_open_secret(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "secrets" / "ami").chmod(0o644)
    code, out, _ = run(capsys, "check", "--config", str(folder / "hotline.toml"))
    assert code == 2
    assert f"chmod 600 {folder}/secrets/ami" in out


def test_the_configuration_is_found_by_the_environment(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_CONFIG", str(folder / "hotline.toml"))
    assert run(capsys, "check")[0] == 0


def test_errors_of_a_command_are_one_sentence_each(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service import settings

    file = folder / "hotline.toml"
    file.write_text("[service]\nhttp = 1\n")

    def load_and_run() -> None:
        settings.load(file)

    monkeypatch.setattr(app, "load_command", lambda name: _command(load_and_run))
    code, _, err = run(capsys, "serve")
    assert code == 2
    assert "hotline: line 2: service.http must be text in quotes" in err
    assert "Traceback" not in err


def test_an_answer_of_no_exits_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def say_no() -> None:
        raise CommandError("the target was missed", 1)

    monkeypatch.setattr(app, "load_command", lambda name: _command(say_no))
    assert run(capsys, "status") == (1, "", "hotline: the target was missed\n")


def _command(function: object) -> object:
    import typer
    from typer.main import get_command

    single = typer.Typer()
    single.command()(function)  # type: ignore[type-var]
    return get_command(single)


def test_a_table_in_a_pipe_keeps_every_row_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["line", "name"], [{"line": "12345", "name": "政务" * 30}], as_json=False)
    assert "政务" * 30 in capsys.readouterr().out


def test_a_table_as_json_keeps_types_and_columns_that_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["line"], [{"line": "12345", "wait_s": 1.5, "agent": None}], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"line": "12345", "wait_s": 1.5, "agent": None}]


def test_check_says_which_agents_the_database_has_otherwise_and_what_to_type(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "init", "--folder", str(tmp_path))
    config = tmp_path / "hotline.toml"
    settings = load(config)

    async def change() -> None:
        records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
        agents = await Agents.open(records, settings)
        await agents.change("1002", {"zone": "elsewhere"}, "chief", None)
        await agents.add({"id": "a17", "sign_in": "agent"}, "chief")
        await records.close()

    asyncio.run(change())
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert code == 0
    assert "1002: file and database differ" in out
    assert "hotline agents import --from-config --agent 1002" in out
    text = config.read_text().replace('mode = "own"\n', 'mode = "own"\nrings = [{need = "agent:a17 or agent:a18"}]\n')
    config.write_text(text)
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert code == 2
    assert 'unknown agent "a18"' in out
    assert 'unknown agent "a17"' not in out
