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
   are closed. Whoever was not active within the last horizon of a span, or cancelled in it, has left
   by its end: a single visit soon after a message is no customer kept. A span that is no longer
   than the horizon says no more than the outcome does.
   wanted: which of them, of closed (alert_spend). #}
{% macro spans_of_alerts(wanted) %}
    {%- set horizon = var('churn_horizon_days') -%}
    {%- set is_last = 'daily.activity_date > due.end_date - ' ~ horizon -%}
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
    spent as (
        select
            due.alert_id,
            due.days,
            max(due.known_spend) as known_spend,
            max(due.known_has_left) as known_has_left,
            coalesce({{ spend('daily.purchase_amount') }}, 0) as spend,
            case
                when due.days <= {{ horizon }} then null
                when
                    max(case when {{ is_last }} and daily.is_active then 1 else 0 end) = 0
                    or max(case when {{ is_last }} and daily.cancellation_count > 0
                        then 1 else 0 end) = 1
                    then 1
                else 0
            end as has_left
        from due
        left join {{ ref('customer_activity_daily') }} as daily
            on
                due.surviving_id = daily.customer_id
                and daily.activity_date > due.cutoff_date
                and daily.activity_date <= due.end_date
        group by due.alert_id, due.days
    )
{% endmacro %}

{# After how many days spend is looked at: what a message brings at once, and whether it lasts. #}
{% macro spend_spans() %}{{ return([28, 84]) }}{% endmacro %}
