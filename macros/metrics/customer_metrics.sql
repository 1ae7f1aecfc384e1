{# The one definition of CHURN_METRICS_LIVE, for serving (keys: customer_id) and for training
   (keys: cutoff_date, customer_id). There is no clock in it: every window ends at the customer's
   own last active day, so a row changes only when its customer's events do.

   daily: a CTE with the columns of customer_activity_daily and the keys.
   keys:  the columns that make a row, a list.
   Sums and means are rounded, so that the order of summation never looks like a change. #}
{% macro customer_metrics(daily, keys) %}
    {%- set key_list = keys | join(', ') -%}
    {%- set windows = [7, 28, 84] -%}
    with anchored as (

        select
            *,
            max(case when is_active then activity_date end)
                over (partition by {{ key_list }}) as last_active_date,
            case
                when is_active then datediff(
                    'day',
                    lag(activity_date)
                        over (partition by {{ key_list }}, is_active order by activity_date),
                    activity_date
                )
            end as gap_days,
            case
                when is_active then row_number()
                    over (partition by {{ key_list }}, is_active order by activity_date desc)
            end as active_day_rank
        from {{ daily }}

    ),

    aggregated as (

        select
            {{ key_list }},
            min(first_event_at) as first_seen_at,
            max(last_active_at) as last_activity_at,
            min(first_cancelled_at) as cancelled_at,
            max(
                case
                    when active_day_rank = {{ var('population_min_active_days') }}
                        then activity_date
                end
            ) as qualifying_active_date,
            count(case when is_active then 1 end) as active_days_total,
            cast(sum(event_count) as bigint) as events_total,
            {%- for days in windows %}
            {%- set within -%}
                activity_date > last_active_date - {{ days }} and activity_date <= last_active_date
            {%- endset %}
            count(case when is_active and {{ within }} then 1 end) as active_days_{{ days }}d,
            {%- for count in ['activity', 'purchase', 'friction', 'marketing'] %}
            cast(sum(case when {{ within }} then {{ count }}_count else 0 end) as bigint)
                as {{ count }}_count_{{ days }}d,
            {%- endfor %}
            round(sum(case when {{ within }} then purchase_amount else 0 end), 4)
                as purchase_amount_{{ days }}d,
            {%- endfor %}
            {%- for count in ['friction', 'marketing'] %}
            cast(sum(case when activity_date > last_active_date then {{ count }}_count else 0 end)
                as bigint) as {{ count }}_count_since_last_activity,
            {%- endfor %}
            round(sum(purchase_amount), 4) as purchase_amount_total,
            round(avg(cast(gap_days as double)), 6) as gap_days_mean,
            max(gap_days) as gap_days_max,
            round(stddev_samp(cast(gap_days as double)), 6) as gap_days_stddev
        from anchored
        group by {{ key_list }}

    )

    select
        *,
        {{ trend('active_days_7d', 7, 'active_days_28d', 28) }} as active_days_trend_7d_28d,
        {{ trend('active_days_28d', 28, 'active_days_84d', 84) }} as active_days_trend_28d_84d,
        {{ trend('purchase_amount_28d', 28, 'purchase_amount_84d', 84) }}
            as purchase_amount_trend_28d_84d
    from aggregated
{% endmacro %}

{# A short window's daily rate over a long window's: 1 is steady, 0 is stopped, and 1 where the
   long window is empty, because nothing then has changed. #}
{% macro trend(short, short_days, long, long_days) -%}
    case
        when {{ long }} = 0 then 1.0
        else round(
            (cast({{ short }} as double) / {{ short_days }}) / (cast({{ long }} as double) / {{ long_days }}),
            6
        )
    end
{%- endmacro %}
