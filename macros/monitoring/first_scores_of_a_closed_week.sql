{# Each customer's first score by a version in the earliest week that is not judged yet and whose
   horizon has closed, as the CTEs closed, judged, waiting, due and first_scores. #}
{% macro first_scores_of_a_closed_week(outcomes, score_history, daily) %}
    {%- set horizon = var('churn_horizon_days') %}
    closed as (
        -- As in training: the last day may still be going on.
        select max(activity_date) - 1 - {{ horizon }} as last_cutoff_date from {{ daily }}
    ),
    judged as (
        select max(week) as last_week from {{ outcomes }}
    ),
    waiting as (
        select
            history.customer_id,
            history.model_version,
            -- Guarded here as well: what is computed of it may be before the rows are filtered.
            case when history.score between 0 and 1 then history.score end as score,
            history.scored_at,
            -- The cut-off of the score's features: earlier scores had those of their own day.
            coalesce(history.features_date, cast(history.scored_at as date)) as cutoff_date,
            {{ week_of('history.scored_at') }} as week
        from {{ score_history }} as history
        cross join closed
        cross join judged
        where
            history.score between 0 and 1
            and cast(history.scored_at as date) <= closed.last_cutoff_date
            and (
                judged.last_week is null
                or cast(history.scored_at as date) >= judged.last_week + 7
            )
    ),
    due as (
        select min(waiting.week) as week
        from waiting
        cross join closed
        where waiting.week + 6 <= closed.last_cutoff_date
    ),
    first_scores as (
        select waiting.*
        from waiting
        inner join due on waiting.week = due.week
        qualify row_number() over (
            partition by waiting.model_version, waiting.customer_id order by waiting.scored_at
        ) = 1
    )
{% endmacro %}
