-- Of models, not of customers: every role sees all of them. Without the artefact's place, and
-- without the customers that a status names.
with

runs as (

    select * from {{ ref('train_churn_model') }}

),

decisions as (

    select *
    from {{ ref('model_promotions') }}
    qualify row_number() over (partition by version order by decided_at desc) = 1

),

active as (

    select version from {{ ref('active_churn_model') }}

),

described as (

    select
        runs.version,
        {{ status_without_customers('runs.status') }} as status,
        cast(runs.trained_at as {{ type_utc() }}) as trained_at,
        active.version is not null as is_active,
        decisions.action as last_decision,
        decisions.reason as decision_reason,
        decisions.actor as decided_by,
        decisions.decided_at,
        runs.label,
        cast(runs.horizon_days as bigint) as horizon_days,
        runs.first_cutoff_date,
        runs.test_cutoff_date,
        cast(runs.train_rows as bigint) as train_rows,
        cast(runs.test_rows as bigint) as test_rows,
        cast(runs.test_churners as bigint) as test_churners,
        cast(runs.treated_rows as bigint) as treated_rows,
        cast(runs.held_out_rows as bigint) as held_out_rows,
        runs.as_treated_share,
        runs.roc_auc,
        runs.roc_auc_low,
        runs.roc_auc_high,
        cast(runs.still_here_rows as bigint) as still_here_rows,
        cast(runs.still_here_churners as bigint) as still_here_churners,
        runs.still_here_auc,
        runs.still_here_auc_low,
        runs.still_here_auc_high,
        runs.pr_auc,
        runs.pr_auc_low,
        runs.pr_auc_high,
        runs.brier,
        runs.brier_low,
        runs.brier_high,
        runs.lift_at_10_percent,
        runs.value_at_risk_ratio,
        runs.challenger_auc,
        runs.baseline_auc,
        runs.suggested_threshold_capacity,
        runs.suggested_threshold_cost,
        runs.paid_by_rule,
        runs.reliability,
        runs.lift_curve,
        runs.rolling_origin,
        runs.by_segment,
        runs.by_region,
        runs.feature_psi
    from runs
    left join active on runs.version = active.version
    left join decisions on runs.version = decisions.version

)

select * from described
