with

customers as (

    select
        customer_id,
        mask_region,
        sees_personal_data
    from {{ ref('manager_customers') }}

),

alerts as (

    {{ of_surviving_ids(ref('high_risk_history')) }}

),

drawn as (

    select
        alert_id,
        arm
    from {{ ref('drawn_alerts') }}

),

states as (

    select * from {{ ref('alert_states') }}

),

emails as (

    select * from {{ ref('shown_messages') }}

),

messages as (

    select
        alerts.alert_id,
        alerts.customer_id,
        alerts.score,
        alerts.threshold,
        coalesce({{ finite('alerts.value_at_risk') }}, 0) as value_at_risk,
        alerts.offer,
        drawn.arm,
        coalesce(states.state, alerts.status) as status,
        alerts.created_at as alerted_at,
        alerts.model_version,
        customers.mask_region,
        {{ masked('emails.subject', 'customers.sees_personal_data') }} as subject,
        {{ masked('emails.body', 'customers.sees_personal_data') }} as body,
        emails.provider,
        emails.checks,
        emails.drafted_at
    from alerts
    inner join customers on alerts.customer_id = customers.customer_id
    left join drawn on alerts.alert_id = drawn.alert_id
    left join states on alerts.alert_id = states.alert_id
    left join emails on alerts.alert_id = emails.alert_id

)

select * from messages
