{# From the counts of both arms: the shares, their difference (held out minus treated: how much less
   the treated churn) with Newcombe's interval, and how many customers are still needed to prove, with
   80 % power, a reduction of the held-out churn by var effect_to_detect, at today's ratio of the arms.
   The verdict does not go by Newcombe's interval, which is right at one look: whoever looks every day
   finds it off zero at some time. It goes by verdict_low and verdict_high, which hold at all looks
   together and for all groups of a dimension together: alpha is shared among these. #}
{% macro effect_steps(grouped) %}
rates as (

    select
        *,
        treated_churned / nullif(cast(treated_n as double), 0) as treated_rate,
        holdout_churned / nullif(cast(holdout_n as double), 0) as holdout_rate,
        (treated_churned + holdout_churned + 0.5) / (cast(treated_n + holdout_n as double) + 1)
            as pooled_rate,
        {{ wilson_bound('treated_churned', 'treated_n', '-') }} as treated_low,
        {{ wilson_bound('treated_churned', 'treated_n', '+') }} as treated_high,
        {{ wilson_bound('holdout_churned', 'holdout_n', '-') }} as holdout_low,
        {{ wilson_bound('holdout_churned', 'holdout_n', '+') }} as holdout_high,
        0.05 / cast(count(*) over (partition by dimension) as double) as alpha
    from {{ grouped }}

),

differences as (

    select
        *,
        holdout_rate - treated_rate as difference,
        holdout_rate - treated_rate - sqrt(
            power(holdout_rate - holdout_low, 2) + power(treated_high - treated_rate, 2)
        ) as low,
        holdout_rate - treated_rate + sqrt(
            power(holdout_high - holdout_rate, 2) + power(treated_rate - treated_low, 2)
        ) as high,
        {{ difference_variance() }} as variance,
        treated_n / nullif(cast(holdout_n as double), 0) as ratio,
        holdout_rate * (1 - {{ var('effect_to_detect') }}) as hoped_rate,
        {{ watched_errors('cast(treated_n + holdout_n as double)', 'alpha') }} as verdict_errors,
        {{ watched_errors('cast(' ~ var('effect_best_n') ~ ' as double)', 'alpha') }} as least_errors
    from rates

),

powered as (

    select
        *,
        {%- for bound, side in [('low', '-'), ('high', '+')] %}
        case
            when least(treated_n, holdout_n) >= {{ least_for_verdict() }}
                then difference {{ side }} verdict_errors * sqrt(variance)
        end as verdict_{{ bound }},
        {%- endfor %}
        case
            when holdout_rate > 0 and ratio > 0
                then (1 + ratio) * power(
                    least_errors * sqrt(greatest(
                        (1 + 1 / ratio)
                        * ((holdout_rate + ratio * hoped_rate) / (1 + ratio))
                        * (1 - (holdout_rate + ratio * hoped_rate) / (1 + ratio)),
                        0
                    ))
                    + {{ z_power() }} * sqrt(greatest(
                        holdout_rate * (1 - holdout_rate) + hoped_rate * (1 - hoped_rate) / ratio,
                        0
                    )),
                    2
                ) / nullif(power(holdout_rate - hoped_rate, 2), 0)
        end as total_n
    from differences

),

judged as (

    select
        dimension,
        name,
        treated_n,
        treated_churned,
        treated_rate,
        sent_n,
        holdout_n,
        holdout_churned,
        holdout_rate,
        difference,
        low,
        high,
        verdict_low,
        verdict_high,
        {{ whole_number(
            'case when total_n > treated_n + holdout_n then ceil(total_n) - treated_n - holdout_n'
            ~ ' when total_n is not null then 0 end'
        ) }} as needed_n,
        treated_value,
        case
            when difference is null then 'nothing to compare yet'
            when verdict_low > 0 then 'messages keep customers'
            when verdict_high < 0 then 'messages drive customers away'
            else 'not proved'
        end as verdict
    from powered

)
{% endmacro %}

{# The variance of the difference of two shares: that of the two arms apart, and at least that of
   both together, half a churner added. An arm in which by chance nobody has left yet would be sure
   of itself otherwise, and those of few customers are wrong in 8 % instead of 1 %. #}
{% macro difference_variance() -%}
    greatest(
        holdout_rate * (1 - holdout_rate) / nullif(cast(holdout_n as double), 0)
        + treated_rate * (1 - treated_rate) / nullif(cast(treated_n as double), 0),
        pooled_rate * (1 - pooled_rate)
        * (1 / nullif(cast(holdout_n as double), 0) + 1 / nullif(cast(treated_n as double), 0))
    )
{%- endmacro %}

{# Customers of an arm below which nothing is said to be proved. #}
{% macro least_for_verdict() -%}30{%- endmacro %}
