with

signals as (

    select * from {{ ref('model_signals') }}

),

runs as (

    select max(try_cast(test_cutoff_date as date)) as last_test_cutoff_date
    from {{ ref('train_churn_model') }}

),

closed as (

    select max(cutoff_date) as labels_closed_to from {{ ref('training_cutoffs') }}

),

pipeline as (

    select * from {{ ref('pipeline_health') }}

),

facts as (

    select
        signals.*,
        pipeline.last_scored_at,
        datediff('minute', pipeline.last_scored_at, {{ utc_now() }}) / 60.0 as score_age_hours,
        not pipeline.is_stale and not pipeline.is_history as is_fresh,
        closed.labels_closed_to,
        datediff('day', runs.last_test_cutoff_date, closed.labels_closed_to) as new_label_days
    from runs
    cross join closed
    cross join pipeline
    left join signals on 1 = 1

),

reasoned as (

    select
        *,
        {{ retrain_reasons() }} as why
    from facts

),

health as (

    select
        *,
        why <> '' as retrain_due
    from reasoned

)

select * from health
