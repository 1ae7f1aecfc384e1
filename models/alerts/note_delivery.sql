{# What became of a message, from its sender or from whoever reads the answers: HANDED_OVER, FAILED
   (certainly not on its way), UNKNOWN, INVALID_ADDRESS (no such spelling), BOUNCED, REPLIED or
   UNSUBSCRIBED. The same again adds nothing. Whoever bounced or unsubscribed is not written to any
   more; of an invalid address nothing is remembered against the customer, who may give another. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['alert_id', 'step', 'sender', 'detail'],
        'returns': ['alert_id', 'sentence'],
    }
) }}

insert into {{ ref('outbox') }} (
    message_id, alert_id, customer_id, step, attempt, sender, detail, noted_at
)
select
    deliveries.message_id,
    deliveries.alert_id,
    deliveries.customer_id,
    {{ parameter('step') }} as step,
    deliveries.attempt,
    {{ parameter('sender') }} as sender,
    {{ parameter('detail') }} as detail,
    {{ as_of() }} as noted_at
from {{ latest_deliveries() }} as deliveries
where
    deliveries.alert_id = {{ parameter('alert_id') }}
    and {{ delivery_order(parameter('step')) }} > {{ delivery_order('deliveries.step') }}
    and deliveries.step <> 'QUEUED';
insert into {{ ref('suppressions') }} (customer_id, reason, actor, noted_at)
select
    deliveries.customer_id,
    lower(deliveries.step) as reason,
    deliveries.sender as actor,
    {{ as_of() }} as noted_at
from {{ latest_deliveries() }} as deliveries
left join {{ ref('suppressions') }} as known
    on deliveries.customer_id = known.customer_id and lower(deliveries.step) = known.reason
where
    deliveries.alert_id = {{ parameter('alert_id') }}
    and deliveries.step in ('BOUNCED', 'UNSUBSCRIBED')
    and known.customer_id is null;
{{ move_alerts(delivered_alerts()) }};
select
    asked.alert_id,
    case
        when {{ delivery_order(parameter('step')) }} is null
            then
                'There is no step ' || {{ parameter('step') }}
                || ': the steps are {{ noted_steps() | join(", ") }}.'
        when deliveries.alert_id is null then 'There is no message for this alert.'
        else 'The message is ' || deliveries.step || ' already.'
    end as sentence
from (select {{ parameter('alert_id') }} as alert_id) as asked
left join {{ latest_deliveries() }} as deliveries on asked.alert_id = deliveries.alert_id
where coalesce(deliveries.step, '') <> {{ parameter('step') }}
