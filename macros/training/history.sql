{# What was known of each customer at each cut-off, in days and in months, so that training reads no
   more than serving does. Months that were over by the cut-off are as they are for everybody; only
   the cut-off's own month is counted up to its day.

   A merge of two ids is known from its own day on. Of customers with a later one, days and months are
   counted anew from events, by the ids that were joined at the cut-off. #}

{# Customers of today with a merge after a cut-off, one row per cut-off and customer. #}
{% macro merged_later(cutoffs) %}
    select distinct
        {{ cutoffs }}.cutoff_date,
        identities.surviving_id as customer_id
    from {{ cutoffs }}
    inner join {{ ref('customer_identities') }} as identities
        on cast(identities.known_at as date) > {{ cutoffs }}.cutoff_date
{% endmacro %}

{# Their days up to the cut-off, by the ids that were joined then, in the columns of history_days.
   merged_later: a CTE of merged_later. #}
{% macro days_before_merges(merged_later) %}
    with known as (
        select
            cutoffs.cutoff_date,
            steps.customer_id,
            max_by(steps.surviving_id, steps.hops) as known_id
        from (select distinct cutoff_date from {{ merged_later }}) as cutoffs
        inner join {{ ref('customer_identity_steps') }} as steps
            on cast(steps.known_at as date) <= cutoffs.cutoff_date
        group by cutoffs.cutoff_date, steps.customer_id
    ),
    events_before as (
        select
            {{ merged_later }}.cutoff_date,
            coalesce(known.known_id, events.source_customer_id) as customer_id,
            events.activity_date,
            events.category,
            events.amount,
            events.occurred_at
        from {{ merged_later }}
        inner join {{ ref('customer_events') }} as events
            on
                {{ merged_later }}.customer_id = events.customer_id
                and events.activity_date <= {{ merged_later }}.cutoff_date
        left join known
            on
                {{ merged_later }}.cutoff_date = known.cutoff_date
                and events.source_customer_id = known.customer_id
    )
    {{ daily_activity('events_before', ['cutoff_date', 'customer_id']) }}
{% endmacro %}

{# Days up to each cut-off. Windows end at a customer's last active day, and who was not active
   within the population's window is not in the population: earlier days are in no window.
   merged_later, earlier_days: CTEs of merged_later and days_before_merges. #}
{% macro history_days(cutoffs, daily, merged_later, earlier_days) %}
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
    {{ without_merged_later(cutoffs, daily, merged_later) }}
    union all
    select *
    from {{ earlier_days }}
    where activity_month >= {{ first_of_month('cutoff_date - ' ~ longest) }}
{% endmacro %}

{# The end of a query over cut-offs and days or months: without customers with a later merge. #}
{% macro without_merged_later(cutoffs, counted, merged_later) -%}
    left join {{ merged_later }}
        on
            {{ cutoffs }}.cutoff_date = {{ merged_later }}.cutoff_date
            and {{ counted }}.customer_id = {{ merged_later }}.customer_id
    where {{ merged_later }}.customer_id is null
{%- endmacro %}

{# Months up to each cut-off. history: the alias of history_days; the others as there. #}
{% macro history_months(cutoffs, monthly, history, merged_later, earlier_days) %}
    {%- set columns = [
        'customer_id', 'activity_month', 'first_event_at', 'last_active_at', 'last_cancelled_at',
        'last_paused_at', 'last_resumed_at', 'first_active_date', 'last_active_date', 'active_days', 'event_count',
        'purchase_amount', 'gap_days_max', 'gap_days_squared',
    ] %}
    with last_days as (
        select * from {{ history }} where activity_month = {{ first_of_month('cutoff_date') }}
        union all
        select * from {{ earlier_days }} where activity_month < {{ first_of_month('cutoff_date') }}
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
    {{ without_merged_later(cutoffs, monthly, merged_later) }}
    union all
    select cutoff_date, {{ columns | join(', ') }} from last_months
{% endmacro %}
