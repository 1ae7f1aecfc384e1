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
        sum({{ finite('churner_rank_sum') }}) as churner_rank_sum,
        -- Weeks that were judged before outcomes had weights count everybody once.
        sum(coalesce({{ finite('weight_sum') }}, n)) as weight_sum,
        sum(coalesce({{ finite('churner_weight_sum') }}, churners)) as churner_weight_sum,
        sum(coalesce({{ finite('squared_weight_sum') }}, n)) as squared_weight_sum,
        sum(coalesce({{ finite('squared_churner_weight_sum') }}, churners))
            as squared_churner_weight_sum
    from outcomes
    group by week, model_version

),

-- The AUC is what the ranks of the churners say (Mann and Whitney); without one of the two outcomes
-- there is none.
ranked as (

    select
        *,
        (churner_rank_sum - churner_weight_sum * (churner_weight_sum + 1) / 2)
        / nullif(churner_weight_sum * (weight_sum - churner_weight_sum), 0) as roc_auc,
        -- How many customers who count once would say as much (Kish).
        churner_weight_sum * churner_weight_sum / nullif(squared_churner_weight_sum, 0)
            as effective_churners,
        (weight_sum - churner_weight_sum) * (weight_sum - churner_weight_sum)
        / nullif(squared_weight_sum - squared_churner_weight_sum, 0) as effective_stayers
    from sums

),

-- Its standard error, after Hanley and McNeil (1982).
spread as (

    select
        *,
        sqrt(greatest(
            roc_auc * (1 - roc_auc)
            + (effective_churners - 1) * (roc_auc / nullif(2 - roc_auc, 0) - roc_auc * roc_auc)
            + (effective_stayers - 1)
            * (2 * roc_auc * roc_auc / nullif(1 + roc_auc, 0) - roc_auc * roc_auc),
            0
        ) / nullif(abs(effective_churners * effective_stayers), 0))
            as roc_auc_error
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
        squared_error_sum / nullif(weight_sum, 0) as brier,
        score_sum / nullif(weight_sum, 0) as predicted,
        churner_weight_sum / nullif(weight_sum, 0) as observed,
        (churner_weight_sum - score_sum) / nullif(sqrt(greatest(variance_sum, 0)), 0)
            as calibration_z
    from spread

)

select * from quality
