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
