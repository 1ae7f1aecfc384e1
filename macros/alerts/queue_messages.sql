{# Puts approved messages into the outbox, after asking once more whether their customers may be
   written to: days may lie between approval and this. Nothing of the holdout arm is ever queued, even
   if a mistake elsewhere had approved it. Safe to run again: a message is queued once. #}
{% macro queue_messages() %}
{{ move_alerts(suppressed_alerts()) }};
insert into {{ ref('outbox') }} (
    message_id, alert_id, customer_id, step, attempt, sender, detail, noted_at
)
select
    states.alert_id || '@{{ sender_domain() }}' as message_id,
    states.alert_id,
    states.customer_id,
    'QUEUED' as step,
    0 as attempt,
    null as sender,
    'revision ' || drafts.revision as detail,
    {{ as_of() }} as noted_at
from {{ ref('alert_states') }} as states
inner join {{ ref('high_risk_history') }} as alerts on states.alert_id = alerts.alert_id
inner join {{ ref('current_drafts') }} as drafts on states.alert_id = drafts.alert_id
inner join {{ contact_suppressions(
    as_of(), '(select customer_id from ' ~ ref('alert_states') ~ " where state = 'APPROVED')"
) }} as contacts
    on states.customer_id = contacts.customer_id
left join {{ ref('outbox') }} as queued on states.alert_id = queued.alert_id
where
    states.state = 'APPROVED'
    and alerts.arm = 'treated'
    and drafts.status = 'DRAFTED'
    and contacts.suppressed_because is null
    and queued.alert_id is null;
{{ move_alerts(queued_alerts()) }}
{% endmacro %}

{# What stands behind the @ of the sender's address; ids of messages end with it. #}
{% macro sender_domain() -%}
    {{ return((var('sender_address') | string).split('@')[-1] | replace('>', '') | trim) }}
{%- endmacro %}
