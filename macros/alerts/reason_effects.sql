{# How many of its points each group of reason_groups gives to a score: Shapley values, exact. For
   every coalition of the groups the score is taken with its groups as they are and the others as
   usual, and a group gets its average effect over all orders in which the groups may join. They add
   up to the score less that of the customer who behaves as usual in everything, and a group that is
   as usual gets nothing.

   scored: a CTE with the features, new_score and new_band. model: active_churn_model.
   Makes the CTEs stayers, as_usual, coalitions, coalition_scores and group_effects: a row for each
   customer in the high band, a column for each group, in units of the score. #}
{% macro reason_effects(scored, model) %}
    {%- set codes = reason_codes() -%}
    {%- set reasons_of = reasons_of_features(churn_features()) -%}
    stayers as (
        select
            {%- for feature in habit_features() %}
            cast({{ json_text('reference.medians', feature ~ '.median_of_stayers') }} as double)
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
    coalitions as (
        select
            *,
            has_{{ codes | join(' + has_') }} as members
        from
            {%- for code in codes %}
            {{ 'cross join ' if not loop.first }}(select 0 as has_{{ code }} union all select 1)
                as {{ code }}_or_usual
            {%- endfor %}
    ),
    coalition_scores as (
        select
            as_usual.customer_id,
            coalitions.*,
            predict_churn(
                {%- for feature in churn_features() %}
                {%- if reasons_of[feature] is none %}
                as_usual.{{ feature }}
                {%- else %}
                case
                    when coalitions.has_{{ reasons_of[feature].code }} = 1 then as_usual.{{ feature }}
                    else as_usual.usual_{{ feature }}
                end
                {%- endif %}{{ ',' if not loop.last }}
                {%- endfor %}
            ) as coalition_score
        from as_usual
        cross join coalitions
    ),
    group_effects as (
        select
            customer_id,
            {%- for code in codes %}
            sum((2 * has_{{ code }} - 1) * coalition_score / {{ orders('members - has_' ~ code) }})
                as {{ code }}{{ ',' if not loop.last }}
            {%- endfor %}
        from coalition_scores
        group by customer_id
    )
{% endmacro %}

{# One part in how many a coalition's effect on a group counts, by how many other groups are in it:
   with n groups and k others, n times the number of ways to choose k out of n - 1. #}
{% macro orders(others) -%}
    {%- set groups = reason_codes() | length -%}
    case {{ others }}
        {%- set ways = namespace(of=1) -%}
        {%- for number in range(groups) %}
        when {{ number }} then {{ groups * ways.of }}
        {%- set ways.of = ways.of * (groups - 1 - number) // (number + 1) -%}
        {%- endfor %}
    end
{%- endmacro %}
