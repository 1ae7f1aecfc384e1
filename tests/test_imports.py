"""Who imports whom: a package knows only what lies below it, and no module is in a circle."""

import ast
from graphlib import TopologicalSorter

from outreach import pack
from tests.dbt import PROJECT

# Lowest first. A module imports from its own package and from lower layers.
LAYERS = (
    ("runtime",), ("embedded.engine",), ("training", "outreach"), ("ingest",), ("embedded",),
    ("app", "python_models"), ("benchmarks", "tests"),
)  # fmt: skip
LAYER_OF = {package: number for number, layer in enumerate(LAYERS) for package in layer}
# What chooses among libraries that are slow to import or need not be there.
LAZY = {"ingest.clients", "ingest.senders", "ingest.sinks", "training.forest"}


def package_of(module):
    parts = module.split(".")
    two = ".".join(parts[:2])
    return two if two in LAYER_OF else parts[0]


def whole_name(module, name):
    """Return the name of a module of ours, or ""; those of app/ leave out the app."""
    names = [name, name.rpartition(".")[0]]
    names += [f"app.{one}" for one in names] if package_of(module) == "app" else []
    return next((one for one in names if one in TREES), "")


def imports(module, node, *, lazy):
    """Return which of our modules a module imports, with or without those inside functions."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        return {whole_name(module, origin + alias.name) for alias in node.names} - {""}
    is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    if not lazy and (is_for_types or isinstance(node, ast.FunctionDef)):
        return set()
    found = [imports(module, child, lazy=lazy) for child in ast.iter_child_nodes(node)]
    return set().union(*found)


def module_name(path):
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


PATHS = [path for one in LAYER_OF for path in (PROJECT / one).rglob("*.py")]
TREES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in PATHS}
ALL = {name: imports(name, tree, lazy=True) for name, tree in TREES.items()}
AT_ONCE = {name: imports(name, tree, lazy=False) for name, tree in TREES.items()}
PAIRS = {(one, other) for one, others in ALL.items() for other in others}
INNER_PAIRS = {(one, other) for one, other in PAIRS if not one.endswith("__main__")}


def test_each_package_imports_only_what_lies_below_it():
    top = len(LAYERS) - 1  # benchmarks measure what tests start, and tests what benchmarks measure
    upward = {
        (module, other)
        for module, other in INNER_PAIRS
        if (own := package_of(module)) != (its := package_of(other))
        and not LAYER_OF[its] < LAYER_OF[own]
        and not LAYER_OF[its] == LAYER_OF[own] == top
    }
    assert upward == set()


def test_runtime_imports_none_of_ours():
    theirs = {other for one, other in PAIRS if package_of(one) == "runtime"}
    assert {package_of(other) for other in theirs} == {"runtime"}


def test_no_module_is_in_a_circle():
    TopologicalSorter(AT_ONCE).prepare()


def test_only_what_is_slow_to_import_is_imported_in_a_function():
    late = {(one, other) for one, other in INNER_PAIRS if other not in AT_ONCE[one]}
    modules = {one for one, _ in late}
    assert {one for one in modules if package_of(one) not in ("app", "tests")} == LAZY


def test_what_snowflake_imports_needs_nothing_that_is_not_sent_there():
    """It is sent training/ as a whole, a part of outreach/, and app/, which looks where it runs."""
    sent = {module_name(PROJECT / "outreach" / name) for name in pack._FILES}
    assert {other for one, other in PAIRS if one in sent} <= sent
    for package in ("app", "training"):
        others = [AT_ONCE[module] for module in AT_ONCE if package_of(module) == package]
        assert {package_of(other) for other in set().union(*others)} == {package}
