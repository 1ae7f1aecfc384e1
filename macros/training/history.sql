{# What was known of each customer at each cut-off, in days and in months, so that training reads no
   more than serving does. Months that were over by the cut-off are as they are for everybody; only
   the cut-off's own month is counted up to its day. #}

{# Days up to each cut-off. Windows end at a customer's last active day, and who was not active
   within the population's window is not in the population: earlier days are in no window. #}
{% macro history_days(cutoffs, daily) %}
    {%- set longest = days_before() + var('population_window_days') | int %}
    select
        {{ cutoffs }}.cutoff_date,
        {{ daily }}.*
    from {{ cutoffs }}
    inner join {{ daily }}
        on
            {{ daily }}.activity_date <= {{ cutoffs }}.cutoff_date
            and {{ daily }}.activity_month
            >= {{ first_of_month(cutoffs ~ '.cutoff_date - ' ~ longest) }}
{% endmacro %}

{# Months up to each cut-off. history: the alias of history_days. #}
{% macro history_months(cutoffs, monthly, history) %}
    {%- set columns = [
        'customer_id', 'activity_month', 'first_event_at', 'last_active_at', 'last_cancelled_at',
        'last_paused_at', 'last_resumed_at', 'first_active_date', 'last_active_date', 'active_days', 'event_count',
        'purchase_amount', 'gap_days_max', 'gap_days_squared',
    ] %}
    with last_days as (
        select * from {{ history }} where activity_month = {{ first_of_month('cutoff_date') }}
    ),
    last_months as (
        {{ monthly_activity('last_days', ['cutoff_date', 'customer_id']) }}
    )
    select
        {{ cutoffs }}.cutoff_date,
        {{ monthly }}.{{ columns | join(', ' ~ monthly ~ '.') }}
    from {{ cutoffs }}
    inner join {{ monthly }}
        on {{ monthly }}.activity_month < {{ first_of_month(cutoffs ~ '.cutoff_date') }}
    union all
    select cutoff_date, {{ columns | join(', ') }} from last_months
{% endmacro %}
