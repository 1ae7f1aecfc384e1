with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

whole_months as (

    select * from {{ ref('customer_activity_monthly') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

identities as (

    select * from {{ ref('customer_identities') }}

),

alerts as (

    {{ of_surviving_ids(ref('drawn_alerts')) }}

),

policies as (

    select * from {{ ref('alert_policy') }}

),

bounds as (

    select min(activity_date) as first_date from daily

),

-- Soon after the data begin everybody looks new.
cutoffs as (

    select all_cutoffs.cutoff_date
    from {{ ref('training_cutoffs') }} as all_cutoffs
    cross join bounds
    where all_cutoffs.cutoff_date >= bounds.first_date + {{ var('population_window_days') }}

),

merged_later as (

    {{ merged_later('cutoffs') }}

),

earlier_days as (

    {{ days_before_merges('merged_later') }}

),

history as (

    {{ history_days('cutoffs', 'daily', 'merged_later', 'earlier_days') }}

),

monthly as (

    {{ history_months('cutoffs', 'whole_months', 'history', 'merged_later', 'earlier_days') }}

),

{{ lifelong_metrics('monthly', ['cutoff_date', 'customer_id']) }},

new_customers as (

    select
        cutoff_date,
        customer_id
    from lifelong
    where {{ is_too_new('cutoff_date') }}

),

-- What became of an id that is merged later is what became of the one customer.
people as (

    select
        new_customers.cutoff_date,
        new_customers.customer_id as known_id,
        {{ surviving_id('identities', 'new_customers.customer_id') }} as customer_id
    from new_customers
    left join identities on new_customers.customer_id = identities.customer_id

),

asked as (

    select distinct
        cutoff_date,
        customer_id
    from people

),

outcomes as (

    {{ churn_outcomes('asked', 'daily', by_customer=true) }}

),

-- Whoever was scored later on may have had a message.
weights as (

    {{ snapshot_weights('asked', 'alerts', 'policies', by_customer=true) }}

),

labelled as (

    select
        coalesce(profiles.segment, 'unknown') as segment,
        {{ has_churned('outcomes') }} as has_churned,
        coalesce(weights.snapshot_weight, 1.0) as weight
    from people
    left join outcomes
        on
            people.cutoff_date = outcomes.cutoff_date
            and people.customer_id = outcomes.customer_id
    left join weights
        on
            people.cutoff_date = weights.cutoff_date
            and people.customer_id = weights.customer_id
    left join profiles on people.customer_id = profiles.customer_id

),

shares as (

    {{ shrunken_shares('labelled') }}

)

select * from shares
