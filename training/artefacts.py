"""The artefact of a version: where it is kept, and how whoever serves it knows that it is whole."""

import hashlib
import json
import tempfile
import zipfile
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy
import pandas
import sklearn

from training.forest import FOREST, ROWS_PER_TREE
from training.snapshots import matrix, weights

GOLDEN_ROWS = 5
_SCORING_MODULES = ("__init__.py", "platt.py", "trees.py")


def store(session: object, content: bytes, location: str, name: str) -> None:
    """Put a file where scoring finds it: a stage under Snowpark, a folder elsewhere."""
    if hasattr(session, "file"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            session.file.put(str(path), location, auto_compress=False, overwrite=True)
        return
    folder = Path(location)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Snowflake imports this package alone, so it cannot use runtime/private_files.py.
    handle, unfinished = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - mkstemp has opened it
            file.write(content)
        Path(unfinished).replace(folder / name)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def store_scoring_code(session: object, location: str) -> str:
    """Keep the modules that score a forest of arrays beside it; return the hash in their name.

    A function on Snowflake that imports them goes on with what its version was made with, whatever
    becomes of the package that trains. The same code has the same name: nothing is ever replaced.
    """
    package = files("training")
    modules = {name: package.joinpath(name).read_bytes() for name in _SCORING_MODULES}
    code = hashlib.sha256(json.dumps({n: m.decode() for n, m in modules.items()}).encode())
    name, packed = code.hexdigest()[:8], BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for module, content in modules.items():
            archive.writestr(zipfile.ZipInfo(f"training/{module}"), content)
    store(session, packed.getvalue(), location, f"scoring-{name}.zip")
    return name


def fetch(session: object, location: str, name: str) -> bytes:
    """Return a kept file's content; raises OSError, or Snowpark's error, when it is not there."""
    if not hasattr(session, "file"):
        return (Path(location) / name).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        session.file.get(f"{location}/{name}", folder)
        return (Path(folder) / name).read_bytes()


def fingerprint(snapshots: pandas.DataFrame, features: list[str], settings: dict) -> str:
    """Return eight characters that change with the rows, the features and the settings."""
    worth = [name for name in ("monthly_value", "spend_after") if name in snapshots]
    columns = ["customer_id", "has_churned", *worth, *features]
    if (weights(snapshots) != 1).any():
        columns.append("snapshot_weight")
    names = [features, FOREST, ROWS_PER_TREE, sklearn.__version__, settings]
    digest = hashlib.sha256(json.dumps(names, sort_keys=True).encode())
    digest.update(
        pandas.util.hash_pandas_object(snapshots[columns], index=False).to_numpy().tobytes()
    )
    return digest.hexdigest()[:8]


def golden_rows(
    snapshots: pandas.DataFrame, features: list[str], scores: numpy.ndarray
) -> list[dict[str, object]]:
    """Return rows over the whole range of scores, with the artefact's score of each.

    Whoever opens the artefact scores them first: another runtime must give the same numbers.
    """
    order = numpy.argsort(scores, kind="stable")
    chosen = order[numpy.linspace(0, len(order) - 1, GOLDEN_ROWS).astype(int)]
    values = matrix(snapshots.iloc[chosen], features)
    return [
        {"features": [float(value) for value in row], "score": float(score)}
        for row, score in zip(values, scores[chosen], strict=True)
    ]
