with

customers as (

    select customer_id from {{ ref('manager_customers') }}

),

alerts as (

    select * from {{ ref('high_risk_history') }}

),

emails as (

    select * from {{ ref('retention_emails') }}

),

messages as (

    select
        alerts.alert_id,
        alerts.customer_id,
        alerts.score,
        alerts.threshold,
        alerts.value_at_risk,
        alerts.offer,
        alerts.arm,
        case when emails.status = 'DRAFTED' then 'DRAFTED' else alerts.status end as status,
        alerts.created_at as alerted_at,
        alerts.model_version,
        case when emails.alert_id is not null then {{ masked('emails.subject') }} end as subject,
        case when emails.alert_id is not null then {{ masked('emails.body') }} end as body,
        emails.provider,
        emails.checks,
        emails.created_at as drafted_at
    from alerts
    inner join customers on alerts.customer_id = customers.customer_id
    left join emails on alerts.alert_id = emails.alert_id

)

select * from messages
