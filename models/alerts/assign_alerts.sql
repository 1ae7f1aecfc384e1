{# Who sees to an alert, and by when. The same again adds nothing. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['alert_ids', 'owner', 'due_on', 'actor'],
        'returns': ['alert_id', 'sentence'],
    }
) }}

insert into {{ ref('alert_assignments') }} (alert_id, owner, due_on, assigned_by, assigned_at)
select
    asked.alert_id,
    {{ parameter('owner') }} as owner,
    cast({{ parameter('due_on') }} as date) as due_on,
    {{ parameter('actor') }} as assigned_by,
    {{ as_of() }} as assigned_at
from {{ asked_alerts() }} as asked
inner join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
left join {{ current_assignments() }} as present on asked.alert_id = present.alert_id
where
    states.state not in (
        'RETAINED', 'LOST', 'REJECTED', 'SUPPRESSED', 'INVALID_ADDRESS', 'HELD_OUT', 'EXPIRED'
    )
    and (
        present.alert_id is null
        or present.owner <> {{ parameter('owner') }}
        or coalesce(present.due_on, date '1970-01-01')
        <> coalesce(cast({{ parameter('due_on') }} as date), date '1970-01-01')
    );
select
    asked.alert_id,
    case
        when states.alert_id is null then 'There is no such alert.'
        else 'An alert that is ' || states.state || ' needs nobody any more.'
    end as sentence
from {{ asked_alerts() }} as asked
left join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
where
    coalesce(states.state, 'RETAINED')
    in ('RETAINED', 'LOST', 'REJECTED', 'SUPPRESSED', 'INVALID_ADDRESS', 'HELD_OUT', 'EXPIRED')
