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

emails as (

    select
        alert_id,
        max(created_at) as drafted_at
    from {{ ref('retention_emails') }}
    where status = 'DRAFTED'
    group by alert_id

),

queue as (

    select
        customers.customer_id,
        customers.name,
        customers.region,
        customers.segment,
        customers.score,
        customers.value_at_risk,
        customers.top_reasons,
        customers.last_activity_at,
        customers.band_since,
        customers.model_version,
        customers.scored_at,
        alerts.alert_id,
        alerts.created_at as alerted_at,
        alerts.arm,
        case when emails.alert_id is not null then 'DRAFTED' else alerts.status end as alert_status
    from customers
    left join alerts on customers.customer_id = alerts.customer_id
    left join emails on alerts.alert_id = emails.alert_id
    where customers.band = 'high'

)

select * from queue
