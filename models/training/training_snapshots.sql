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

identities as (

    select * from {{ ref('customer_identities') }}

),

alerts as (

    {{ of_surviving_ids(ref('drawn_alerts')) }}

),

policies as (

    select * from {{ ref('alert_policy') }}

),

outcomes as (

    {{ churn_outcomes('cutoffs', 'daily') }}

),

-- A label may know the future: of an id that is merged later, it is what the one customer did.
people as (

    select
        features.*,
        {{ surviving_id('identities', 'features.customer_id') }} as surviving_id
    from features
    left join identities on features.customer_id = identities.customer_id

),

-- Whoever was treated may have stayed because of it; a score is not about that. The held out
-- stand for them.
weights as (

    {{ snapshot_weights('cutoffs', 'alerts', 'policies') }}

),

-- Keys, segment, region, label, its day, weight, who was gone already, what the customer is worth,
-- and features: only the last are learned from.
labelled as (

    select
        people.customer_id,
        people.cutoff_date,
        people.cutoff_date + {{ var('churn_horizon_days') }} as label_until_date,
        profiles.segment,
        profiles.region,
        {{ has_churned('outcomes') }} as has_churned,
        {{ churn_day(
            'outcomes', 'people.last_activity_at', 'people.cutoff_date'
        ) }} as churn_day,
        weights.alert_arm,
        coalesce(weights.snapshot_weight, 1.0) as snapshot_weight,
        {{ has_lapsed('people.last_activity_at', 'people.cutoff_date') }} as has_lapsed,
        profiles.monthly_value,
        coalesce(outcomes.purchase_amount_after, 0) as spend_after,
        {{ feature_columns('people') }}
    from people
    left join outcomes
        on
            people.cutoff_date = outcomes.cutoff_date
            and people.surviving_id = outcomes.customer_id
    left join profiles on people.surviving_id = profiles.customer_id
    left join weights
        on
            people.cutoff_date = weights.cutoff_date
            and people.surviving_id = weights.customer_id
    where {{ in_population('people.cutoff_date', 'people.') }}

)

select * from labelled
