with

customers as (

    select * from {{ ref('manager_customers') }}

),

alerts as (

    select *
    from {{ ref('high_risk_history') }}
    qualify row_number() over (
        partition by customer_id order by created_at desc, alert_id asc
    ) = 1

),

drawn as (

    select
        alert_id,
        arm
    from {{ ref('drawn_alerts') }}

),

progress as (

    select * from {{ ref('alert_progress') }}

),

drafts as (

    select * from {{ ref('current_drafts') }}

),

week_old_scores as (

    select * from {{ ref('week_old_scores') }}

),

contacts as (

    select
        sent.customer_id,
        max(events.occurred_at) as last_contact_at
    from {{ ref('alert_events') }} as events
    inner join ({{ of_surviving_ids(ref('high_risk_history')) }}) as sent
        on events.alert_id = sent.alert_id
    where events.to_state = 'SENT'
    group by sent.customer_id

),

queue as (

    select
        customers.customer_id,
        customers.name,
        customers.region,
        customers.mask_region,
        customers.segment,
        customers.score,
        week_old_scores.score as score_a_week_ago,
        customers.value_at_risk,
        customers.top_reasons,
        customers.first_reason,
        customers.last_activity_at,
        customers.has_lapsed,
        contacts.last_contact_at,
        customers.band_since,
        customers.model_version,
        customers.scored_at,
        customers.score_7d,
        customers.score_14d,
        customers.alike_n,
        customers.alike_left,
        customers.alike_left_low,
        customers.alike_left_high,
        alerts.alert_id,
        alerts.created_at as alerted_at,
        drawn.arm,
        coalesce(progress.state, alerts.status) as alert_status,
        {{ is_marked('drafts') }} as is_marked,
        progress.owner,
        progress.due_on,
        {{ alert_priority('customers') }} as priority,
        {{ alert_order_used() }} as order_used,
        customers.may_act
    from customers
    left join alerts on customers.customer_id = alerts.customer_id
    left join drawn on alerts.alert_id = drawn.alert_id
    left join progress on alerts.alert_id = progress.alert_id
    left join drafts on alerts.alert_id = drafts.alert_id
    left join week_old_scores on customers.customer_id = week_old_scores.customer_id
    left join contacts on customers.customer_id = contacts.customer_id
    {{ alert_priority_joins('customers') }}
    where customers.band = 'high'

)

select * from queue
