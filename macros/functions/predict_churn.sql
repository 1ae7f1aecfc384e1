{# PREDICT_CHURN(features…) returns the probability of churn over the horizon, for a batch of rows;
   NULL for a row whose features are not all finite in 32 bits.
   DuckDB: an Arrow function, registered with the open file (embedded/functions.py).
   Snowflake: a vectorized Python function that imports the active version's artefact from the stage;
   its model is models/alerts/predict_churn.sql. To put another version in place:
   dbt run-operation create_predict_churn --args '{artefact: forest-….onnx}'. The file's ending says its
   format. #}
{% macro create_predict_churn(artefact) %}
    {{ run_statements(
        predict_churn_statements(artefact), 'create_predict_churn'
    ) if target.type == 'snowflake' else log(
        'create_predict_churn: nothing to do on DuckDB, where it is registered with the open file',
        info=True
    ) }}
{% endmacro %}

{% macro predict_churn_statements(artefact) %}
    {{ return([predict_churn_function(artefact)]) }}
{% endmacro %}

{# The statement for the artefact of the active version, as it is when the model runs. #}
{% macro predict_churn_definition(active_model) %}
    {%- set artefact = none -%}
    {%- if execute and target.type == 'snowflake' and flags.WHICH in ['run', 'build'] -%}
        {%- set rows = run_query('select artefact from ' ~ full_references(active_model | string)).rows -%}
        {%- set artefact = rows[0][0] if rows else none -%}
    {%- endif -%}
    {{ return(predict_churn_function(artefact)) }}
{% endmacro %}

{# Before the first model every score is NULL, and tasks raise no alert from it. #}
{% macro predict_churn_function(artefact) %}
    {%- set signature -%}
        create or replace function {{ target.database }}.{{ target.schema }}.predict_churn(
            {%- for feature in churn_features() %}
            {{ feature }} float{{ ',' if not loop.last }}
            {%- endfor %}
        )
        copy grants
        returns float
    {%- endset -%}
    {%- if artefact is none -%}
        {{ return(signature ~ "\n        comment = 'no model yet'\n        as 'cast(null as float)'") }}
    {%- endif -%}
    {%- set body -%}
        language python
        immutable
        runtime_version = '{{ var("snowflake_python") }}'
        packages = ('{{ scoring_packages(artefact) | join("', '") }}')
        imports = ('@{{ target.database }}.{{ target.schema }}.churn_models/{{ artefact }}'
            {%- if is_trees(artefact) %}, '@{{ target.database }}.{{ target.schema }}.churn_models/scoring-{{ artefact.split('.')[-2] }}.zip'{% endif %})
        handler = 'predict'
        comment = '{{ artefact }}'
        as
        $$
{{ predict_churn_handler(artefact) }}
        $$
    {%- endset -%}
    {{ return(signature ~ '\n        ' ~ body) }}
{% endmacro %}

{# An artefact of arrays is scored with numpy by training/trees.py as it was when it wrote the artefact:
   the trainer keeps that code beside it (training/artefacts.py), and its name says which. The next
   upload of training.zip changes nothing for the function that is in place. #}
{% macro is_trees(artefact) %}{{ return(artefact.endswith('.npz')) }}{% endmacro %}

{% macro scoring_packages(artefact) %}
    {%- if not is_trees(artefact) -%}{{ return(var('snowflake_scoring_packages')) }}{%- endif -%}
    {%- set packages = [] -%}
    {%- for package in var('snowflake_training_packages')
        if package.split('==')[0] in ['pandas', 'numpy'] -%}
        {%- do packages.append(package) -%}
    {%- endfor -%}
    {{ return(packages) }}
{% endmacro %}

{# The artefact is loaded when the module is, once a process, and runs no code when it is opened. What
   is NaN in the answer, Snowflake takes for NULL. #}
{% macro predict_churn_handler(artefact) -%}
import os
import sys

import numpy
{% if not is_trees(artefact) -%}
import onnxruntime
{% endif -%}
import pandas
from _snowflake import vectorized
{%- if is_trees(artefact) %}
from training.trees import Trees
{%- endif %}

_file = os.path.join(sys._xoptions["snowflake_import_directory"], "{{ artefact }}")
{% if is_trees(artefact) -%}
with open(_file, "rb") as _content:
    _score = Trees(_content.read()).score
{%- else -%}
_session = onnxruntime.InferenceSession(_file)
_input = _session.get_inputs()[0].name


def _score(values):
    return _session.run(["probabilities"], {_input: values})[0][:, 1]
{%- endif %}


@vectorized(input=pandas.DataFrame, max_batch_size=5000)
def predict(rows):
    with numpy.errstate(over="ignore"):
        values = rows.to_numpy("float32")
    are_numbers = numpy.isfinite(values).all(axis=1)
    scores = numpy.full(len(values), numpy.nan)
    if are_numbers.any():
        scores[are_numbers] = _score(values[are_numbers])
    return pandas.Series(scores)
{%- endmacro %}
