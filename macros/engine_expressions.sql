{# The expressions in which the two engines differ, each in one place. #}

{# A text at a path (`name`, `[0].code`) of a JSON column, NULL where it is absent. #}
{% macro json_text(column, field) %}{{ return(adapter.dispatch('json_text')(column, field)) }}{% endmacro %}
{% macro default__json_text(column, field) %}{{ no_such_engine('json_text') }}{% endmacro %}
{% macro snowflake__json_text(column, field) -%}
    cast(get_path({{ column }}, '{{ field }}') as {{ dbt.type_string() }})
{%- endmacro %}
{% macro duckdb__json_text(column, field) -%}
    ({{ column }} ->> '${{ '' if field.startswith('[') else '.' }}{{ field }}')
{%- endmacro %}

{# A part of a JSON column that stays JSON. #}
{% macro json_part(column, field) %}{{ return(adapter.dispatch('json_part')(column, field)) }}{% endmacro %}
{% macro default__json_part(column, field) %}{{ no_such_engine('json_part') }}{% endmacro %}
{% macro snowflake__json_part(column, field) -%}get_path({{ column }}, '{{ field }}'){%- endmacro %}
{% macro duckdb__json_part(column, field) -%}({{ column }} -> '$.{{ field }}'){%- endmacro %}

{# A JSON value as its text, quotes and all, so that two of them can be compared. #}
{% macro json_as_text(json) %}{{ return(adapter.dispatch('json_as_text')(json)) }}{% endmacro %}
{% macro default__json_as_text(json) %}{{ no_such_engine('json_as_text') }}{% endmacro %}
{% macro snowflake__json_as_text(json) -%}to_json({{ json }}){%- endmacro %}
{% macro duckdb__json_as_text(json) -%}cast({{ json }} as varchar){%- endmacro %}

{# The same for objects that say the same, whatever the order of their fields and the blanks
   between them. Snowflake keeps objects in that form anyway. #}
{% macro json_content(json) %}{{ return(adapter.dispatch('json_content')(json)) }}{% endmacro %}
{% macro default__json_content(json) %}{{ no_such_engine('json_content') }}{% endmacro %}
{% macro snowflake__json_content(json) -%}to_json({{ json }}){%- endmacro %}
{% macro duckdb__json_content(json) -%}
    cast(list_sort(map_entries(try_cast({{ json }} as map(varchar, varchar)))) as varchar)
{%- endmacro %}

{# Whether a JSON object has a field, be its value null. #}
{% macro json_has(column, field) %}{{ return(adapter.dispatch('json_has')(column, field)) }}{% endmacro %}
{% macro default__json_has(column, field) %}{{ no_such_engine('json_has') }}{% endmacro %}
{% macro snowflake__json_has(column, field) -%}(get_path({{ column }}, '{{ field }}') is not null){%- endmacro %}
{% macro duckdb__json_has(column, field) -%}json_exists({{ column }}, '$.{{ field }}'){%- endmacro %}

{# Whether a text matches a pattern from its beginning to its end. #}
{% macro matches_wholly(text, pattern) %}{{ return(adapter.dispatch('matches_wholly')(text, pattern)) }}{% endmacro %}
{% macro default__matches_wholly(text, pattern) %}{{ no_such_engine('matches_wholly') }}{% endmacro %}
{% macro snowflake__matches_wholly(text, pattern) -%}regexp_like({{ text }}, '^{{ pattern }}$'){%- endmacro %}
{% macro duckdb__matches_wholly(text, pattern) -%}regexp_full_match({{ text }}, '{{ pattern }}'){%- endmacro %}

{# A relation with the texts of a list that is JSON text, one row each, in the column `listed`. What is
   no such list gives one row without a text, so that whoever asked by it is told. #}
{% macro text_list(text) %}{{ return(adapter.dispatch('text_list')(text)) }}{% endmacro %}
{% macro default__text_list(text) %}{{ no_such_engine('text_list') }}{% endmacro %}
{% macro snowflake__text_list(text) -%}
    (
        select cast(value as varchar) as listed
        from table(flatten(input => try_parse_json(
            case when is_array(try_parse_json({{ text }})) then {{ text }} else '[null]' end
        )))
    )
{%- endmacro %}
{% macro duckdb__text_list(text) -%}
    (
        select unnest(from_json(try_cast(
            case when json_type(try_cast({{ text }} as json)) = 'ARRAY' then {{ text }} else '[null]' end
            as json
        ), '["varchar"]')) as listed
    )
{%- endmacro %}

{# A relation with the words of a text that has spaces between them, in the column `listed`. #}
{% macro words(text) %}{{ return(adapter.dispatch('words')(text)) }}{% endmacro %}
{% macro default__words(text) %}{{ no_such_engine('words') }}{% endmacro %}
{% macro snowflake__words(text) -%}
    (select cast(value as varchar) as listed from table(flatten(input => split({{ text }}, ' '))))
{%- endmacro %}
{% macro duckdb__words(text) -%}
    (select unnest(string_split({{ text }}, ' ')) as listed)
{%- endmacro %}

{# JSON text as JSON, NULL where it is none. #}
{% macro parse_json(text) %}{{ return(adapter.dispatch('parse_json')(text)) }}{% endmacro %}
{% macro default__parse_json(text) %}{{ no_such_engine('parse_json') }}{% endmacro %}
{% macro snowflake__parse_json(text) -%}try_parse_json({{ text }}){%- endmacro %}
{% macro duckdb__parse_json(text) -%}try_cast({{ text }} as json){%- endmacro %}

{# A JSON object or array as rows, to be joined: `cross join {{ json_rows(…) }}`. An object's rows
   have a `key`, an array's a place (json_place), both a `value`. #}
{% macro json_rows(json, alias) %}{{ return(adapter.dispatch('json_rows')(json, alias)) }}{% endmacro %}
{% macro default__json_rows(json, alias) %}{{ no_such_engine('json_rows') }}{% endmacro %}
{% macro snowflake__json_rows(json, alias) -%}
    lateral flatten(input => {{ json }}) as {{ alias }}
{%- endmacro %}
{% macro duckdb__json_rows(json, alias) -%}json_each({{ json }}) as {{ alias }}{%- endmacro %}

{# The place, from 0, of a row of json_rows that stands for an element of an array. #}
{% macro json_place(alias) %}{{ return(adapter.dispatch('json_place')(alias)) }}{% endmacro %}
{% macro default__json_place(alias) %}{{ no_such_engine('json_place') }}{% endmacro %}
{% macro snowflake__json_place(alias) -%}{{ alias }}.index{%- endmacro %}
{% macro duckdb__json_place(alias) -%}try_cast({{ alias }}.key as integer){%- endmacro %}

{# A number that is JSON, as a double; NULL where it is none. Snowflake's TRY_CAST takes texts only. #}
{% macro json_number(json) -%}
    try_cast(cast({{ json }} as {{ dbt.type_string() }}) as double)
{%- endmacro %}

{# The moment that a task's run is about. Snowflake's is the clock; the embedded scheduler sets it,
   so that one pass has one time and a test can choose it. #}
{% macro as_of() %}{{ return(adapter.dispatch('as_of')()) }}{% endmacro %}
{% macro default__as_of() %}{{ no_such_engine('as_of') }}{% endmacro %}
{% macro snowflake__as_of() -%}sysdate(){%- endmacro %}
{% macro duckdb__as_of() -%}cast(getvariable('as_of') as timestamp){%- endmacro %}

{# The clock, in UTC without a zone, for views. #}
{% macro utc_now() %}{{ return(adapter.dispatch('utc_now')()) }}{% endmacro %}
{% macro default__utc_now() %}{{ no_such_engine('utc_now') }}{% endmacro %}
{% macro snowflake__utc_now() -%}sysdate(){%- endmacro %}
{% macro duckdb__utc_now() -%}cast(now() as timestamp){%- endmacro %}

{# A date from a text as 2026-01-31, and a moment as a text with microseconds. What a cast between text
   and time reads or writes on Snowflake is a setting of the session that happens to ask. #}
{% macro date_literal(text) %}{{ return(adapter.dispatch('date_literal')(text)) }}{% endmacro %}
{% macro default__date_literal(text) %}{{ no_such_engine('date_literal') }}{% endmacro %}
{% macro snowflake__date_literal(text) -%}to_date('{{ text }}', 'YYYY-MM-DD'){%- endmacro %}
{% macro duckdb__date_literal(text) -%}cast('{{ text }}' as date){%- endmacro %}

{% macro time_text(moment) %}{{ return(adapter.dispatch('time_text')(moment)) }}{% endmacro %}
{% macro default__time_text(moment) %}{{ no_such_engine('time_text') }}{% endmacro %}
{% macro snowflake__time_text(moment) -%}
    to_char({{ moment }}, 'YYYY-MM-DD HH24:MI:SS.FF6')
{%- endmacro %}
{% macro duckdb__time_text(moment) -%}strftime({{ moment }}, '%Y-%m-%d %H:%M:%S.%f'){%- endmacro %}

{# The Monday of a moment's week, UTC. DATE_TRUNC of a week begins on Snowflake where WEEK_START says. #}
{% macro week_of(moment) %}{{ return(adapter.dispatch('week_of')(moment)) }}{% endmacro %}
{% macro default__week_of(moment) %}{{ no_such_engine('week_of') }}{% endmacro %}
{% macro snowflake__week_of(moment) -%}
    dateadd('day', 1 - dayofweekiso(cast({{ moment }} as date)), cast({{ moment }} as date))
{%- endmacro %}
{% macro duckdb__week_of(moment) -%}cast(date_trunc('week', {{ moment }}) as date){%- endmacro %}

{# A moment as people write it, to the minute: 2026-01-31 14:05 UTC. #}
{% macro moment_text(moment) %}{{ return(adapter.dispatch('moment_text')(moment)) }}{% endmacro %}
{% macro default__moment_text(moment) %}{{ no_such_engine('moment_text') }}{% endmacro %}
{% macro snowflake__moment_text(moment) -%}
    to_char({{ moment }}, 'YYYY-MM-DD HH24:MI') || ' UTC'
{%- endmacro %}
{% macro duckdb__moment_text(moment) -%}strftime({{ moment }}, '%Y-%m-%d %H:%M UTC'){%- endmacro %}

{# The customer's bucket of 100, stable across runs and engines: the first 32 bits of an MD5,
   which are eight hexadecimal digits: each X of Snowflake's format stands for one. #}
{% macro hash_bucket(text) %}{{ return(adapter.dispatch('hash_bucket')(text)) }}{% endmacro %}
{% macro default__hash_bucket(text) %}{{ no_such_engine('hash_bucket') }}{% endmacro %}
{% macro snowflake__hash_bucket(text) -%}
    mod(try_to_number(substr(md5({{ text }}), 1, 8), 'XXXXXXXX'), 100)
{%- endmacro %}
{% macro duckdb__hash_bucket(text) -%}
    mod(try_cast('0x' || substr(md5({{ text }}), 1, 8) as bigint), 100)
{%- endmacro %}

{# A number that is never given: the statement fails with this text instead. Snowflake has no word
   for it; its failed conversion quotes the text. #}
{% macro fail(text) %}{{ return(adapter.dispatch('fail')(text)) }}{% endmacro %}
{% macro default__fail(text) %}{{ no_such_engine('fail') }}{% endmacro %}
{% macro snowflake__fail(text) -%}to_double({{ text }}){%- endmacro %}
{% macro duckdb__fail(text) -%}cast(error({{ text }}) as double){%- endmacro %}

{# A number rounded to so many digits behind the point, as a decimal; NULL where it is no finite
   number or has more than the 15 digits that a float keeps, so that no figure makes a statement
   fail. Snowflake's TRY_CAST takes texts only, and the text of a float may be shorter than the
   number: there, what does not fit is left out before the cast. #}
{% macro fitting_number(number, digits) %}
    {{- return(adapter.dispatch('fitting_number')(number, digits)) -}}
{% endmacro %}
{% macro default__fitting_number(number, digits) %}{{ no_such_engine('fitting_number') }}{% endmacro %}
{% macro snowflake__fitting_number(number, digits) -%}
    {%- set rounded = 'round(cast(' ~ number ~ ' as double), ' ~ digits ~ ')' -%}
    cast(
        case when abs({{ rounded }}) < 1e{{ 15 - digits }} then {{ rounded }} end
        as decimal(15, {{ digits }})
    )
{%- endmacro %}
{% macro duckdb__fitting_number(number, digits) -%}
    try_cast(round(cast({{ number }} as double), {{ digits }}) as decimal(15, {{ digits }}))
{%- endmacro %}

{# The same as a text with exactly so many digits behind the point: 12.0, and 0.0 for what rounds to
   nothing from below. #}
{% macro number_text(number, digits) -%}
    cast({{ fitting_number(number, digits) }} as {{ dbt.type_string() }})
{%- endmacro %}

{# The nearest whole number, NULL where fitting_number is. #}
{% macro whole_number(number) %}{{ return(adapter.dispatch('whole_number')(number)) }}{% endmacro %}
{% macro default__whole_number(number) %}{{ no_such_engine('whole_number') }}{% endmacro %}
{% macro snowflake__whole_number(number) -%}
    cast({{ fitting_number(number, 0) }} as integer)
{%- endmacro %}
{% macro duckdb__whole_number(number) -%}
    try_cast({{ fitting_number(number, 0) }} as bigint)
{%- endmacro %}
