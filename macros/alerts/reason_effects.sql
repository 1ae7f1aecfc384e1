{# How many of its points each group of reason_groups gives to a score: Shapley values, exact. For
   every coalition of the groups the score is taken with its groups as they are and the others as
   usual, and a group gets its average effect over all orders in which the groups may join. They add
   up to the score less that of the customer who behaves as usual in everything. A group that is as
   usual gets nothing, and is in no coalition: many customers have such a group. Where a coalition has
   no score, because a usual figure is beyond all sense, the others would not add up: no group has one.

   scored: a CTE with the features, new_score and new_band. model: active_churn_model.
   Makes the CTEs stayers, as_usual, unusual_groups, those of reason_coalitions.sql, and group_effects:
   a row for each customer in the high band, a column for each group, in units of the score. #}
{% macro reason_effects(scored, model) %}
    {%- set codes = reason_codes() -%}
    {%- set reasons_of = reasons_of_features(churn_features()) -%}
    stayers as (
        select
            {%- for feature in habit_features() %}
            try_cast({{ json_text('reference.medians', feature ~ '.median_of_stayers') }} as double)
                as {{ feature }}_of_stayers{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select {{ parse_json('feature_reference') }} as medians from {{ model }}
        ) as reference
    ),
    as_usual as (
        select
            {%- for feature in churn_features() %}
            {{ feature_value(feature) }} as {{ feature }},
            {%- if reasons_of[feature] is not none %}
            coalesce(cast({{ reasons_of[feature].usual }} as double), {{ feature_value(feature) }})
                as usual_{{ feature }},
            {%- endif %}
            {%- endfor %}
            {{ scored }}.customer_id
        from {{ scored }}
        cross join stayers
        where {{ scored }}.new_band = 'high'
    ),
    unusual_groups as (
        select
            *,
            {%- for code in codes %}
            case
                when
                    {%- for feature in churn_features() if reasons_of[feature].code == code %}
                    {{ 'or ' if not loop.first }}{{ feature }} <> usual_{{ feature }}
                    {%- endfor %}
                    then 1
                else 0
            end as may_{{ code }}{{ ',' if not loop.last }}
            {%- endfor %}
        from as_usual
    ),
    {{ reason_coalitions() }},
    {{ coalition_scores() }},
    group_effects as (
        select
            customer_id,
            {%- for code in codes %}
            case
                when count(coalition_score) = count(*) then sum(weight_{{ code }} * coalition_score)
            end as {{ code }}{{ ',' if not loop.last }}
            {%- endfor %}
        from coalition_scores
        inner join weighted_coalitions using (
            {%- for code in codes %}may_{{ code }}, has_{{ code }}{{ ', ' if not loop.last }}{% endfor -%}
        )
        group by customer_id
    )
{% endmacro %}
