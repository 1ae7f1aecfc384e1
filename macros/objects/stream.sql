{# STREAM: the net changes of a dynamic table since they were last consumed.
   The model's body is `select * from {{ ref('the_table') }}`, so that dbt knows the lineage. #}
{% macro create_stream(relation, source) %}
    {{ return(adapter.dispatch('create_stream')(relation, source)) }}
{% endmacro %}

{% macro default__create_stream(relation, source) %}{{ no_such_engine('create_stream') }}{% endmacro %}

{# A stream keeps its offset as long as it can follow its table. When the table was replaced it
   cannot: it is re-created, and its mark says that a catch-up is due (catch_up.sql). #}
{% macro snowflake__create_stream(relation, source) %}
    {%- set stream = shown_object('stream', relation) -%}
    {%- set table = shown_object('dynamic table', source) -%}
    {%- if stream is not none and table is not none and not flags.FULL_REFRESH
        and stream['stale'] | string | lower == 'false'
        and stream['created_on'] > table['created_on'] -%}
        select '{{ relation.identifier }} follows its table' as status
    {%- else -%}
        create or replace stream {{ relation }} on dynamic table {{ source }};
        {{ keep_mark('stream', relation, catch_up_is_due()) }}
    {%- endif -%}
{% endmacro %}

{% macro catch_up_is_due() %}{{ return('catch-up is due') }}{% endmacro %}

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
    {% do caught_up_by(target_relation) %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_stream(target_relation, source) }}{% endcall %}
    {% do adapter.commit() %}
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
