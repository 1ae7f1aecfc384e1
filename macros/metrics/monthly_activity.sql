{# What a customer did in a calendar month, from days: all that lifelong figures need of it, so that
   a row of CHURN_METRICS_LIVE never reads the days of years. For serving (keys: customer_id) and
   for training (keys: cutoff_date, customer_id).

   daily: a CTE with the columns of customer_activity_daily and the keys. #}
{% macro monthly_activity(daily, keys) %}
    {%- set key_list = keys | join(', ') -%}
    with spaced as (

        select
            *,
            case
                when is_active then datediff(
                    'day',
                    lag(activity_date) over (
                        partition by {{ key_list }}, activity_month, is_active
                        order by activity_date
                    ),
                    activity_date
                )
            end as gap_days
        from {{ daily }}

    )

    select
        {{ key_list }},
        activity_month,
        min(first_event_at) as first_event_at,
        max(last_active_at) as last_active_at,
        max(last_cancelled_at) as last_cancelled_at,
        max(last_paused_at) as last_paused_at,
        max(last_resumed_at) as last_resumed_at,
        min(case when is_active then activity_date end) as first_active_date,
        max(case when is_active then activity_date end) as last_active_date,
        count(case when is_active then 1 end) as active_days,
        cast(sum(event_count) as bigint) as event_count,
        round(sum(purchase_amount), 4) as purchase_amount,
        max(gap_days) as gap_days_max,
        cast(sum(gap_days * gap_days) as bigint) as gap_days_squared
    from spaced
    group by {{ key_list }}, activity_month
{% endmacro %}
