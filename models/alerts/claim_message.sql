{# A sender takes the message that waits longest, before it hands it over: so that a sender that
   dies leaves behind that it had begun. Whether the customer may be written to is asked once more.
   The answer is the message, or nothing when none waits. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['claim_id', 'sender'],
        'returns': ['alert_id', 'message_id', 'attempt', 'recipient', 'subject', 'body'],
    }
) }}

{{ move_alerts(suppressed_messages()) }};
insert into {{ ref('outbox') }} (
    message_id, alert_id, customer_id, step, attempt, sender, detail, noted_at
)
select
    message_id,
    alert_id,
    customer_id,
    'HANDING_OVER' as step,
    attempt + 1 as attempt,
    {{ parameter('sender') }} as sender,
    {{ parameter('claim_id') }} as detail,
    {{ as_of() }} as noted_at
from {{ waiting_messages(as_of()) }} as waiting
where suppressed_because is null and place = 1;
select
    claimed.alert_id,
    claimed.message_id,
    cast(claimed.attempt as {{ dbt.type_string() }}) as attempt,
    mail_address(profiles.email) as recipient,
    drafts.subject,
    drafts.body
from {{ ref('outbox') }} as claimed
inner join {{ ref('current_drafts') }} as drafts on claimed.alert_id = drafts.alert_id
inner join {{ ref('customer_profiles') }} as profiles
    on claimed.customer_id = profiles.customer_id
where claimed.detail = {{ parameter('claim_id') }} and claimed.step = 'HANDING_OVER'
