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

{# Worse: tested on an older window than the version that serves, or, on the same window, beyond
   the tolerance in ranking or in probabilities. #}
{% macro is_worse(runs) -%}
    (
        {{ runs }}.champion_comparison = 'newer'
        or coalesce(
            {{ runs }}.roc_auc < {{ runs }}.champion_roc_auc - {{ var('promotion_tolerance_auc') }},
            false
        )
        or coalesce(
            {{ runs }}.brier > {{ runs }}.champion_brier + {{ var('promotion_tolerance_brier') }},
            false
        )
    )
{%- endmacro %}

{% macro promotion_reason(runs) -%}
    case {{ runs }}.champion_comparison
        when 'none' then 'the first version'
        when 'other_label' then 'predicts something else than ' || {{ runs }}.champion_version
        when 'newer' then 'tested on an older window than ' || {{ runs }}.champion_version
        when 'unusable' then {{ runs }}.champion_version || ' can no longer be scored'
        else
            'against ' || {{ runs }}.champion_version || ' on ' || {{ runs }}.test_cutoff_date
            || {%- for figure in ['roc_auc', 'brier'] %}
            {{ "', AUC '" if figure == 'roc_auc' else "', Brier score '" }}
            || coalesce({{ number_text(runs ~ '.' ~ figure, 4) }}, 'no number')
            || ' against '
            || coalesce({{ number_text(runs ~ '.champion_' ~ figure, 4) }}, 'no number')
            {{ '||' if not loop.last }}
            {%- endfor %}
    end
{%- endmacro %}
