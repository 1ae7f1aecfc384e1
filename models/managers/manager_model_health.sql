-- Of the model, not of customers: every role sees it.
with

health as (

    select * from {{ ref('model_health') }}

),

figures as (

    select
        active_version,
        cast(trained_at as {{ type_utc() }}) as trained_at,
        test_cutoff_date,
        last_scored_at,
        cast(score_age_hours as double) as score_age_hours,
        labels_closed_to,
        cast(new_label_days as bigint) as new_label_days,
        drift_week,
        worst_psi,
        worst_psi_feature,
        worst_psi_major_from,
        cast(worst_psi_n as bigint) as worst_psi_n,
        live_week,
        live_n,
        live_churners,
        live_roc_auc,
        live_predicted,
        live_observed,
        retrain_due,
        why
    from health

)

select * from figures
