{# DYNAMIC TABLE: a table that the engine keeps equal to its query, within a target lag.
   Snowflake: dbt-snowflake's own materialization, with dynamic_table_changes.sql. DuckDB: the one
   below registers the compiled query, the refresh key and the lag; embedded/engine/refresh.py keeps
   the table. #}

{% materialization dynamic_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {% do embedded_action('check_target_lag', config.get('target_lag', 'DOWNSTREAM')) %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ register_dynamic_table(target_relation, full_references(sql)) }}{% endcall %}
    {% do adapter.commit() %}
    {% do embedded_action('refresh_dynamic_table', target_relation.identifier) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# A changed query or key, or --full-refresh, makes the next refresh compute the table anew; what is
   registered and unchanged keeps its state. #}
{% macro register_dynamic_table(relation, query) %}
    merge into {{ relation.database }}.embedded.dynamic_tables as registered
    using (
        select
            {{ sql_literal(relation.identifier) }} as name,
            {{ sql_literal(query) }} as query,
            {{ sql_literal(tojson(config.meta_require('refresh_key'))) }} as refresh_key,
            {{ sql_literal(config.get('refresh_mode', 'INCREMENTAL') | upper) }} as refresh_mode,
            {{ sql_literal(config.get('target_lag', 'DOWNSTREAM')) }} as target_lag,
            {{ var('task_failures_before_suspension') }} as suspend_after_failures
    ) as wanted
    on registered.name = wanted.name
    when matched then update set
        query = wanted.query,
        refresh_key = wanted.refresh_key,
        refresh_mode = wanted.refresh_mode,
        target_lag = wanted.target_lag,
        suspend_after_failures = wanted.suspend_after_failures,
        rebuilds = registered.rebuilds + {{ 1 if flags.FULL_REFRESH else 0 }}
    when not matched then insert
        (name, query, refresh_key, refresh_mode, target_lag, suspend_after_failures, rebuilds)
        values (wanted.name, wanted.query, wanted.refresh_key, wanted.refresh_mode,
                wanted.target_lag, wanted.suspend_after_failures, 0)
{% endmacro %}
