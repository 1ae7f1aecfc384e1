{# SEMANTIC VIEW: tables, dimensions, facts and metrics for questions in plain words (Cortex Analyst).
   The model's body is the clauses after the name. It runs with its owner's rights, like a view: what
   it reads decides who sees what. DuckDB has nothing like it: models/semantics is off there. #}
{% macro create_semantic_view(relation, body) %}
    {{ return(adapter.dispatch('create_semantic_view')(relation, body)) }}
{% endmacro %}
{% macro default__create_semantic_view(relation, body) %}
    {{ no_such_engine('create_semantic_view') }}
{% endmacro %}
{% macro snowflake__create_semantic_view(relation, body) %}
    create or replace semantic view {{ relation }}
    {{ body | trim }}
    copy grants
{% endmacro %}
{% macro duckdb__create_semantic_view(relation, body) %}
    {%- do exceptions.raise_compiler_error(
        relation.identifier ~ ': semantic views need Snowflake; models/semantics is off elsewhere'
    ) -%}
{% endmacro %}

{% materialization semantic_view, default %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_semantic_view(target_relation, sql) }}{% endcall %}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{# Columns of a managers' view as dimensions or facts of a semantic view, each with the description
   that the column has there. A column that is not described is a mistake. #}
{% macro described_columns(alias, view, columns) %}
    {%- set listed = [] -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.resource_type == 'model' and node.name == view -%}
        {%- for column in columns -%}
            {%- if not node.columns[column].description -%}
                {%- do exceptions.raise_compiler_error(
                    view ~ '.' ~ column ~ ' has no description to put into the semantic view'
                ) -%}
            {%- endif -%}
            {%- do listed.append(
                alias ~ '.' ~ column ~ ' as ' ~ alias ~ '.' ~ column ~ ' comment = '
                ~ sql_literal(node.columns[column].description | trim)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(listed | join(',\n    ')) }}
{% endmacro %}
