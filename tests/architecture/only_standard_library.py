"""A contract for import-linter: some packages import the standard library and themselves, nothing else.

The built-in `forbidden` contract would have to list everything that is not allowed.
"""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules


class OnlyStandardLibrary(Contract):
    """`modules`: the packages (wildcards allowed); one that matches nothing is an error in the configuration."""

    type_name = "only_standard_library"
    modules = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Kept when every direct import of every module of the packages is allowed."""
        packages = sorted(one.name for one in module_expressions_to_modules(graph, self.modules))  # type: ignore[arg-type]
        strangers = [
            f"{module} imports {imported}"
            for package in packages
            for module in sorted({package, *graph.find_descendants(package)})
            for imported in sorted(graph.find_modules_directly_imported_by(module))
            if not _allowed(imported, package)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that are not allowed."""
        for line in check.metadata["strangers"]:
            output.print_error(line)


def _allowed(imported: str, package: str) -> bool:
    within = imported == package or imported.startswith(f"{package}.")
    return within or imported.split(".")[0] in sys.stdlib_module_names
