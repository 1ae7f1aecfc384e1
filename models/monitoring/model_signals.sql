-- What the model that serves was worth when it was tested, and what has been seen of it since: the
-- greatest drift of the latest week, and the latest week whose labels have closed.
{{ config(materialized='ephemeral') }}

with

active as (

    select * from {{ ref('active_churn_model') }}

),

drift as (

    select population_drift.*
    from {{ ref('population_drift') }} as population_drift
    inner join active on population_drift.model_version = active.version
    where not population_drift.grows_by_nature
    qualify row_number() over (
        order by
            population_drift.week desc,
            -- Beside what it takes to be major: features with fewer bins need less.
            population_drift.psi / nullif(population_drift.major_from, 0) desc,
            population_drift.feature asc
    ) = 1

),

quality as (

    select live.*
    from {{ ref('model_live_quality') }} as live
    inner join active on live.model_version = active.version
    qualify row_number() over (order by live.week desc) = 1

),

signals as (

    select
        active.version as active_version,
        active.trained_at,
        try_cast(active.test_cutoff_date as date) as test_cutoff_date,
        active.roc_auc,
        active.roc_auc_low,
        drift.week as drift_week,
        drift.psi as worst_psi,
        drift.feature as worst_psi_feature,
        drift.major_from as worst_psi_major_from,
        drift.n as worst_psi_n,
        quality.week as live_week,
        quality.n as live_n,
        quality.churners as live_churners,
        quality.roc_auc as live_roc_auc,
        quality.predicted as live_predicted,
        quality.observed as live_observed,
        quality.calibration_z as live_calibration_z
    from active
    left join drift on 1 = 1
    left join quality on 1 = 1

)

select * from signals
