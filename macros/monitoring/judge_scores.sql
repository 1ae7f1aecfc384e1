{# Compares the scores of a week with what became of the customers, once the horizon of all its days
   has closed in the data: each customer's first score of the week by a version, judged by the label
   of training as of the day at whose end its features stand. Kept are sums by tenth of the score,
   from which every figure of quality follows exactly, whatever the history's length. One week a
   run, the earliest; a run without one that has closed adds nothing. Safe to run again.
   Whoever was treated may have stayed for that reason: outcomes are weighted as in training. Whoever
   counts 0 is in `treated` and in no other figure. #}
{% macro judge_scores(outcomes, score_history, daily, alerts, policies) %}
    insert into {{ outcomes }} (
        week, model_version, score_bin, n, churners, treated, score_sum, variance_sum,
        squared_error_sum, churner_rank_sum, weight_sum, churner_weight_sum, squared_weight_sum,
        squared_churner_weight_sum, judged_at
    )
    with {{ first_scores_of_a_closed_week(outcomes, score_history, daily) }},
    -- What became of an id that was merged later is what became of the one customer.
    people as (
        select
            first_scores.*,
            {{ surviving_id('identities', 'first_scores.customer_id') }} as surviving_id
        from first_scores
        left join {{ ref('customer_identities') }} as identities
            on first_scores.customer_id = identities.customer_id
    ),
    cutoffs as (
        select distinct surviving_id as customer_id, cutoff_date from people
    ),
    alerts_of_people as (
        {{ of_surviving_ids(alerts) }}
    ),
    outcomes as (
        {{ churn_outcomes('cutoffs', daily, by_customer=true) }}
    ),
    weights as (
        {{ snapshot_weights('cutoffs', 'alerts_of_people', policies, by_customer=true) }}
    ),
    labelled as (
        select
            people.*,
            {{ has_churned('outcomes') }} as has_churned,
            coalesce(weights.snapshot_weight, 1.0) as weight
        from people
        left join outcomes
            on
                people.surviving_id = outcomes.customer_id
                and people.cutoff_date = outcomes.cutoff_date
        left join weights
            on
                people.surviving_id = weights.customer_id
                and people.cutoff_date = weights.cutoff_date
    ),
    ranked as (
        -- Equal scores share the mean of their ranks, as the AUC wants it. A customer who stands
        -- for ten takes ten ranks.
        select
            *,
            sum(weight) over (
                partition by model_version order by score
                range between unbounded preceding and current row
            )
            - (sum(weight) over (partition by model_version, score) - 1) / 2.0 as score_rank
        from labelled
    )
    select
        week,
        model_version,
        {{ score_tenth('score') }} as score_bin,
        count(case when weight > 0 then 1 end) as n,
        sum(case when weight > 0 then has_churned else 0 end) as churners,
        count(case when weight = 0 then 1 end) as treated,
        sum(weight * score) as score_sum,
        sum(weight * weight * score * (1 - score)) as variance_sum,
        sum(weight * (score - has_churned) * (score - has_churned)) as squared_error_sum,
        sum(case when has_churned = 1 then weight * score_rank else 0 end) as churner_rank_sum,
        sum(weight) as weight_sum,
        sum(weight * has_churned) as churner_weight_sum,
        sum(weight * weight) as squared_weight_sum,
        sum(weight * weight * has_churned) as squared_churner_weight_sum,
        {{ as_of() }} as judged_at
    from ranked
    group by week, model_version, {{ score_tenth('score') }}
{% endmacro %}
