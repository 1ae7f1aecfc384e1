{# What messages earn, from the sums of both arms by stratum and span of days: a row for each dimension,
   name and span. Spend less costs of a treated customer, minus the spend of a held-out one, compared
   and weighed as in effect_steps, with an interval that holds at all looks together and for all groups
   and spans of the dimension together.
   Spend is not cut off at the top: what a few customers spend is money, and a cap would hide an effect
   on them. The interval becomes wide instead. As for shares, its variance is at least that of both arms
   together: a great spender whom by chance the other arm has not makes both unsure. #}
{% macro money_steps(strata) %}
means as (

    select
        *,
        case
            when treated_n > 0 and holdout_n > 0 then cast(treated_n + holdout_n as double)
        end as weight,
        {%- for arm in ['treated', 'holdout'] %}
        {{ arm }}_sum / nullif(cast({{ arm }}_n as double), 0) as {{ arm }}_mean,
        {{ variance_of_sums(arm ~ '_n', arm ~ '_sum', arm ~ '_squares') }} as {{ arm }}_variance,
        {%- endfor %}
        {{ variance_of_sums(
            '(treated_n + holdout_n)', '(treated_sum + holdout_sum)',
            '(treated_squares + holdout_squares)'
        ) }} as pooled_variance,
        cost_sum / nullif(cast(treated_n as double), 0) as mean_cost
    from {{ strata }}

),

spreads as (

    select
        *,
        weight / nullif(sum(weight) over (partition by dimension, name, days), 0) as share,
        greatest(
            treated_variance / nullif(cast(treated_n as double), 0)
            + holdout_variance / nullif(cast(holdout_n as double), 0),
            pooled_variance / nullif(cast(treated_n as double), 0)
            + pooled_variance / nullif(cast(holdout_n as double), 0)
        ) as variance
    from means

),

weighed as (

    select
        spreads.dimension,
        spreads.name,
        spreads.days,
        {{ whole_number('sum(spreads.treated_n)') }} as treated_n,
        {{ whole_number('sum(spreads.holdout_n)') }} as holdout_n,
        {{ whole_number(
            'sum(case when spreads.weight is null then spreads.treated_n + spreads.holdout_n else 0 end)'
        ) }} as left_out_n,
        sum(spreads.weight) as compared_n,
        {%- for arm in ['treated', 'holdout'] %}
        sum(case when spreads.weight > 0 then spreads.{{ arm }}_n else 0 end) as compared_{{ arm }}_n,
        sum({{ finite('spreads.share * spreads.' ~ arm ~ '_mean') }}) as {{ arm }}_mean,
        {%- endfor %}
        sum({{ finite('spreads.share * spreads.mean_cost') }}) as cost,
        sqrt(greatest(sum({{ finite('power(spreads.share, 2) * spreads.variance') }}), 0))
            as standard_error,
        0.05 / nullif(cast(count(*) over (partition by spreads.dimension) as double), 0) as alpha
    from spreads
    group by spreads.dimension, spreads.name, spreads.days

),

differences as (

    select
        *,
        treated_mean - holdout_mean as earned,
        {{ watched_errors('compared_n', 'alpha') }} as verdict_errors
    from weighed

),

bounded as (

    select
        *,
        {{ verdict_bounds('earned', 'compared_treated_n', 'compared_holdout_n') }}
    from differences

),

judged as (

    select
        dimension,
        name,
        days,
        treated_n,
        holdout_n,
        left_out_n,
        treated_mean + cost as treated_spend,
        holdout_mean as holdout_spend,
        cost,
        earned,
        verdict_low,
        verdict_high,
        case
            when earned is null then 'nothing to compare yet'
            when verdict_low > 0 then 'messages earn more than they cost'
            when verdict_high < 0 then 'messages cost more than they earn'
            else 'not proved'
        end as verdict
    from bounded

)
{% endmacro %}

{# The variance of so many numbers, from their sum and the sum of their squares; rounding may take it
   below 0. #}
{% macro variance_of_sums(n, total, squares) -%}
    case
        when {{ n }} > 0
            then greatest({{ squares }} / {{ n }} - power({{ total }} / {{ n }}, 2), 0)
    end
{%- endmacro %}
