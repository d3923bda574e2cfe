"""Prints how large the program is and how it hangs together: modules, lines, importers, circles, what one hook call passes.

python scripts/house.py            # of this checkout
python scripts/house.py FOLDER     # of another one
python scripts/house.py --rooms    # the rooms of CONTRIBUTING.md, written anew from the import contract
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from statistics import mean, median

STORY = "fhir_examples/abrupt-stop-alprazolam"
FEW, MANY = 60, 300
BEGIN, END = "<!-- rooms: python scripts/house.py --rooms -->", "<!-- end of rooms -->"


def modules(root: Path) -> dict[str, Path]:
    """Each module of the program by its dotted name; migrations are a history and left out."""
    paths = (path for path in (root / "cds").rglob("*.py") if path.stem != "__init__" and "migrations" not in path.parts)
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in paths}


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the program that a module imports, whatever for."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & known.keys()) - {name}


def circles(ways: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import one another, directly or by way of others."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [*ways[start]]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += ways[name]
        return seen

    ahead = {name: reached(name) for name in ways}
    groups = {frozenset(other for other in ahead[name] if name in ahead[other]) for name in ways if name in ahead[name]}
    return sorted(sorted(group) for group in groups)


def figures(root: Path) -> dict[str, object]:
    """What is printed, by its name."""
    known = modules(root)
    lines = {name: len(path.read_text().splitlines()) for name, path in known.items()}
    ways = {name: imports(name, path, known) for name, path in known.items()}
    importers = defaultdict(set)
    for name, found in ways.items():
        for other in found:
            importers[other].add(name)
    return {
        "modules": len(known),
        "lines": sum(lines.values()),
        "lines a module, mean": round(mean(lines.values())),
        "lines a module, median": round(median(lines.values())),
        f"modules under {FEW} lines": sum(1 for count in lines.values() if count < FEW),
        f"modules over {MANY} lines": sum(1 for count in lines.values() if count > MANY),
        "modules with a single importer": sum(1 for name in known if len(importers[name]) == 1),
        "imports between modules": sum(map(len, ways.values())),
        "circles": [" ".join(group) for group in circles(ways)],
        "modules that one hook call passes": passed(root),
    }


def passed(root: Path) -> int | str:
    """How many modules of the program run code for one `cds ask`, counted in a process of its own."""
    program = (
        "import sys, runpy\n"
        "names = set()\n"
        "def seen(frame, event, argument):\n"
        "    name = frame.f_globals.get('__name__', '')\n"
        "    if event == 'call' and name.startswith('cds.') and frame.f_code.co_name != '<module>': names.add(name)\n"
        "sys.setprofile(seen)\n"
        f"sys.argv = ['cds', 'ask', '--day', '2026-11-23', '{STORY}/request.json']\n"
        "try: runpy.run_module('cds.cli.main', run_name='cds.cli.main')['app']()\n"
        "except SystemExit: pass\n"
        "sys.setprofile(None)\n"
        "print(len(names), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    last = ran.stderr.strip().splitlines()[-1:] or ["nothing"]
    return int(last[0]) if last[0].isdigit() else f"not known: {last[0]}"


def rooms(root: Path) -> str:
    """The floors of the import contract from the top, each room with what it says of itself: a line a room."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["name"] == "Rooms")
    lines = ["| may import those below | what it is |", "|---|---|"]
    for floor in floors:
        for place, room in enumerate(floor.split(" | ")):
            path = root / "cds" / room / "__init__.py"
            says = ast.get_docstring(ast.parse((path if path.exists() else root / f"cds/{room}.py").read_text())) or ""
            beside = "&emsp;beside it " if place else ""
            lines.append(f"| {beside}`{room}` | {says.splitlines()[0]} |")
    return "\n".join(lines)


def with_rooms(page: str, root: Path) -> str:
    """CONTRIBUTING.md with its rooms as the import contract has them."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{rooms(root)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    if "--rooms" in sys.argv:
        page = Path(__file__).parents[1] / "CONTRIBUTING.md"
        page.write_text(with_rooms(page.read_text(), page.parent))
        sys.exit()
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    for name, value in figures(where).items():
        print(f"{name}: {value if not isinstance(value, list) else json.dumps(value, indent=1) if value else 'none'}")
