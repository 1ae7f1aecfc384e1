{# Reasons in plain words, with the numbers behind them: the three strongest per customer, as JSON
   text [{"code":…,"text":…}, …]. Strength is how far the customer has moved from its own habit,
   0 (not at all) to 1. Texts hold numbers only, never anything that a customer wrote. #}
{% macro reason_steps(scored) %}
    {%- set recent = 'active_days_28d' -%}
    {%- set reasons = [
        {
            'code': 'silent',
            'strength': '1 - 1 / nullif(recency_to_usual_gap, 0)',
            'text': "'No activity for ' || days_since_last_activity || ' days, usually every ' || cast(round(gap_days_mean, 1) as decimal(9, 1)) || ' days'",
        },
        {
            'code': 'record_silence',
            'strength': '1 - 1 / nullif(recency_to_longest_gap, 0)',
            'text': "'The longest silence so far, ' || days_since_last_activity || ' days; before at most ' || gap_days_max",
        },
        {
            'code': 'fewer_active_days',
            'strength': '1 - active_days_trend_28d_84d',
            'text': "'Active on ' || active_days_28d || ' days in the 4 weeks up to the last visit, usually on ' || cast(round(active_days_84d / 3.0, 0) as integer)",
        },
        {
            'code': 'lower_spend',
            'strength': '1 - purchase_amount_trend_28d_84d',
            'text': "'Spent ' || cast(round(purchase_amount_28d, 0) as bigint) || ' in the 4 weeks up to the last visit, usually ' || cast(round(purchase_amount_84d / 3.0, 0) as bigint)",
        },
        {
            'code': 'friction',
            'strength': '1 - 1.0 / (1 + friction_count_28d + friction_count_since_last_activity)',
            'text': "(friction_count_28d + friction_count_since_last_activity) || ' problems (tickets, failed payments) in the last weeks'",
        },
        {
            'code': 'few_visits',
            'strength': '0.01 / (1 + active_days_84d)',
            'text': "'Active on only ' || active_days_84d || ' days in the 12 weeks up to the last visit'",
        },
    ] -%}
    reason_codes as (
        {%- for reason in reasons %}
        select '{{ reason.code }}' as code{{ ' union all' if not loop.last }}
        {%- endfor %}
    ),
    possible_reasons as (
        select
            scored.customer_id,
            reason_codes.code,
            case reason_codes.code
                {%- for reason in reasons %}
                when '{{ reason.code }}' then {{ reason.strength }}
                {%- endfor %}
            end as strength,
            case reason_codes.code
                {%- for reason in reasons %}
                when '{{ reason.code }}' then {{ reason.text }}
                {%- endfor %}
            end as reason_text
        from {{ scored }} as scored
        cross join reason_codes
        where scored.is_in_population
    ),
    ranked_reasons as (
        select
            customer_id,
            '{"code":"' || code || '","text":"' || reason_text || '"}' as reason,
            row_number() over (partition by customer_id order by strength desc, code) as place
        from possible_reasons
        where strength > 0
    ),
    reasons as (
        select
            customer_id,
            '[' || max(case when place = 1 then reason end)
            {%- for place in [2, 3] %}
            || coalesce(',' || max(case when place = {{ place }} then reason end), '')
            {%- endfor %} || ']' as top_reasons
        from ranked_reasons
        where place <= 3
        group by customer_id
    )
{% endmacro %}
