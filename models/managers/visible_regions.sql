{# Which regions the asking session sees, and whether with names; `*` stands for all regions and for
   customers without one. A role sees what it may, and the dashboard, which on Snowflake always asks
   with its owner's role, what the role of the user who looks at it may. Not for the app itself. #}

with

regions as (

    select * from {{ ref('manager_regions') }}

),

users as (

    select * from {{ ref('dashboard_users') }}

),

of_roles as (

    select
        {{ spelling('region') }} as region,
        sees_personal_data
    from regions
    where is_role_in_session(role_name)

),

of_dashboard_users as (

    select
        {{ spelling('regions.region') }} as region,
        regions.sees_personal_data
    from regions
    inner join users on regions.role_name = users.role_name
    where users.user_name = {{ asking_user() }} and is_role_in_session('CHURN_APP')

),

visible as (

    select * from of_roles
    union distinct
    select * from of_dashboard_users

)

select * from visible
