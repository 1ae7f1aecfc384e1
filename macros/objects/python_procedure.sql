{# PYTHON PROCEDURE: a Python model of dbt that can be called without dbt. Its model selects from that
   Python model; text, packages and imports are the Python model's own, so that there is one
   definition. Its run is merged by the unique key, as dbt would. #}
{% materialization python_procedure, default %}
    {%- set trained = graph.nodes[model.depends_on.nodes[0]] -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_python_procedure(trained) }}{% endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{% macro create_python_procedure(node) %}{{ return(adapter.dispatch('create_python_procedure')(node)) }}{% endmacro %}
{% macro default__create_python_procedure(node) %}{{ no_such_engine('create_python_procedure') }}{% endmacro %}
{# DuckDB has no procedures; a Python model runs inside of dbt there. #}
{% macro duckdb__create_python_procedure(node) %}
    select 'dbt build -s {{ node.name }}' as called_by
{% endmacro %}
{% macro snowflake__create_python_procedure(node) %}
    create or replace procedure {{ node.database }}.{{ node.schema }}.{{ node.alias }}()
    copy grants
    returns varchar
    language python
    runtime_version = '{{ node.config.python_version or var("snowflake_python") }}'
    packages = ('{{ (node.config.packages + ['snowflake-snowpark-python']) | join("', '") }}')
    {%- if node.config.imports %}
    imports = ('{{ node.config.imports | join("', '") }}')
    {%- endif %}
    handler = 'main'
    execute as owner
    as
    $$
{{ node.raw_code }}


{{ procedure_main(node) }}
    $$
{% endmacro %}

{# What dbt puts around a Python model, for a table that is there already. #}
{% macro procedure_main(node) %}
    {%- set tables = {} -%}
    {%- for read in node.depends_on.nodes -%}
        {%- set upstream = graph.nodes[read] -%}
        {%- do tables.update(
            {upstream.name: [upstream.database, upstream.schema, upstream.alias] | join('.')}
        ) -%}
    {%- endfor -%}
from snowflake.snowpark.functions import when_matched, when_not_matched

TABLES = {{ tables }}
META = {{ node.config.meta }}
TARGET = "{{ node.database }}.{{ node.schema }}.{{ node.alias }}"
KEY = "{{ node.config.unique_key | upper }}"


class Config:
    def __call__(self, **_):
        """What dbt was told about the model is part of the procedure."""

    def get(self, name, default=None):
        return META.get(name, default)

    meta_get = get


class Dbt:
    is_incremental = True
    this = TARGET
    config = Config()

    def __init__(self, session):
        self.ref = lambda name: session.table(TABLES[name])


def main(session):
    run = model(Dbt(session), session)
    run.columns = [column.upper() for column in run.columns]
    target, source = session.table(TARGET), session.create_dataframe(run)
    columns = {column: source[column] for column in run.columns}
    target.merge(
        source,
        target[KEY] == source[KEY],
        [when_matched().update(columns), when_not_matched().insert(columns)],
    )
    return ", ".join(str(value) for value in run[KEY])
{% endmacro %}
