{# Whether it would have kept more to contact the half of past alerts with the greatest value kept than
   the half with the greatest value at risk: one row, `ranking`, in the account's currency per 100
   contacts.
   A policy is judged on customers from whom it has not learnt (Athey and Wager, "Policy learning with
   observational data", Econometrica 89(1), 2021): the effects of the bands come from one half of the
   customers, and the other half is ranked by them and counted, and the other way round.
   What a contact keeps of a customer is its expected spend, if it stayed, divided by the share of its arm
   (Horvitz and Thompson), with a minus for the held out: both arms stand for all, as assigned. From
   having stayed the probability of it by the score is taken away, which is known before the arms are
   drawn: that changes no mean and makes the noise about half (Robins, Rotnitzky and Zhao, "Estimation of
   regression coefficients when some regressors are not always observed", 1994).
   Only customers of whom the two halves differ decide. The interval holds at all looks together, as that
   of effect_steps; there is none before 30 of these customers of each arm have closed.
   alerts: a relation with alert_id, fold (0 or 1, drawn by chance), arm, score, value (at risk),
   churned, segment, holdout_percent and arm_drawn, closed and with a hold-out share above 0 and below
   100. #}
{% macro ranking_steps(alerts) %}
strata as (

    {{ band_strata(alerts, "case when fold = 0 then 'of 1' else 'of 0' end") }}

),

{{ effect_steps('strata') }},

expected as (

    select
        alerts.*,
        {{ value_kept('judged.shrunken', 'alerts.value', 'alerts.score') }} as value_kept,
        {{ finite(
            'alerts.value / nullif(alerts.score, 0) * (alerts.score - alerts.churned)'
            ~ " * case when alerts.arm = 'treated'"
            ~ ' then 100.0 / nullif(100 - cast(alerts.holdout_percent as double), 0)'
            ~ ' else -100.0 / nullif(alerts.holdout_percent, 0) end'
        ) }} as kept
    from {{ alerts }} as alerts
    left join judged
        on
            case when alerts.fold = 0 then 'of 0' else 'of 1' end = judged.dimension
            and {{ risk_band('alerts.score') }} = judged.name

),

halved as (

    select
        *,
        {%- for order in ['value', 'value_kept'] %}
        case
            when 2 * row_number() over (partition by fold order by {{ order }} desc, alert_id)
                <= count(*) over (partition by fold) + 1
                then 1
            else 0
        end as is_chosen_by_{{ order }}{{ ',' if not loop.last }}
        {%- endfor %}
    from expected
    where kept is not null

),

gains as (

    select
        *,
        {#- Half of the alerts are contacted, so that 100 contacts stand for 200 alerts. #}
        200 * kept * (is_chosen_by_value_kept - is_chosen_by_value) as gain
    from halved

),

sums as (

    select
        count(*) as compared_n,
        {%- for arm in ['treated', 'holdout'] %}
        count(case when arm = '{{ arm }}' and is_chosen_by_value_kept <> is_chosen_by_value then 1 end)
            as apart_{{ arm }}_n,
        {%- endfor %}
        200 * sum(kept * is_chosen_by_value) / nullif(cast(count(*) as double), 0)
            - 100 * {{ cost_of_contact() }} as kept_by_value_at_risk,
        200 * sum(kept * is_chosen_by_value_kept) / nullif(cast(count(*) as double), 0)
            - 100 * {{ cost_of_contact() }} as kept_by_value_kept,
        sum(gain) as gain_sum,
        sum(power(gain, 2)) as gain_squares
    from gains

),

errors as (

    select
        *,
        gain_sum / nullif(cast(compared_n as double), 0) as difference,
        sqrt(greatest(
            {{ variance_of_sums('compared_n', 'gain_sum', 'gain_squares') }}
            / nullif(cast(compared_n as double), 0),
            0
        )) as standard_error,
        {{ watched_errors('cast(compared_n as double)', '0.05') }} as verdict_errors
    from sums

),

ranked_bounds as (

    select
        *,
        {{ verdict_bounds('difference', 'apart_treated_n', 'apart_holdout_n') }}
    from errors

),

ranking as (

    select
        compared_n,
        apart_treated_n,
        apart_holdout_n,
        kept_by_value_at_risk,
        kept_by_value_kept,
        difference,
        verdict_low,
        verdict_high,
        case
            when compared_n = 0 then 'nothing to compare yet'
            when verdict_low > 0 then 'the order by value kept keeps more'
            when verdict_high < 0 then 'the order by value at risk keeps more'
            else 'not proved'
        end as verdict
    from ranked_bounds

)
{% endmacro %}

{# The counts that effect_steps takes, by band of the score. dimension: an SQL expression. #}
{% macro band_strata(alerts, dimension) -%}
    select
        {{ dimension }} as dimension,
        {{ risk_band('score') }} as name,
        segment,
        holdout_percent,
        arm_drawn,
        {%- for arm in ['treated', 'holdout'] %}
        count(case when arm = '{{ arm }}' then 1 end) as {{ arm }}_n,
        count(case when arm = '{{ arm }}' and churned = 1 then 1 end) as {{ arm }}_churned,
        {%- endfor %}
        0 as sent_n,
        0 as valued_n,
        cast(null as double) as treated_value
    from {{ alerts }}
    group by {{ dimension }}, {{ risk_band('score') }}, segment, holdout_percent, arm_drawn
{%- endmacro %}
