{# What messages do, from the counts of both arms by stratum (segment, hold-out share and the moment of
   the draw): a row for each dimension and name.
   Arms are compared within a stratum only. Where more are held out among those who leave more often,
   all of them together would differ without any effect (Simpson). Strata weigh as many customers as
   they have; those without anybody in one arm are left out, and counted. The interval drawn is
   Newcombe's; over several strata Wilson's bounds are put together in the same way (Zou, Huang and
   Zhang, "A note on confidence interval estimation for a linear function of binomial proportions",
   Computational Statistics and Data Analysis 53, 2009), which for one stratum is Newcombe's again.
   The verdict does not go by that interval, which is right at one look: whoever looks every day finds
   it off zero at some time. It goes by verdict_low and verdict_high, which hold at all looks together
   and for all groups of a dimension together: alpha is shared among these.
   needed_n says how many customers are still needed to prove, with 80 % power, a reduction of the
   held-out churn by var effect_to_detect among those to whom a message is really handed over, if arms,
   strata and the share of messages sent go on as they are: the effect on all of the treated is smaller
   by that share, so that the number grows with one over its square. #}
{% macro effect_steps(strata) %}
rates as (

    select
        *,
        case
            when treated_n > 0 and holdout_n > 0 then cast(treated_n + holdout_n as double)
        end as weight,
        treated_churned / nullif(cast(treated_n as double), 0) as treated_rate,
        holdout_churned / nullif(cast(holdout_n as double), 0) as holdout_rate,
        sent_n / nullif(cast(treated_n as double), 0) as sent_share,
        (treated_churned + holdout_churned + 0.5) / (cast(treated_n + holdout_n as double) + 1)
            as pooled_rate,
        {{ wilson_bound('treated_churned', 'treated_n', '-') }} as treated_low,
        {{ wilson_bound('treated_churned', 'treated_n', '+') }} as treated_high,
        {{ wilson_bound('holdout_churned', 'holdout_n', '-') }} as holdout_low,
        {{ wilson_bound('holdout_churned', 'holdout_n', '+') }} as holdout_high
    from {{ strata }}

),

spreads as (

    select
        *,
        weight / nullif(sum(weight) over (partition by dimension, name), 0) as share,
        power(holdout_rate - holdout_low, 2) + power(treated_high - treated_rate, 2)
            as squared_below,
        power(holdout_high - holdout_rate, 2) + power(treated_rate - treated_low, 2)
            as squared_above,
        {{ difference_variance() }} as variance
    from rates

),

weighed as (

    select
        spreads.dimension,
        spreads.name,
        {%- for count in ['treated_n', 'treated_churned', 'sent_n', 'holdout_n', 'holdout_churned'] %}
        {{ whole_number('sum(spreads.' ~ count ~ ')') }} as {{ count }},
        {%- endfor %}
        sum(spreads.treated_value) / nullif(cast(sum(spreads.valued_n) as double), 0)
            as treated_value,
        {{ whole_number(
            'sum(case when spreads.weight is null then spreads.treated_n + spreads.holdout_n else 0 end)'
        ) }} as left_out_n,
        sum(spreads.weight) as compared_n,
        {%- for arm in ['treated', 'holdout'] %}
        sum(case when spreads.weight > 0 then spreads.{{ arm }}_n else 0 end) as compared_{{ arm }}_n,
        sum({{ finite('spreads.share * spreads.' ~ arm ~ '_rate') }}) as {{ arm }}_rate,
        {%- endfor %}
        sum({{ finite('spreads.share * spreads.sent_share') }}) as sent_share,
        {%- for side, squared in [
            ('below', 'squared_below'), ('above', 'squared_above'), ('standard_error', 'variance'),
        ] %}
        sqrt(greatest(sum({{ finite('power(spreads.share, 2) * spreads.' ~ squared) }}), 0))
            as {{ side }},
        {%- endfor %}
        0.05 / nullif(cast(count(*) over (partition by spreads.dimension) as double), 0) as alpha
    from spreads
    group by spreads.dimension, spreads.name

),

differences as (

    select
        *,
        holdout_rate - treated_rate as difference,
        {{ watched_errors('compared_n', 'alpha') }} as verdict_errors,
        compared_n * power(
            standard_error
            * ({{ watched_errors('cast(' ~ var('effect_best_n') ~ ' as double)', 'alpha') }}
            + {{ z_power() }})
            / nullif(holdout_rate * sent_share * {{ var('effect_to_detect') }}, 0),
            2
        ) as total_n
    from weighed

),

{{ shrunken_steps('differences') }},

bounded as (

    select
        *,
        difference - below as low,
        difference + above as high,
        {{ verdict_bounds('difference', 'compared_treated_n', 'compared_holdout_n') }}
    from shrunk

),

judged as (

    select
        dimension,
        name,
        treated_n,
        treated_churned,
        coalesce(treated_rate, treated_churned / nullif(cast(treated_n as double), 0))
            as treated_rate,
        sent_n,
        coalesce(sent_share, sent_n / nullif(cast(treated_n as double), 0)) as sent_share,
        holdout_n,
        holdout_churned,
        coalesce(holdout_rate, holdout_churned / nullif(cast(holdout_n as double), 0))
            as holdout_rate,
        left_out_n,
        difference,
        shrunken,
        low,
        high,
        verdict_low,
        verdict_high,
        {{ whole_number(
            'case when total_n > compared_n then ceil(total_n) - compared_n'
            ~ ' when total_n is not null then 0 end'
        ) }} as needed_n,
        treated_value,
        case
            when difference is null then 'nothing to compare yet'
            when verdict_low > 0 then 'messages keep customers'
            when verdict_high < 0 then 'messages drive customers away'
            else 'not proved'
        end as verdict
    from bounded

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
