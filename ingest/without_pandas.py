"""Keeping pandas out of a process that has no use for it."""

import sys
from importlib.abc import MetaPathFinder


def keep_pandas_out() -> None:
    """Let every later import of pandas in this process fail as if it were not installed.

    Arrow imports it only to ask whether an object is one of its own, which costs a program that
    has none a second at its start and 50 MB.
    """
    sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is kept out of this process", name=fullname)
