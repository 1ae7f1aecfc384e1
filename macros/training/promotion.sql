{# Whether a newly trained version serves: the one rule, run after each training. A version that was
   decided on stays decided, so that training again on the same data changes nothing. #}
{% macro decide_promotion() %}
    insert into {{ ref('model_promotions') }} (version, action, reason, actor, decided_at)
    select
        runs.version,
        case when {{ is_worse('runs') }} then 'kept' else 'promoted' end as action,
        {{ promotion_reason('runs') }} as reason,
        'training' as actor,
        {{ utc_now() }} as decided_at
    from {{ this }} as runs
    left join {{ ref('model_promotions') }} as decided on runs.version = decided.version
    where
        {{ has_trained('runs.status') }}
        and decided.version is null
        and runs.trained_at = (select max(trained_at) from {{ this }})
{% endmacro %}

{# Worse: tested on an older window than the version that serves, or on one whose outcomes that
   version knows, so that they cannot be compared yet; or, on the same window, worse in ranking or in
   probabilities than the version that serves or the best on record. A difference counts if it is
   beyond the tolerance and beyond chance. #}
{% macro is_worse(runs) -%}
    (
        {{ runs }}.champion_comparison in ('newer', 'overlapping')
        {%- for other in ['champion', 'best'] %}
        or coalesce(
            {{ runs }}.{{ other }}_roc_auc - {{ runs }}.roc_auc
            > {{ beyond_chance('promotion_tolerance_auc', runs ~ '.' ~ other ~ '_roc_auc_error') }},
            false
        )
        or coalesce(
            {{ runs }}.brier - {{ runs }}.{{ other }}_brier
            > {{ beyond_chance('promotion_tolerance_brier', runs ~ '.' ~ other ~ '_brier_error') }},
            false
        )
        {%- endfor %}
    )
{%- endmacro %}

{# The greater of a tolerance and what chance does in 95 %. The noted standard error is that of the
   tested customers. Which customers were trained on is chance, too, and would take many fits to find:
   in benchmarks.simulations.promotion differences of the AUC vary 1.3 times as much as that error says.
   1.5 leaves a margin, because a version may be worse in either of two figures. Runs that noted no
   standard error have none. #}
{% macro beyond_chance(tolerance, error) -%}
    greatest({{ var(tolerance) }}, coalesce({{ z_95() }} * 1.5 * {{ finite(error) }}, 0))
{%- endmacro %}

{% macro promotion_reason(runs) -%}
    case {{ runs }}.champion_comparison
        when 'none' then 'the first version'
        when 'other_label' then 'predicts something else than ' || {{ runs }}.champion_version
        when 'newer' then 'tested on an older window than ' || {{ runs }}.champion_version
        when 'overlapping'
            then {{ runs }}.champion_version || ' has learnt from outcomes of the tested window;'
                || ' a version that is tested on a later one is compared with it'
        when 'unusable' then {{ runs }}.champion_version || ' can no longer be scored'
        else
            'against ' || {{ runs }}.champion_version || ' on ' || {{ runs }}.test_cutoff_date
            || {%- for figure in ['roc_auc', 'brier'] %}
            {{ "', AUC '" if figure == 'roc_auc' else "', Brier score '" }}
            || coalesce({{ number_text(runs ~ '.' ~ figure, 4) }}, 'no number')
            || ' against '
            || coalesce({{ number_text(runs ~ '.champion_' ~ figure, 4) }}, 'no number')
            ||
            {%- endfor %}
            case
                when {{ runs }}.best_roc_auc is null then ''
                else
                    '; the best so far, ' || {{ runs }}.best_version
                    {%- for figure in ['roc_auc', 'brier'] %}
                    || {{ "', AUC '" if figure == 'roc_auc' else "', Brier score '" }}
                    || coalesce({{ number_text(runs ~ '.best_' ~ figure, 4) }}, 'no number')
                    {%- endfor %}
            end
    end
{%- endmacro %}
