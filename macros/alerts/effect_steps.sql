{# From the counts of both arms: the shares, their difference (held out minus treated: how much less the treated
   churn) with Newcombe's interval, and how many customers are still needed to see, with 80 % power,
   a reduction of the held-out churn by var effect_to_detect, at today's ratio of the arms. #}
{% macro effect_steps(grouped) %}
rates as (

    select
        *,
        treated_churned / nullif(cast(treated_n as double), 0) as treated_rate,
        holdout_churned / nullif(cast(holdout_n as double), 0) as holdout_rate,
        {{ wilson_bound('treated_churned', 'treated_n', '-') }} as treated_low,
        {{ wilson_bound('treated_churned', 'treated_n', '+') }} as treated_high,
        {{ wilson_bound('holdout_churned', 'holdout_n', '-') }} as holdout_low,
        {{ wilson_bound('holdout_churned', 'holdout_n', '+') }} as holdout_high
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
        treated_n / nullif(cast(holdout_n as double), 0) as ratio,
        holdout_rate * (1 - {{ var('effect_to_detect') }}) as hoped_rate
    from rates

),

powered as (

    select
        *,
        case
            when holdout_rate > 0 and ratio > 0
                then (1 + ratio) * power(
                    {{ z_95() }} * sqrt(greatest(
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
        {{ whole_number(
            'case when total_n > treated_n + holdout_n then ceil(total_n) - treated_n - holdout_n'
            ~ ' when total_n is not null then 0 end'
        ) }} as needed_n,
        treated_value,
        case
            when difference is null then 'nothing to compare yet'
            when low > 0 then 'messages keep customers'
            when high < 0 then 'messages drive customers away'
            else 'not proved'
        end as verdict
    from powered

)
{% endmacro %}
