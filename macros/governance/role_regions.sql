{# Which role sees which region, whether with personal data, and whether it may act there: the rows of
   seeds/manager_regions.csv for the roles of whoever asks. The one definition for views, which ask for
   the session, and for procedures, which ask for their caller (macros/governance/calling_user.sql).
   is_asking: a condition on role_name; is_user: one on users.user_name of seeds/dashboard_users.csv. #}
{% macro role_regions(is_asking, is_user) %}
    select
        role_name,
        {{ spelling('region') }} as region,
        sees_personal_data,
        may_act
    from {{ ref('manager_regions') }}
    where {{ is_asking }}
    union distinct
    select
        regions.role_name,
        {{ spelling('regions.region') }} as region,
        regions.sees_personal_data,
        regions.may_act
    from {{ ref('manager_regions') }} as regions
    inner join {{ ref('dashboard_users') }} as users on regions.role_name = users.role_name
    where {{ is_user }}
{% endmacro %}

{# What is wrong with the rows of seeds/manager_regions.csv, as a query. #}
{% macro manager_region_problems(regions) %}
        {{ names_in_capitals('seeds/manager_regions.csv', 'role_name', regions) }}
        union all
        select
            'seeds/manager_regions.csv: role ' || role_name
            || ' may act without seeing personal data, but whoever approves a message must see it'
            as problem
        from {{ regions }}
        where may_act and not sees_personal_data
        union all
        select
            'seeds/manager_regions.csv: role ' || role_name || ' has several rows for the region '
            || {{ spelling('region') }} || ', which one shall it be?' as problem
        from {{ regions }}
        group by role_name, {{ spelling('region') }}
        having count(*) > 1
        union all
        select
            'seeds/manager_regions.csv: role ' || role_name || ' needs a region, or * for all' as problem
        from {{ regions }}
        where coalesce({{ spelling('region') }}, '') = ''
        order by problem
{% endmacro %}

{# The same of seeds/dashboard_users.csv. #}
{% macro dashboard_user_problems(users) %}
        {{ names_in_capitals('seeds/dashboard_users.csv', 'user_name', users) }}
        union all
        {{ names_in_capitals('seeds/dashboard_users.csv', 'role_name', users) }}
        order by problem
{% endmacro %}

{# Snowflake stores unquoted names in capitals and compares these texts with what it stores: a role or
   user in lower case would be seen as nobody, in silence. #}
{% macro names_in_capitals(file, column, relation) -%}
        select '{{ file }}: {{ column }} ' || {{ column }} || ' must be in capitals' as problem
        from {{ relation }}
        where {{ column }} <> upper({{ column }})
{%- endmacro %}
