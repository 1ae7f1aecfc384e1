{# PREDICT_CHURN(features…) returns the probability of churn over the horizon, for a batch of rows.
   DuckDB: an Arrow function that every connection registers (embedded/functions.py).
   Snowflake: a vectorized Python function that imports one version's artefact from the stage.
   dbt run-operation create_predict_churn --args '{artefact: forest-….onnx}' #}
{% macro create_predict_churn(artefact) %}
    {{ run_statements(
        predict_churn_statements(artefact), 'create_predict_churn'
    ) if target.type == 'snowflake' else log(
        'create_predict_churn: nothing to do on DuckDB, where every connection registers it',
        info=True
    ) }}
{% endmacro %}

{% macro predict_churn_statements(artefact) %}
    {%- set statement -%}
        create or replace function {{ target.database }}.{{ target.schema }}.predict_churn(
            {%- for feature in churn_features() %}
            {{ feature }} float{{ ',' if not loop.last }}
            {%- endfor %}
        )
        returns float
        language python
        immutable
        runtime_version = '3.11'
        packages = ('pandas', 'onnxruntime')
        imports = ('@{{ target.database }}.{{ target.schema }}.churn_models/{{ artefact }}')
        handler = 'predict'
        as
        $$
import os
import sys

import onnxruntime
import pandas
from _snowflake import vectorized

_folder = sys._xoptions["snowflake_import_directory"]
_session = onnxruntime.InferenceSession(os.path.join(_folder, "{{ artefact }}"))
_input = _session.get_inputs()[0].name


@vectorized(input=pandas.DataFrame, max_batch_size=5000)
def predict(rows):
    scores = _session.run(["probabilities"], {_input: rows.to_numpy("float32")})[0]
    return pandas.Series(scores[:, 1].astype("float64"))
        $$
    {%- endset -%}
    {{ return([
        'create stage if not exists ' ~ target.database ~ '.' ~ target.schema ~ '.churn_models',
        statement,
    ]) }}
{% endmacro %}
