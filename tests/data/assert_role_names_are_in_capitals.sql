-- Snowflake stores unquoted names in capitals, and compares these texts with what it stores: a role
-- or user in lower case would be seen as nobody, in silence.
select role_name as name
from {{ ref('manager_regions') }}
where role_name <> upper(role_name)
union all
select user_name as name
from {{ ref('dashboard_users') }}
where user_name <> upper(user_name) or role_name <> upper(role_name)
