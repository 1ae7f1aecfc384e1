{# Who sees to an alert, and by when. The same again adds nothing. #}
{{ config(
    materialized='procedure',
    pre_hook="{{ drop_procedure_with_actor() }}",
    meta={
        'parameters': ['alert_ids', 'owner', 'due_on'],
        'returns': ['alert_id', 'sentence'],
    }
) }}

{#- Infinity and the year 12026 are dates too, and more than the dashboard can show. #}
{%- set given = "try_cast(" ~ parameter('due_on') ~ " as date)" %}
{%- set due_on = "case when " ~ given ~ " between date '2000-01-01' and date '2999-12-31' then "
    ~ given ~ " end" %}
{%- set is_no_date = "(" ~ parameter('due_on') ~ " is not null and " ~ due_on ~ " is null)" %}

insert into {{ ref('alert_assignments') }} (alert_id, owner, due_on, assigned_by, assigned_at)
select
    asked.alert_id,
    {{ parameter('owner') }} as owner,
    {{ due_on }} as due_on,
    rights.actor as assigned_by,
    {{ as_of() }} as assigned_at
from {{ asked_alerts() }} as asked
inner join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
inner join {{ caller_rights(asked_customers()) }} as rights
    on states.customer_id = rights.customer_id
left join {{ current_assignments() }} as present on asked.alert_id = present.alert_id
where
    rights.may_act
    and states.state not in (
        'RETAINED', 'LOST', 'REJECTED', 'SUPPRESSED', 'INVALID_ADDRESS', 'HELD_OUT', 'EXPIRED'
    )
    and not {{ is_no_date }}
    and (
        present.alert_id is null
        or present.owner <> {{ parameter('owner') }}
        or coalesce(present.due_on, date '1970-01-01')
        <> coalesce({{ due_on }}, date '1970-01-01')
    );
select
    asked.alert_id,
    case
        {{- refused_by_rights('rights', 'alert') }}
        when {{ is_no_date }} then 'The due date must be a date such as 2026-01-31.'
        else 'An alert that is ' || states.state || ' needs nobody any more.'
    end as sentence
from {{ asked_alerts() }} as asked
left join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
left join {{ caller_rights(asked_customers()) }} as rights
    on states.customer_id = rights.customer_id
where
    not coalesce(rights.may_act, false)
    or states.state
    in ('RETAINED', 'LOST', 'REJECTED', 'SUPPRESSED', 'INVALID_ADDRESS', 'HELD_OUT', 'EXPIRED')
    or {{ is_no_date }}
