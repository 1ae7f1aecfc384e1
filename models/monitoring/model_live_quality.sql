with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

sums as (

    select
        week,
        model_version,
        cast(sum(n) as bigint) as n,
        cast(sum(churners) as bigint) as churners,
        cast(sum(treated) as bigint) as treated,
        sum({{ finite('score_sum') }}) as score_sum,
        sum({{ finite('variance_sum') }}) as variance_sum,
        sum({{ finite('squared_error_sum') }}) as squared_error_sum,
        sum({{ finite('churner_rank_sum') }}) as churner_rank_sum
    from outcomes
    group by week, model_version

),

-- The AUC is what the ranks of the churners say (Mann and Whitney); without one of the two outcomes
-- there is none.
ranked as (

    select
        *,
        n - churners as stayers,
        (churner_rank_sum - cast(churners as double) * (churners + 1) / 2)
        / nullif(cast(churners as double) * (n - churners), 0) as roc_auc
    from sums

),

-- Its standard error, after Hanley and McNeil (1982).
spread as (

    select
        *,
        sqrt(greatest(
            roc_auc * (1 - roc_auc)
            + (churners - 1) * (roc_auc / nullif(2 - roc_auc, 0) - roc_auc * roc_auc)
            + (stayers - 1)
            * (2 * roc_auc * roc_auc / nullif(1 + roc_auc, 0) - roc_auc * roc_auc),
            0
        ) / nullif(abs(cast(churners as double) * stayers), 0)) as roc_auc_error
    from ranked

),

quality as (

    select
        week,
        model_version,
        n,
        churners,
        treated,
        roc_auc,
        greatest(roc_auc - 1.96 * roc_auc_error, 0) as roc_auc_low,
        least(roc_auc + 1.96 * roc_auc_error, 1) as roc_auc_high,
        squared_error_sum / nullif(n, 0) as brier,
        score_sum / nullif(n, 0) as predicted,
        churners / nullif(cast(n as double), 0) as observed,
        (churners - score_sum) / nullif(sqrt(greatest(variance_sum, 0)), 0) as calibration_z
    from spread

)

select * from quality
