{# The trainer that reads this writes to the stage. #}
{% do ref('churn_models') %}

with

features as (

    select * from {{ ref('training_features') }}

),

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

cutoffs as (

    select * from {{ ref('training_cutoffs') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

outcomes as (

    {{ churn_outcomes('cutoffs', 'daily') }}

),

-- Whoever got a message may have stayed because of it; a score is not about that. A message
-- works for a horizon, so those whose label window meets it teach nothing; the held out do.
treated as (

    {{ treated_snapshots('cutoffs') }}

),

-- Keys, segment, label, what the customer is worth, and features: only the last are learned from.
labelled as (

    select
        features.customer_id,
        features.cutoff_date,
        features.cutoff_date + {{ var('churn_horizon_days') }} as label_until_date,
        profiles.segment,
        {{ has_churned('outcomes') }} as has_churned,
        profiles.monthly_value,
        coalesce(outcomes.purchase_amount_after, 0) as spend_after,
        {{ feature_columns('features') }}
    from features
    left join outcomes
        on
            features.cutoff_date = outcomes.cutoff_date
            and features.customer_id = outcomes.customer_id
    left join profiles on features.customer_id = profiles.customer_id
    left join treated
        on
            features.cutoff_date = treated.cutoff_date
            and features.customer_id = treated.customer_id
    where
        {{ in_population('features.cutoff_date', 'features.') }}
        and treated.customer_id is null

)

select * from labelled
