"""Classification of table rows, by scikit-learn models in skops' format (https://skops.readthedocs.io).

The format has a description of the model, and its arrays; loading it calls only constructors of types that skops trusts.
Pickles, the format of most of these models on the Hub, can run any code, so they are not loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import ExpertError, InputError
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.csv_tables import read_rows
from hugginggpt.experts.local.runtime.runtime import Runtime
from hugginggpt.experts.outputs import tables
from hugginggpt.hub.cache import Checkpoint

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

_BATCH_ROWS: Final = 5_000  # rows that are classified between two checks of the token


def classify_rows(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run tabular-classification: the table with a column ``prediction``, and a sentence that counts the classes.

    A model with probabilities adds a column ``confidence``, that of the predicted class (0..1). Columns that the model was
    not trained on are kept, and ignored.

    Returns:
        The table as CSV; the sentence, whose ``data["classes"]`` counts the rows of each class, the most frequent
        first.

    Raises:
        InputError: A column that the model needs is missing, or has a cell that is no number.
        ExpertError: The model has parts that are not known to be safe.
    """
    (call,) = calls
    header, *body = read_rows(call)
    with runtime.load_model("classifier of rows", _load_model, call.token) as model:
        frame = _build_frame(runtime.checkpoint, model, header, body)
        labels: list[str] = []
        confidences: list[str] = []
        for start in range(0, len(body), _BATCH_ROWS):
            call.token.check()
            call.progress(f"Classifying, row {start + 1} of {len(body)}", start / len(body))
            rows = frame.iloc[start : start + _BATCH_ROWS]
            # a model that was trained without column names warns about them
            features = rows if hasattr(model, "feature_names_in_") else rows.to_numpy()
            labels += _predict(model, features)
            if hasattr(model, "predict_proba"):
                confidences += [f"{value:.4f}" for value in model.predict_proba(features).max(axis=1).tolist()]
    return [tables.build_classified_table(call, header, body, labels, confidences)]


def _load_model(checkpoint: Checkpoint) -> Any:
    import skops.io  # type: ignore[import-untyped]

    # the name alone, so that a hostile configuration can't point out of the folder
    path = checkpoint.folder / Path(str(_get_model_config(checkpoint)["model"]["file"])).name
    if untrusted := skops.io.get_untrusted_types(file=path):  # before anything is built: it reads the schema alone
        raise ExpertError(
            f"{checkpoint.id} is not loaded: it has parts that are not known to be safe ({', '.join(untrusted)})."
        )
    model = skops.io.load(path, trusted=[])  # nothing beyond skops' own list
    if not hasattr(model, "predict"):
        raise ExpertError(f"{checkpoint.id} holds no classifier.")
    return model


def _get_model_config(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """Return the configuration's section on the model: file, columns, example input."""
    found: Mapping[str, Any] = checkpoint.config["sklearn"]
    return found


def _build_frame(checkpoint: Checkpoint, model: Any, header: Sequence[str], body: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Build a frame of the columns that the model was trained on, in its order, numbers where it was trained on numbers.

    Raises:
        InputError: A column is missing, or has a cell that is no number.
    """
    import pandas as pd

    config = _get_model_config(checkpoint)
    known: Sequence[Any] = config.get("columns") or list(getattr(model, "feature_names_in_", ()))
    required = [str(name) for name in known or header]  # a model without names takes the table's order
    if missing := [name for name in required if name not in header]:
        listed = f"column {missing[0]}" if len(missing) == 1 else f"columns {', '.join(missing)}"
        raise InputError(f"The table lacks the {listed}, which the model was trained on.")
    if len(required) != getattr(model, "n_features_in_", len(required)):
        raise InputError(f"The table has {len(required)} columns, and the model was trained on {model.n_features_in_}.")
    examples: Mapping[str, Sequence[Any]] = config.get("example_input") or {}
    columns = {}
    for name in required:
        index = header.index(name)  # of columns with one name the first
        cells = pd.Series([row[index] or None for row in body], dtype=object)  # an empty cell is a missing value
        numbers = pd.to_numeric(cells, errors="coerce")
        not_numbers = cells[numbers.isna() & cells.notna()]
        if not_numbers.empty:
            columns[name] = numbers
        elif any(isinstance(value, int | float) for value in examples.get(name, ())):  # examples tell a column's type
            raise InputError(f"“{not_numbers.iloc[0]}” in the column {name} is no number, and the model needs one there.")
        else:
            columns[name] = cells
    return pd.DataFrame(columns)


def _predict(model: Any, features: Any) -> list[str]:
    import pandas as pd

    try:
        return [str(label) for label in model.predict(features).tolist()]
    except (ValueError, TypeError) as error:
        if pd.DataFrame(features).isna().to_numpy().any():
            raise InputError("The table has empty cells, which this model can't take: fill them.") from error
        raise InputError("The table's columns hold something else than what the model was trained on.") from error
