{# What the customer of every alert, of both arms, really spent in the days after that of the alert,
   once these have passed in the data. One row per alert and span, once. #}
{% macro close_spend() %}
    insert into {{ ref('alert_spend') }} (alert_id, days, spend, closed_at)
    with data_end as (
        select max(activity_date) - 1 as last_date from {{ ref('customer_activity_daily') }}
    ),
    spans as (
        {%- for days in spend_spans() %}
        select {{ days }} as days{{ ' union all' if not loop.last }}
        {%- endfor %}
    ),
    due as (
        select
            alerts.alert_id,
            alerts.customer_id,
            spans.days,
            cast(alerts.created_at as date) as cutoff_date
        from {{ ref('high_risk_history') }} as alerts
        cross join spans
        cross join data_end
        left join {{ ref('alert_spend') }} as closed
            on alerts.alert_id = closed.alert_id and spans.days = closed.days
        where
            closed.alert_id is null
            and cast(alerts.created_at as date) + spans.days <= data_end.last_date
    )
    select
        due.alert_id,
        due.days,
        coalesce({{ spend('daily.purchase_amount') }}, 0) as spend,
        {{ as_of() }} as closed_at
    from due
    left join {{ ref('customer_activity_daily') }} as daily
        on
            due.customer_id = daily.customer_id
            and daily.activity_date > due.cutoff_date
            and daily.activity_date <= due.cutoff_date + due.days
    group by due.alert_id, due.days
{% endmacro %}

{# After how many days spend is looked at: what a message brings at once, and whether it lasts. #}
{% macro spend_spans() %}{{ return([28, 84]) }}{% endmacro %}
