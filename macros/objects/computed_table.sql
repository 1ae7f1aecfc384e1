{# COMPUTED TABLE: a table whose rows are computed before anything is written. DuckDB's lake takes
   one writer at a time, and computing what years of days say may take a minute: only the write has
   the turn. Snowflake keeps writers apart by itself and has plain tables in its place.
   meta.part_by = {relation, column}: one value of that column at a time, so that memory follows the
   size of a part; the query restricts itself with only_this_part(column). #}
{% materialization computed_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set computed = api.Relation.create(
        database='temp', schema='main', identifier=this.identifier
    ) -%}
    {%- for part in parts_to_compute(config.meta_get('part_by')) %}
        {%- do run_query("set variable part = " ~ part) -%}
        {% call statement('compute', auto_begin=False) %}
            {{ 'create or replace temp table ' ~ computed ~ ' as' if loop.first
               else 'insert into ' ~ computed }}
            {{ sql }}
        {% endcall %}
    {%- endfor %}
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

{# The values to compute one after the other as SQL; null stands for all of them at once. #}
{% macro parts_to_compute(part_by) %}
    {%- if not part_by -%}{{ return(['null']) }}{%- endif -%}
    {%- set found = run_query(
        "select distinct cast(" ~ part_by.column ~ " as varchar) from "
        ~ model_relation(part_by.relation) ~ " order by 1"
    ) -%}
    {%- set values = [] -%}
    {%- for row in found.rows -%}
        {%- do values.append(dbt.string_literal(row[0])) -%}
    {%- endfor -%}
    {{ return(values or ['null']) }}
{% endmacro %}

{# The condition that a query in parts puts on its source; true for all rows where it runs whole. #}
{% macro only_this_part(column) %}{{ return(adapter.dispatch('only_this_part')(column)) }}{% endmacro %}
{% macro default__only_this_part(column) %}{{ no_such_engine('only_this_part') }}{% endmacro %}
{% macro snowflake__only_this_part(column) %}true{% endmacro %}
{% macro duckdb__only_this_part(column) -%}
    coalesce(cast({{ column }} as varchar) = getvariable('part'), true)
{%- endmacro %}
