"""Train the churn model: a RandomForest, tested out of time, kept as an artefact without code.

One row per version: what it was trained on, how well it did on the latest closed window, how the
active version did there, and where its artefact lies. The version is named after its data and
settings, so that training again on the same data gives the same version. The same file runs on
DuckDB and as a Snowpark model, which imports the package training/ from the stage.
"""

import pandas

from training.champion import champion_of
from training.model_card import keep_model_card
from training.run import Settings, train
from training.tables import to_pandas


def model(dbt: object, session: object) -> pandas.DataFrame:
    """Entry point for dbt: fetch the snapshots, train, return the run's row."""
    dbt.config(materialized="incremental")
    location = dbt.config.meta_get("artefact_location")
    settings = Settings(**dbt.config.meta_get("settings"))
    snapshots = to_pandas(dbt.ref("training_snapshots"))
    promotions = to_pandas(dbt.ref("model_promotions"))
    champion = None
    if dbt.is_incremental and len(promotions):
        champion = champion_of(to_pandas(session.table(str(dbt.this))), promotions)
    artefact_format = dbt.config.meta_get("artefact_format")
    run = train(session, snapshots, location, settings, champion, artefact_format)
    keep_model_card(session, location, run, settings)
    print(f"training: {run['status'].iloc[0]} ({run['version'].iloc[0]})")
    if hasattr(session, "file"):  # Snowpark would store lower case names as they are
        run.columns = [column.upper() for column in run.columns]
    return run
