{# What became of every alert whose horizon has passed in the data: the label of training, from the
   day of the alert on, of treated and held-out customers alike, whether a message was sent or not.
   One row per alert, once. While the loader is down no day passes. #}
{% macro close_alerts() %}
    insert into {{ ref('outcomes') }} (
        alert_id, customer_id, arm, churned, closed_at, horizon_days, value
    )
    with {{ labelled_alerts('closed.alert_id is null') }}
    select
        alert_id,
        customer_id,
        arm,
        churned,
        {{ as_of() }} as closed_at,
        {{ var('churn_horizon_days') }} as horizon_days,
        value_at_risk as value
    from labelled
{% endmacro %}

{# Events may arrive after their day has closed: whoever was said to have left, and by the label of
   today has stayed, has stayed. #}
{% macro correct_outcomes() %}
    update {{ ref('outcomes') }} outcomes
    set churned = 0, closed_at = {{ as_of() }}
    from (
        with {{ labelled_alerts('closed.churned = 1') }}
        select alert_id
        from labelled
        where churned = 0
    ) as labelled
    where outcomes.alert_id = labelled.alert_id
{% endmacro %}

{# CTEs: alerts whose horizon has passed in the data, at most correction_days() ago if they are
   closed, with the label as the data says it now. wanted: which of them, of closed (outcomes). #}
{% macro labelled_alerts(wanted) %}
    {%- set horizon = var('churn_horizon_days') -%}
    data_end as (
        {{ last_whole_day() }}
    ),
    due as (
        select
            alerts.alert_id,
            alerts.customer_id,
            {{ surviving_id('identities', 'alerts.customer_id') }} as surviving_id,
            alerts.arm,
            alerts.value_at_risk,
            cast(alerts.created_at as date) as cutoff_date
        from {{ ref('high_risk_history') }} as alerts
        left join {{ ref('outcomes') }} as closed on alerts.alert_id = closed.alert_id
        left join {{ ref('customer_identities') }} as identities
            on alerts.customer_id = identities.customer_id
        cross join data_end
        where
            {{ wanted }}
            and not {{ is_anonymous('alerts.customer_id') }}
            and cast(alerts.created_at as date) + {{ horizon }} <= data_end.last_date
            and (
                closed.alert_id is null
                or cast(alerts.created_at as date) + {{ horizon + correction_days() }}
                > data_end.last_date
            )
    ),
    cutoffs as (
        select distinct cutoff_date from due
    ),
    daily as (
        select days.*
        from {{ ref('customer_activity_daily') }} as days
        inner join (select distinct surviving_id from due) as customers
            on days.customer_id = customers.surviving_id
    ),
    labels as (
        {{ churn_outcomes('cutoffs', 'daily') }}
    ),
    labelled as (
        select
            due.*,
            {{ has_churned('labels') }} as churned
        from due
        left join labels
            on due.cutoff_date = labels.cutoff_date and due.surviving_id = labels.customer_id
    )
{% endmacro %}

{# The last day that is over in the data. #}
{% macro last_whole_day() %}
        select max(activity_date) - 1 as last_date from {{ ref('customer_activity_daily') }}
{%- endmacro %}

{# For how many days of data after an alert has closed late events still correct what became of it. #}
{% macro correction_days() %}{{ return(28) }}{% endmacro %}
