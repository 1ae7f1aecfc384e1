with

customers as (

    select * from {{ ref('manager_customers') }}

),

messages as (

    select * from {{ ref('manager_messages') }}

),

health as (

    select * from {{ ref('pipeline_health') }}

),

model as (

    select * from {{ ref('active_churn_model') }}

),

customer_figures as (

    select
        count(*) as customers,
        count(case when band in ('high', 'low') then 1 end) as scored_customers,
        count(case when band = 'high' then 1 end) as customers_at_risk,
        coalesce(round(sum(case when band = 'high' then value_at_risk end), 2), 0) as value_at_risk
    from customers

),

message_figures as (

    select
        count(distinct case when alerted_at >= {{ utc_now() }} - interval '1 day' then alert_id end)
            as new_alerts,
        count(distinct case when status = 'DRAFTED' then alert_id end) as drafted_messages
    from messages

),

overview as (

    select
        customer_figures.*,
        message_figures.*,
        health.data_as_of,
        health.is_stale,
        health.rejected_events,
        model.version as model_version
    from customer_figures
    cross join message_figures
    cross join health
    left join model on 1 = 1

)

select * from overview
