{# Whether a version can serve here: it takes the features that are computed today, its artefact is
   the one that was described, and gives the golden rows their scores. Otherwise a sentence. #}
{% macro check_artefact(run) %}
    {%- if run.features != (churn_features() | tojson) -%}
        {%- do exceptions.raise_compiler_error(
            "version " ~ run.version ~ " was trained on other features than are computed now:"
            ~ " run 'dbt build' to train one that fits"
        ) -%}
    {%- endif -%}
    {{ return(adapter.dispatch('check_artefact')(run)) }}
{% endmacro %}
{% macro default__check_artefact(run) %}{{ no_such_engine('check_artefact') }}{% endmacro %}
{% macro duckdb__check_artefact(run) %}{% do embedded_action('check_model', run.version) %}{% endmacro %}

{# On Snowflake the version is bound to the function, so that checking it puts it in place. #}
{% macro snowflake__check_artefact(run) %}
    {%- do create_predict_churn(run.artefact) -%}
    {%- set difference = run_query(golden_rows_query(fromjson(run.golden_rows))).rows[0][0] -%}
    {%- if difference | float > 0.000001 -%}
        {%- set active = run_query('select artefact from ' ~ model_relation('active_churn_model')) -%}
        {%- do create_predict_churn(active.rows[0][0]) if active.rows -%}
        {%- do exceptions.raise_compiler_error(
            "version " ~ run.version ~ " does not give its golden rows their scores here"
            ~ " (difference " ~ difference ~ "): train it again with the packages of this account"
        ) -%}
    {%- endif -%}
{% endmacro %}

{% macro golden_rows_query(golden_rows) -%}
    select max(abs(predicted - expected)) from (
        {%- for row in golden_rows %}
        select predict_churn({{ row.features | join(', ') }}) as predicted, {{ row.score }} as expected
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# Who is asked to be named in the register of decisions. #}
{% macro operator_name() %}{{ return(adapter.dispatch('operator_name')()) }}{% endmacro %}
{% macro default__operator_name() %}{{ no_such_engine('operator_name') }}{% endmacro %}
{% macro snowflake__operator_name() %}{{ return(target.user) }}{% endmacro %}
{% macro duckdb__operator_name() %}{{ return(env_var('USER', 'operator')) }}{% endmacro %}
