{# COMPUTED TABLE: a table whose rows are computed before anything is written. DuckDB's lake takes
   one writer at a time, and computing what years of days say may take a minute: only the write has
   the turn. Snowflake keeps writers apart by itself and has plain tables in its place. #}
{% materialization computed_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set computed = api.Relation.create(
        database='temp', schema='main', identifier=this.identifier
    ) -%}
    {% call statement('compute', auto_begin=False) %}
        create or replace temp table {{ computed }} as {{ sql }}
    {% endcall %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {% call statement('main', auto_begin=False) %}
        create or replace table {{ target_relation }} as select * from {{ computed }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {% call statement('forget', auto_begin=False) %}drop table {{ computed }}{% endcall %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
