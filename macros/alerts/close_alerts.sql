{# What became of every alert whose horizon has passed in the data: the label of training, from the
   day of the alert on, of treated and held-out customers alike, whether a message was sent or not.
   One row per alert, once. While the loader is down no day passes. #}
{% macro close_alerts() %}
    insert into {{ ref('outcomes') }} (
        alert_id, customer_id, arm, churned, closed_at, horizon_days, value
    )
    with data_end as (
        select max(activity_date) - 1 as last_date from {{ ref('customer_activity_daily') }}
    ),
    due as (
        select
            alerts.alert_id,
            alerts.customer_id,
            alerts.arm,
            alerts.value_at_risk,
            cast(alerts.created_at as date) as cutoff_date
        from {{ ref('high_risk_history') }} as alerts
        left join {{ ref('outcomes') }} as closed on alerts.alert_id = closed.alert_id
        cross join data_end
        where
            closed.alert_id is null
            and cast(alerts.created_at as date) + {{ var('churn_horizon_days') }}
            <= data_end.last_date
    ),
    cutoffs as (
        select distinct cutoff_date from due
    ),
    daily as (
        select days.*
        from {{ ref('customer_activity_daily') }} as days
        inner join (select distinct customer_id from due) as customers
            on days.customer_id = customers.customer_id
    ),
    labels as (
        {{ churn_outcomes('cutoffs', 'daily') }}
    )
    select
        due.alert_id,
        due.customer_id,
        due.arm,
        {{ has_churned('labels') }} as churned,
        {{ as_of() }} as closed_at,
        {{ var('churn_horizon_days') }} as horizon_days,
        due.value_at_risk as value
    from due
    left join labels
        on due.cutoff_date = labels.cutoff_date and due.customer_id = labels.customer_id
{% endmacro %}
