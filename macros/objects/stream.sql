{# STREAM: the net changes of a dynamic table since they were last consumed.
   The model's body is `select * from {{ ref('the_table') }}`, so that dbt knows the lineage. #}
{% macro create_stream(relation, source) %}
    {{ return(adapter.dispatch('create_stream')(relation, source)) }}
{% endmacro %}

{% macro default__create_stream(relation, source) %}{{ no_such_engine('create_stream') }}{% endmacro %}

{# `if not exists` keeps the offset of a stream that is there. One whose table was replaced is
   stale and of no use: --full-refresh replaces both, and the sweep scores what the gap hid. #}
{% macro snowflake__create_stream(relation, source) %}
    create {% if flags.FULL_REFRESH %}or replace stream{% else %}stream if not exists{% endif %}
    {{ relation }} on dynamic table {{ source }}
{% endmacro %}

{% macro duckdb__create_stream(relation, source) %}
    merge into {{ relation.database }}.embedded.streams as registered
    using (
        select
            {{ sql_literal(relation.identifier) }} as name,
            {{ sql_literal(source.identifier) }} as source
    ) as wanted
    on registered.name = wanted.name
    when matched then update set source = wanted.source
    when not matched then insert (name, source) values (wanted.name, wanted.source)
{% endmacro %}

{% materialization stream, default %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set source = single_source(model) -%}
    {{ run_hooks(pre_hooks) }}
    {% do take_turn() %}
    {% call statement('main') %}{{ create_stream(target_relation, source) }}{% endcall %}
    {% do adapter.commit() %}
    {% do end_turn() %}
    {% if target.type == 'duckdb' %}
        {% do embedded_action('place_stream', target_relation.identifier) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The one relation that a model reads, as dbt parsed it. #}
{% macro single_source(model) %}
    {%- if model.depends_on.nodes | length != 1 -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " must read exactly one model: select * from {{ ref('…') }}"
        ) -%}
    {%- endif -%}
    {%- set node = graph.nodes[model.depends_on.nodes[0]] -%}
    {{ return(api.Relation.create(
        database=node.database, schema=node.schema, identifier=node.alias
    )) }}
{% endmacro %}
