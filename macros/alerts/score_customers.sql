{# Scores customers: appends to CHURN_SCORE_HISTORY. One statement, deterministic, safe to run again.
   changed: a relation with rows of churn_metrics_live; only what is new or differs is scored.
   A score is kept with the band it puts its customer in: `high` is entered at the threshold, which
   may be a customer's own (alert_threshold), and left below exit_ratio x threshold; `left` is whoever
   is no longer in the population, for good or for a pause. Beside it stands the day at whose end its
   features stand: the cut-off that judge_scores takes.
   Nothing is scored where the data is not scored as of its end (data_end): see scoring_status. Nor is a
   customer who was forgotten and whose events came again: delete_expired takes these out. #}
{% macro score_customers(changed, score_history, scores, policies, model, metrics) %}
    insert into {{ score_history }} (
    customer_id, score, band, band_since, value_at_risk, top_reasons, model_version,
    features_hash, scored_at, features_date
    )
    with data_end as (
        {{ data_end(metrics) }}
    ),
    dated as (
        select
            changed.*,
            {{ features_date('data_end.last_closed_date') }} as features_date
        from {{ changed }} as changed
        cross join data_end
        where data_end.is_scored_as_of
    ),
    clocked as (
        {{ with_clock_features('dated', 'features_date') }}
    ),
    compared as (
        select
            clocked.*,
            policies.threshold,
            policies.alert_rule,
            policies.exit_ratio,
            policies.monthly_value,
            model.version as active_version,
            model.features as active_features,
            model.average_spend_per_day,
            model.spend_credibility_days,
            stored.band as stored_band,
            stored.band_since as stored_band_since,
            {{ in_population('clocked.features_date', 'clocked.') }} as is_in_population,
            {{ features_hash() }} as new_features_hash,
            stored.features_hash as stored_features_hash,
            stored.model_version as stored_model_version
        from clocked
        cross join {{ model }} as model
        inner join {{ policies }} as policies on clocked.customer_id = policies.customer_id
        left join {{ scores }} as stored on clocked.customer_id = stored.customer_id
    ),
    due as (
        select * from compared
        where
            (
                (is_in_population and (
                    stored_features_hash is null
                    or stored_features_hash <> new_features_hash
                    or stored_model_version <> active_version
                ))
                or (not is_in_population and stored_band <> 'left')
            )
            and not {{ is_forgotten('customer_id') }}
    ),
    scored as (
        select
            *,
            case
                when not is_in_population then null
                when active_features <> '{{ churn_features() | tojson }}'
                    then {{ fail("'model ' || active_version || ' was trained on other features'") }}
                else predict_churn(
                    {%- for feature in churn_features() %}
                    {{ feature_value(feature) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                )
            end as new_score,
            {{ expected_spend() }} as new_expected_spend
        from due
    ),
    thresholds as (
        select
            *,
            {{ alert_threshold('scored', 'new_expected_spend') }} as own_threshold
        from scored
    ),
    banded as (
        select
            *,
            case
                when not is_in_population then 'left'
                when new_score >= own_threshold then 'high'
                when stored_band = 'high' and new_score >= own_threshold * exit_ratio then 'high'
                else 'low'
            end as new_band
        from thresholds
        where not is_in_population or new_score is not null
    ),
    {{ reason_steps('banded', model) }}
    select
        banded.customer_id,
        banded.new_score as score,
        banded.new_band as band,
        case
            when banded.new_band = banded.stored_band then banded.stored_band_since
            else {{ as_of() }}
        end as band_since,
        round(coalesce(banded.new_score, 0) * banded.new_expected_spend, 2) as value_at_risk,
        coalesce(reasons.top_reasons, '[]') as top_reasons,
        banded.active_version as model_version,
        banded.new_features_hash as features_hash,
        {{ as_of() }} as scored_at,
        banded.features_date
    from banded
    left join reasons on banded.customer_id = reasons.customer_id
{% endmacro %}
