{# What the customer of every alert, of both arms, really spent in the days after that of the alert,
   once these have passed in the data, and whether it had left by their end. One row per alert and
   span, once. #}
{% macro close_spend() %}
    insert into {{ ref('alert_spend') }} (alert_id, days, spend, closed_at, has_left)
    with {{ spans_of_alerts('closed.alert_id is null') }}
    select
        alert_id,
        days,
        spend,
        {{ as_of() }} as closed_at,
        has_left
    from spent
{% endmacro %}

{# What late events say of spans that have closed; see correct_outcomes. #}
{% macro correct_spend() %}
    update {{ ref('alert_spend') }} alert_spend
    set spend = spent.spend, has_left = spent.has_left, closed_at = {{ as_of() }}
    from (
        with {{ spans_of_alerts('closed.alert_id is not null') }}
        select
            alert_id,
            days,
            spend,
            has_left
        from spent
        where abs(spend - known_spend) >= 0.01 or has_left < known_has_left
    ) as spent
    where alert_spend.alert_id = spent.alert_id and alert_spend.days = spent.days
{% endmacro %}

{# CTEs: alerts and spans of days that have passed in the data, at most correction_days() ago if they
   are closed. Whoever was not active within the last horizon of a span, or for whom a cancellation
   stands at its end, has left by its end: a single visit soon after a message is no customer kept.
   Whoever pauses at its end has not left. Of the day of the alert only cancellations and pauses
   count. A span that is no longer than the horizon says no more than the outcome does.
   wanted: which of them, of closed (alert_spend). #}
{% macro spans_of_alerts(wanted) %}
    {%- set horizon = var('churn_horizon_days') -%}
    data_end as (
        {{ last_whole_day() }}
    ),
    spans as (
        {%- for days in spend_spans() %}
        select {{ days }} as days{{ ' union all' if not loop.last }}
        {%- endfor %}
    ),
    due as (
        select
            alerts.alert_id,
            {{ surviving_id('identities', 'alerts.customer_id') }} as surviving_id,
            spans.days,
            cast(alerts.created_at as date) as cutoff_date,
            cast(alerts.created_at as date) + spans.days as end_date,
            closed.spend as known_spend,
            closed.has_left as known_has_left
        from {{ ref('high_risk_history') }} as alerts
        cross join spans
        cross join data_end
        left join {{ ref('alert_spend') }} as closed
            on alerts.alert_id = closed.alert_id and spans.days = closed.days
        left join {{ ref('customer_identities') }} as identities
            on alerts.customer_id = identities.customer_id
        where
            {{ wanted }}
            and not {{ is_anonymous('alerts.customer_id') }}
            and cast(alerts.created_at as date) + spans.days <= data_end.last_date
            and (
                closed.alert_id is null
                or cast(alerts.created_at as date) + spans.days + {{ correction_days() }}
                > data_end.last_date
            )
    ),
    lived as (
        select
            due.alert_id,
            due.days,
            max(due.known_spend) as known_spend,
            max(due.known_has_left) as known_has_left,
            coalesce({{ spend(
                'case when daily.activity_date > due.cutoff_date then daily.purchase_amount else 0 end'
            ) }}, 0) as spend,
            max(case
                when daily.is_active and daily.activity_date > due.end_date - {{ horizon }} then 1
                else 0
            end) as was_active,
            {{- cancelled_and_paused(
                'max(case when daily.is_active then daily.activity_date end)', 'daily.'
            ) }}
        from due
        left join {{ ref('customer_activity_daily') }} as daily
            on
                due.surviving_id = daily.customer_id
                and daily.activity_date >= due.cutoff_date
                and daily.activity_date <= due.end_date
        group by due.alert_id, due.days
    ),
    spent as (
        select
            *,
            case
                when days <= {{ horizon }} then null
                when {{ is_paused('lived') }} then 0
                when was_active = 0 or cancelled_at is not null then 1
                else 0
            end as has_left
        from lived
    )
{% endmacro %}

{# After how many days spend is looked at: what a message brings at once, and whether it lasts. #}
{% macro spend_spans() %}{{ return([28, 84]) }}{% endmacro %}
