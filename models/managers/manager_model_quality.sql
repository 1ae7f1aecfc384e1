-- Sums over customers, none of them named: every role sees all of them.
with

quality as (

    select * from {{ ref('model_live_quality') }}

),

figures as (

    select
        week,
        model_version,
        n,
        churners,
        treated,
        roc_auc,
        roc_auc_low,
        roc_auc_high,
        brier,
        predicted,
        observed,
        calibration_z,
        least(churners, n - churners) < {{ too_few() }} as has_too_few
    from quality

)

select * from figures
