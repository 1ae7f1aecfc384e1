{# The turn to write. DuckDB's lake takes one writer at a time: a model has it for itself from before
   its transaction until that is committed, and the loader and the scheduler wait. Hooks in
   dbt_project.yml do so for dbt's own materializations. Snowflake keeps writers apart by itself. #}
{% macro take_turn() %}{{ return(adapter.dispatch('take_turn')()) }}{% endmacro %}
{% macro default__take_turn() %}{{ no_such_engine('take_turn') }}{% endmacro %}
{% macro snowflake__take_turn() %}{% endmacro %}
{% macro duckdb__take_turn() %}{% do embedded_action('take_turn', 'dbt') %}{% endmacro %}

{% macro end_turn() %}{{ return(adapter.dispatch('end_turn')()) }}{% endmacro %}
{% macro default__end_turn() %}{{ no_such_engine('end_turn') }}{% endmacro %}
{% macro snowflake__end_turn() %}{% endmacro %}
{% macro duckdb__end_turn() %}{% do embedded_action('end_turn', 'dbt') %}{% endmacro %}

{# dbt's own, without these two hooks on Snowflake: there they are empty, but dbt would send a COMMIT
   for each of a seed, and warn of it. #}
{% macro run_hooks(hooks, inside_transaction=True) %}
    {%- if target.type == 'snowflake' -%}
        {%- set hooks = hooks
            | rejectattr('sql', 'in', ['{{ take_turn() }}', '{{ end_turn() }}']) | list -%}
    {%- endif -%}
    {{ dbt.run_hooks(hooks, inside_transaction) }}
{% endmacro %}
