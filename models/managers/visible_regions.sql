{# Which regions the asking session sees, by which role, whether with personal data, and whether
   that role may act there; `*` stands for all regions and for customers without one. Where the
   dashboard asks with its owner's role (Snowflake's warehouse runtime), the roles are those that
   seeds/dashboard_users.csv gives to the user who looks at it. Not for the app itself. #}

with

visible as (

    {{ role_regions(
        'is_role_in_session(role_name)',
        'users.user_name = ' ~ asking_user() ~ " and is_role_in_session('CHURN_APP')"
    ) }}

)

select * from visible
