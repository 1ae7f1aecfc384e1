{# A customer's name, address or message, for roles that seeds/manager_regions.csv lets see it.
   Others see that it is masked, not an empty cell. Plain SQL inside secure views, so that it works
   on every edition of Snowflake. where: a condition for there being anything to see at all. #}
{% macro masked(column, where=none) -%}
    case
        {%- if where %} when not ({{ where }}) then null{% endif %}
        when {{ may_see_personal_data() }} then {{ column }} else 'masked'
    end
{%- endmacro %}

{% macro may_see_personal_data() -%}
    (
        select count(*) > 0
        from {{ ref('manager_regions') }}
        where sees_personal_data and is_role_in_session(role_name)
    )
{%- endmacro %}

{# Figures over everyone are for roles that see every region. #}
{% macro may_see_all_regions() -%}
    (
        select count(*) > 0
        from {{ ref('manager_regions') }}
        where region = '*' and is_role_in_session(role_name)
    )
{%- endmacro %}
