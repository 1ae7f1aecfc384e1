{# What an object was made from, kept as a mark in its comment: dbt-snowflake compares settings of a
   dynamic table, never its query, and knows nothing of streams and tasks. #}

{# A mark that changes with the text, not with its white space. #}
{% macro definition_mark(text) -%}
    {{- return('definition ' ~ local_md5(modules.re.sub('\\s+', ' ', full_references(text)) | trim)) -}}
{%- endmacro %}

{# Whether an object that SHOW has listed was made from this text. #}
{% macro is_unchanged(shown, text) %}
    {{ return(shown is not none and definition_mark(text) in (shown['comment'] or '')) }}
{% endmacro %}

{# What SHOW says of one object, or none. LIKE takes `_` for any character: names are compared. #}
{% macro shown_object(kind, relation) %}
    {%- set query -%}
        show {{ kind }}s like '{{ relation.identifier }}' in schema {{ relation.include(identifier=false) }}
    {%- endset -%}
    {%- for row in run_query(query).rows if row['name'] | upper == relation.identifier | upper -%}
        {{ return(row) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}

{# A definition reads whole tables, even where `--empty` lets dbt read none of their rows: a dynamic
   table or a task that was built so would stay empty for good, and Snowflake refuses the first. #}
{% macro full_references(text) %}
    {{ return(modules.re.sub(
        '\\(select \\* from (\\S+) where false limit 0\\)(?: _dbt_limit_subq\\w*)?', '\\1', text
    )) }}
{% endmacro %}
