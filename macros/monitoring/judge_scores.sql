{# Compares the scores of a week with what became of the customers, once the horizon of all its days
   has closed in the data: each customer's first score of the week by a version, judged by the label
   of training as of the day at whose end its features stand. Kept are sums by tenth of the score,
   from which every figure of quality follows exactly, whatever the history's length. One week a
   run, the earliest; a run without one that has closed adds nothing. Safe to run again.
   Whoever was treated may have stayed for that reason. They stay in, and are counted as `treated`. #}
{% macro judge_scores(outcomes, score_history, daily, alerts) %}
    {%- set horizon = var('churn_horizon_days') %}
    insert into {{ outcomes }} (
        week, model_version, score_bin, n, churners, treated, score_sum, variance_sum,
        squared_error_sum, churner_rank_sum, judged_at
    )
    with {{ first_scores_of_a_closed_week(outcomes, score_history, daily) }},
    cutoffs as (
        select distinct customer_id, cutoff_date from first_scores
    ),
    outcomes as (
        {{ churn_outcomes('cutoffs', daily, by_customer=true) }}
    ),
    treatments as (
        select distinct cutoffs.customer_id, cutoffs.cutoff_date
        from cutoffs
        inner join {{ alerts }} as alerts
            on
                cutoffs.customer_id = alerts.customer_id
                and alerts.arm = 'treated'
                and cast(alerts.created_at as date)
                between cutoffs.cutoff_date and cutoffs.cutoff_date + {{ horizon }}
    ),
    labelled as (
        select
            first_scores.*,
            {{ has_churned('outcomes') }} as has_churned,
            case when treatments.customer_id is null then 0 else 1 end as is_treated
        from first_scores
        left join outcomes
            on
                first_scores.customer_id = outcomes.customer_id
                and first_scores.cutoff_date = outcomes.cutoff_date
        left join treatments
            on
                first_scores.customer_id = treatments.customer_id
                and first_scores.cutoff_date = treatments.cutoff_date
    ),
    ranked as (
        -- Equal scores share the mean of their ranks, as the AUC wants it.
        select
            *,
            rank() over (partition by model_version order by score)
            + (count(*) over (partition by model_version, score) - 1) / 2.0 as score_rank
        from labelled
    )
    select
        week,
        model_version,
        cast(least(floor(score * 10), 9) as integer) as score_bin,
        count(*) as n,
        sum(has_churned) as churners,
        sum(is_treated) as treated,
        sum(score) as score_sum,
        sum(score * (1 - score)) as variance_sum,
        sum((score - has_churned) * (score - has_churned)) as squared_error_sum,
        sum(case when has_churned = 1 then score_rank else 0 end) as churner_rank_sum,
        {{ as_of() }} as judged_at
    from ranked
    group by week, model_version, cast(least(floor(score * 10), 9) as integer)
{% endmacro %}
