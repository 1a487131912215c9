"""Who imports whom: the table of CONTRIBUTING.md, the contracts of .importlinter and the code agree."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "medsyn"
HEAVY = ("matplotlib", "openai", "polars", "scipy", "torch", "transformers")


def table() -> dict[str, list[str]]:
    """Return the table of modules: what each may import directly."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    names = [name for name, _ in rows]
    special = {"nothing": [], "all": names[:-1]}
    return {name: special[may] if may in special else may.split(", ") for name, may in rows}


def permitted(module: str) -> set[str]:
    """Return what a module may import: the table's entries, and whatever those may import."""
    direct = table()[module]
    return set(direct).union(*(permitted(name) for name in direct))


def present() -> list[str]:
    """Return the package's modules, apart from those with a meaning to Python itself."""
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return sorted(name for name in names if not name.startswith("__"))


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package under ``folder`` against the contracts."""
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    options = ["--config", str(ROOT / ".importlinter"), "--no-cache", "--no-logo"]
    command = [sys.executable, "-c", code, *options]
    environment = {"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to plant imports in."""
    shutil.copytree(PACKAGE, tmp_path / "medsyn", ignore=shutil.ignore_patterns("__pycache__", "data"))
    return tmp_path


def plant(folder: Path, module: str, imported: str) -> None:
    """Add an import to a module."""
    path = folder / "medsyn" / module
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")


def test_every_module_has_its_row():
    assert set(present()) <= set(table())


def test_no_row_may_import_what_comes_after_it():
    names = list(table())
    for module, direct in table().items():
        assert all(names.index(name) < names.index(module) for name in direct), module


def test_the_contracts_forbid_what_the_table_does_not_permit():
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    for module in present():
        if module == "cli":
            continue
        contract = config[f"importlinter:contract:{module}"]
        assert contract["source_modules"].split() == [f"medsyn.{module}"]
        forbidden = {name.removeprefix("medsyn.") for name in contract["forbidden_modules"].split()}
        assert forbidden == set(present()) - permitted(module) - {module}, f"contract of {module}"


def test_the_package_keeps_its_contracts():
    result = lint(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("taxonomy", "medsyn.case"),
        ("measure", "medsyn.taxonomy"),
        ("case", "medsyn.condition"),
        ("condition", "medsyn.model"),
        ("model", "medsyn.phantom"),
        ("phantom", "medsyn.source"),
        ("task", "medsyn.run.store"),
        ("report", "medsyn.cli"),
        ("prompt", "openai"),
        ("case", "torch"),
    ],
)
def test_a_planted_import_is_found(copy, module, imported):
    plant(copy, module, imported)
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout or "2 broken" in result.stdout
    assert f"-> {imported}" in result.stdout


def test_every_permitted_import_passes(copy):
    for module in present():
        for name in sorted(permitted(module) & set(present())):
            plant(copy, module, f"medsyn.{name}")
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_parts_import_nothing_but_the_version_from_the_package_itself():
    # whatever goes through `medsyn` itself would escape the contracts
    graph = grimp.build_graph("medsyn", cache_dir=None)
    lines = {
        detail["line_contents"]
        for importer in graph.find_modules_that_directly_import("medsyn")
        for detail in graph.get_import_details(importer=importer, imported="medsyn")
    }
    assert lines <= {"from medsyn import __version__"}


def loaded_by(code: str) -> set[str]:
    """Return the heavy libraries that are loaded after ``code`` has run in a fresh Python."""
    report = "import sys; sys.stderr.write('LOADED ' + ' '.join({m.split('.')[0] for m in sys.modules}))"
    script = f"import atexit\natexit.register(lambda: exec({report!r}))\n{code}"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    modules = set(result.stderr.rpartition("LOADED ")[2].split())
    assert "medsyn" in modules
    return modules & set(HEAVY)


def test_importing_medsyn_loads_nothing_heavy():
    assert loaded_by("import medsyn") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["cases", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = f"import sys; sys.argv = ['medsyn', *{arguments!r}]; from medsyn.cli import main; main()"
    assert loaded_by(code) == set()


def test_the_core_loads_nothing_heavy():
    code = "import medsyn.case, medsyn.condition, medsyn.model, medsyn.model.baseline, medsyn.source.folder"
    assert loaded_by(code) == set()
