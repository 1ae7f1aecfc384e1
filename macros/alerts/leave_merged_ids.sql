{# Ends the score of every id that was merged into another one: it has left the population, as if it
   had cancelled. It appends to the history, as score_customers does; keep_current_scores makes the row the
   current one, after which nothing is appended any more. #}
{% macro leave_merged_ids(score_history, scores, metrics) %}
    insert into {{ score_history }} (
        customer_id, score, band, band_since, value_at_risk, top_reasons, model_version,
        features_hash, scored_at, features_date
    )
    select
        scores.customer_id,
        null as score,
        'left' as band,
        {{ as_of() }} as band_since,
        0 as value_at_risk,
        '[]' as top_reasons,
        scores.model_version,
        null as features_hash,
        {{ as_of() }} as scored_at,
        null as features_date
    from {{ scores }} as scores
    inner join {{ ref('customer_identities') }} as identities
        on scores.customer_id = identities.customer_id
    left join {{ metrics }} as metrics on scores.customer_id = metrics.customer_id
    where scores.band <> 'left' and metrics.customer_id is null
{% endmacro %}
