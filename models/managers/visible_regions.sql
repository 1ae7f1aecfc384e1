{# Which regions the asking session sees, by which role, whether with personal data, and whether it may
   act there; `*` stands for all regions and for customers without one. A role sees what it may, and
   the dashboard, which in Snowflake's warehouse runtime asks with its owner's role, what the role of
   the user who looks at it may. Not for the app itself. #}

with

visible as (

    {{ role_regions(
        'is_role_in_session(role_name)',
        'users.user_name = ' ~ asking_user() ~ " and is_role_in_session('CHURN_APP')"
    ) }}

)

select * from visible
