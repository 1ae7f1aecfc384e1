{# The coalitions of the groups of reasons that reason_effects takes scores of, and what each counts. #}

{# As the CTEs coalitions and weighted_coalitions: for every set of unusual groups (may_…) every
   coalition of them (has_…), and for each group the weight of the coalition's score. #}
{% macro reason_coalitions() %}
    {%- set codes = reason_codes() -%}
    coalitions as (
        select
            *,
            may_{{ codes | join(' + may_') }} as unusual,
            has_{{ codes | join(' + has_') }} as members
        from
            {%- for code in codes %}
            {{ 'cross join ' if not loop.first -}}
            (
                select 0 as may_{{ code }}, 0 as has_{{ code }}
                union all select 1, 0
                union all select 1, 1
            ) as {{ code }}_or_usual
            {%- endfor %}
    ),
    weighted_coalitions as (
        select
            *,
            {%- for code in codes %}
            case
                when may_{{ code }} = 0 then 0
                when has_{{ code }} = 1 then {{ share_of_orders('members - 1') }}
                else -{{ share_of_orders('members') }}
            end as weight_{{ code }}{{ ',' if not loop.last }}
            {%- endfor %}
        from coalitions
    )
{% endmacro %}

{# In what share of the orders of all unusual groups exactly so many given others come before one. #}
{% macro share_of_orders(others) -%}
    cast(factorial({{ others }}) * factorial(greatest(unusual - 1 - ({{ others }}), 0)) as double)
    / factorial(unusual)
{%- endmacro %}

{# As the CTEs …_variants, a group's features as they are and, if that differs, as usual, and
   coalition_scores: joined, they make every coalition of every customer in unusual_groups. #}
{% macro coalition_scores() %}
    {%- set codes = reason_codes() -%}
    {%- set reasons_of = reasons_of_features(churn_features()) -%}
    {%- for code in codes %}
    {%- set features = [] -%}
    {%- for feature in churn_features() if reasons_of[feature].code == code -%}
        {%- do features.append(feature) -%}
    {%- endfor %}
    {{ code }}_variants as (
        select
            customer_id,
            may_{{ code }} as has_{{ code }},
            {{ features | join(', ') }}
        from unusual_groups
        union all
        select
            customer_id,
            0 as has_{{ code }},
            usual_{{ features | join(', usual_') }}
        from unusual_groups
        where may_{{ code }} = 1
    ),
    {%- endfor %}
    coalition_scores as (
        select
            unusual_groups.customer_id,
            {%- for code in codes %}
            unusual_groups.may_{{ code }},
            {{ code }}_variants.has_{{ code }},
            {%- endfor %}
            predict_churn(
                {%- for feature in churn_features() %}
                {{ reasons_of[feature].code ~ '_variants' if reasons_of[feature] is not none else 'unusual_groups' }}
                {{- '.' ~ feature }}{{ ',' if not loop.last }}
                {%- endfor %}
            ) as coalition_score
        from unusual_groups
        {%- for code in codes %}
        inner join {{ code }}_variants
            on unusual_groups.customer_id = {{ code }}_variants.customer_id
        {%- endfor %}
    )
{% endmacro %}
