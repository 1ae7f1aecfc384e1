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

alerts as (

    select * from {{ ref('drawn_alerts') }}

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

history as (

    {{ history_days('cutoffs', 'daily') }}

),

monthly as (

    {{ history_months('cutoffs', 'whole_months', 'history') }}

),

{{ lifelong_metrics('monthly', ['cutoff_date', 'customer_id']) }},

new_customers as (

    select
        cutoff_date,
        customer_id
    from lifelong
    where {{ is_too_new('cutoff_date') }}

),

outcomes as (

    {{ churn_outcomes('new_customers', 'daily', by_customer=true) }}

),

-- Whoever was scored later on may have had a message.
weights as (

    {{ snapshot_weights('new_customers', 'alerts', 'policies', by_customer=true) }}

),

labelled as (

    select
        coalesce(profiles.segment, 'unknown') as segment,
        {{ has_churned('outcomes') }} as has_churned,
        coalesce(weights.snapshot_weight, 1.0) as weight
    from new_customers
    left join outcomes
        on
            new_customers.cutoff_date = outcomes.cutoff_date
            and new_customers.customer_id = outcomes.customer_id
    left join weights
        on
            new_customers.cutoff_date = weights.cutoff_date
            and new_customers.customer_id = weights.customer_id
    left join profiles on new_customers.customer_id = profiles.customer_id

),

shares as (

    {{ shrunken_shares('labelled') }}

)

select * from shares
