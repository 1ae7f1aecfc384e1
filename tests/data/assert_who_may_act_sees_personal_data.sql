-- Who approves or edits a message must see it: where a role may act, it sees personal data.
select
    role_name,
    region
from {{ ref('manager_regions') }}
where may_act and not sees_personal_data
