{# Reasons in plain words, with the numbers behind them: the up to three strongest of each customer
   in the high band, as JSON text [{"code":…,"text":…,"points":…}, …], with "facts":{…} where a letter may tell numbers. Points are the percentage
   points of the score that a reason explains; one that explains less than one point is told only
   if none explains more. A reason whose numbers do not say what its words say is left out before
   that; who is left with none has no row. Texts hold numbers only, never what a customer wrote.

   scored: a CTE with the features, new_score and new_band. model: active_churn_model.
   Makes the CTE reasons: customer_id, top_reasons. #}
{% macro reason_steps(scored, model) %}
    {{ reason_effects(scored, model) }},
    {{ told_reasons(scored) }}
{% endmacro %}

{# The same from the CTEs stayers and group_effects. Customers are taken by band once more, or DuckDB
   writes the texts of all others too. #}
{% macro told_reasons(scored) %}
    possible_reasons as (
        {%- for group in reason_groups() %}
        select
            group_effects.customer_id,
            '{{ group.code }}' as code,
            {{ fitting_number('100 * group_effects.' ~ group.code, 1) }} as points,
            {{ group.text }} as reason_text,
            {{ facts_of(group) }} as facts
        from group_effects
        inner join {{ scored }}
            on group_effects.customer_id = {{ scored }}.customer_id
            and {{ scored }}.new_band = 'high'
        cross join stayers
        where {{ group.holds }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),
    ranked_reasons as (
        select
            customer_id,
            '{"code":"' || code || '","text":"' || reason_text || '","points":' || points || facts
            || '}'
                as reason,
            points,
            row_number() over (partition by customer_id order by points desc, code) as place
        from possible_reasons
        where points > 0 and reason_text is not null
    ),
    reasons as (
        select
            customer_id,
            '[' || max(case when place = 1 then reason end)
            {%- for place in [2, 3] %}
            || coalesce(',' || max(case when place = {{ place }} and points >= 1 then reason end), '')
            {%- endfor %} || ']' as top_reasons
        from ranked_reasons
        group by customer_id
    )
{% endmacro %}
