{# A customer's name, address or message, for roles that seeds/manager_regions.csv lets see it.
   Others see that it is masked, not an empty cell. Plain SQL inside secure views, so that it works
   on every edition of Snowflake. #}
{% macro masked(column) -%}
    case when {{ may_see_personal_data() }} then {{ column }} else 'masked' end
{%- endmacro %}

{% macro may_see_personal_data() -%}
    (
        select count(*) > 0
        from {{ ref('visible_regions') }}
        where sees_personal_data
    )
{%- endmacro %}

{# Figures over everyone are for roles that see every region. #}
{% macro may_see_all_regions() -%}
    (
        select count(*) > 0
        from {{ ref('visible_regions') }}
        where region = '*'
    )
{%- endmacro %}

{# Columns of managers' views that hold what only such roles see. #}
{% macro personal_columns() %}{{ return(['name', 'email', 'subject', 'body', 'marks']) }}{% endmacro %}

{# Who looks at the dashboard. It runs with its owner's role for everyone, but CURRENT_USER is the
   viewer, once `read session` is granted to that role. On the laptop there is only one user. #}
{% macro asking_user() %}{{ return(adapter.dispatch('asking_user')()) }}{% endmacro %}
{% macro default__asking_user() %}{{ no_such_engine('asking_user') }}{% endmacro %}
{% macro snowflake__asking_user() -%}current_user(){%- endmacro %}
{% macro duckdb__asking_user() -%}current_user{%- endmacro %}
