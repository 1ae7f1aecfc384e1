{# What an object was made from, kept as a mark in the table OBJECT_DEFINITIONS beside it:
   dbt-snowflake compares settings of a dynamic table, never its query, and knows nothing of streams
   and tasks. A comment would not do, because a person who edits it would have the table replaced; and
   not every edition has tags. DuckDB's registry keeps the definitions themselves. #}
{% macro create_object_definitions() %}
    {{ return(adapter.dispatch('create_object_definitions')()) }}
{% endmacro %}
{% macro default__create_object_definitions() %}{{ no_such_engine('create_object_definitions') }}{% endmacro %}
{% macro snowflake__create_object_definitions() %}
    create table if not exists {{ object_definitions(target) }} (
        kind varchar, name varchar, mark varchar, made_at timestamp_tz
    )
{% endmacro %}
{% macro duckdb__create_object_definitions() %}
    select 'the registry keeps the definitions' as status
{% endmacro %}

{# The table for a place, anything with a database and a schema. #}
{% macro object_definitions(place) %}
    {{ return(place.database ~ '.' ~ place.schema ~ '.object_definitions') }}
{% endmacro %}

{# A mark that changes with the text, not with its white space. #}
{% macro definition_mark(text) -%}
    {{- return(local_md5(modules.re.sub('\\s+', ' ', full_references(text)) | trim)) -}}
{%- endmacro %}

{# The statement that keeps an object's mark, after the object was made. #}
{% macro keep_mark(kind, relation, mark) %}
    merge into {{ object_definitions(relation) }} as kept
    using (
        select
            '{{ kind }}' as kind,
            '{{ relation.identifier | upper }}' as name,
            '{{ mark }}' as mark,
            current_timestamp() as made_at
    ) as made
    on kept.kind = made.kind and kept.name = made.name
    when matched then update set mark = made.mark, made_at = made.made_at
    when not matched then insert (kind, name, mark, made_at)
        values (made.kind, made.name, made.mark, made.made_at)
{% endmacro %}

{# Whether an object has a mark. shown: what SHOW says of it, or none. A mark that is older than the
   object is another one's of the same name, which somebody has replaced since. Both times are
   compared here: a text of one of them Snowflake would read as the session's settings say. #}
{% macro has_mark(kind, relation, shown, mark) %}
    {%- if shown is none -%}{{ return(false) }}{%- endif -%}
    {%- set query -%}
        select made_at
        from {{ object_definitions(relation) }}
        where
            kind = '{{ kind }}'
            and name = '{{ relation.identifier | upper }}'
            and mark = '{{ mark }}'
    {%- endset -%}
    {%- set moment = modules.datetime.datetime.fromisoformat -%}
    {%- for row in run_query(query).rows
        if moment(row[0] | string) >= moment(shown['created_on'] | string) -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}

{# Whether an object that SHOW has listed was made from this text. #}
{% macro is_unchanged(kind, relation, shown, text) %}
    {{ return(has_mark(kind, relation, shown, definition_mark(text))) }}
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
