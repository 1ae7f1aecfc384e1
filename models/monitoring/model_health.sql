with

active as (

    select * from {{ ref('active_churn_model') }}

),

runs as (

    select max(cast(nullif(test_cutoff_date, '') as date)) as last_test_cutoff_date
    from {{ ref('train_churn_model') }}

),

closed as (

    select max(cutoff_date) as labels_closed_to from {{ ref('training_cutoffs') }}

),

pipeline as (

    select * from {{ ref('pipeline_health') }}

),

drift as (

    select population_drift.*
    from {{ ref('population_drift') }} as population_drift
    inner join active on population_drift.model_version = active.version
    where not population_drift.grows_by_nature
    qualify row_number() over (
        order by population_drift.week desc, population_drift.psi desc, population_drift.feature asc
    ) = 1

),

quality as (

    select live.*
    from {{ ref('model_live_quality') }} as live
    inner join active on live.model_version = active.version
    qualify row_number() over (order by live.week desc) = 1

),

facts as (

    select
        active.version as active_version,
        active.trained_at,
        cast(nullif(active.test_cutoff_date, '') as date) as test_cutoff_date,
        active.roc_auc,
        active.roc_auc_low,
        pipeline.last_scored_at,
        datediff('minute', pipeline.last_scored_at, {{ utc_now() }}) / 60.0 as score_age_hours,
        not pipeline.is_stale as is_fresh,
        closed.labels_closed_to,
        datediff('day', runs.last_test_cutoff_date, closed.labels_closed_to) as new_label_days,
        drift.week as drift_week,
        drift.psi as worst_psi,
        drift.feature as worst_psi_feature,
        quality.week as live_week,
        quality.n as live_n,
        quality.churners as live_churners,
        quality.roc_auc as live_roc_auc,
        quality.predicted as live_predicted,
        quality.observed as live_observed,
        quality.calibration_z as live_calibration_z
    from runs
    cross join closed
    cross join pipeline
    left join active on 1 = 1
    left join drift on 1 = 1
    left join quality on 1 = 1

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
