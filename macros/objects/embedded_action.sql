{# Asks the embedded engine to act, on DuckDB only: refresh_dynamic_table, place_stream,
   execute_task, ... dbt registers an object as a row; embedded/ does what Snowflake would do. `more`
   is what the action takes beside a name.
   The adapter's one door to a plugin is named store_relation; nothing is stored here. #}
{% macro embedded_action(action, name, more={}) %}
    {%- if execute -%}
        {%- do adapter.store_relation(
            'dbt_plugin', api.Relation.create(identifier=name), [], '', '', dict(more, action=action)
        ) -%}
    {%- endif -%}
{% endmacro %}

{# A Jinja value as an SQL literal: NULL, or quoted text, in which Snowflake reads backslashes. #}
{% macro sql_literal(value) -%}
    {%- if value is none -%} null
    {%- else -%}
        {%- set text = (value | string) | replace("'", "''") -%}
        '{{ text | replace('\\', '\\\\') if target.type == 'snowflake' else text }}'
    {%- endif -%}
{%- endmacro %}
