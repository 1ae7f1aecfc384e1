{# Bad reference data stops the build, in a sentence: before a seed is loaded (check_seed.sql), and in a
   pre-hook of customer_policies for what two seeds must agree on. #}
{% macro check_policy_offers(policy, offers) %}
    {{ stop_on_problems(policy_offer_problems(policy, offers)) }}
{% endmacro %}

{# What is wrong with the policy: a sentence for each problem, as a query. #}
{% macro alert_policy_problems(policy) %}
    {% set numbers = [
        ('threshold', 'threshold <= 0 or threshold > 1', 'above 0 and at most 1'),
        ('alert_rule', "alert_rule not in ('score', 'value')", 'score or value'),
        ('exit_ratio', 'exit_ratio <= 0 or exit_ratio > 1', 'above 0 and at most 1'),
        ('cooldown_days', 'cooldown_days not between 0 and 3650', 'from 0 to 3650'),
        ('max_alerts_per_run', 'max_alerts_per_run < 0', 'at least 0'),
        ('max_alerts_per_day', 'max_alerts_per_day < 0', 'at least 0'),
        ('holdout_percent', 'holdout_percent < 0 or holdout_percent > 100', 'from 0 to 100'),
        ('contact_gap_days', 'contact_gap_days not between 0 and 3650', 'from 0 to 3650'),
        ('expire_days', 'expire_days not between 1 and 3650', 'from 1 to 3650'),
    ] %}
        select 'seeds/alert_policy.csv has no segment default, which serves those without a row'
            as problem
        from (select count(*) as found from {{ policy }} where {{ spelling('segment') }} = 'default') as defaults
        where found = 0
        union all
        select
            'seeds/alert_policy.csv: segment ' || {{ spelling('segment') }}
            || ' has several rows, which one shall it be?' as problem
        from {{ policy }}
        group by {{ spelling('segment') }}
        having count(*) > 1
        {% for column, is_wrong, right in numbers %}
        union all
        select
            'seeds/alert_policy.csv, segment ' || segment || ': {{ column }} must be {{ right }}, not '
            || coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'empty') as problem
        from {{ policy }}
        where {{ column }} is null or {{ is_wrong }}
        {% endfor %}
        order by problem
{% endmacro %}

{% macro offer_problems(offers) %}
        select 'seeds/offers.csv has no offer for any reason and any segment: some alerts would get none'
            as problem
        from (
            select count(*) as found from {{ offers }} where reason = 'any' and {{ spelling('segment') }} = 'any'
        ) as offers_for_all
        where found = 0
        union all
        select
            'seeds/offers.csv: offer ' || offer || ' has several texts, which one shall it be?' as problem
        from {{ offers }}
        group by offer
        having count(distinct offer_text) > 1
        union all
        select
            'seeds/offers.csv: offer ' || offer || ' has several costs, which one shall it be?' as problem
        from {{ offers }}
        group by offer
        having count(distinct coalesce(cost, {{ var('offer_cost') }})) > 1
        union all
        select
            'seeds/offers.csv: the cost of offer ' || offer || ' must be at least 0, not '
            || cast(cost as {{ dbt.type_string() }}) as problem
        from {{ offers }}
        where cost < 0 or (cost is not null and {{ finite('cost') }} is null)
        union all
        select
            'seeds/offers.csv: offer ' || coalesce(offer, '(no name)')
            || ' needs a name without spaces, a text without braces or links, and a priority' as problem
        from {{ offers }}
        where
            offer is null or offer like '% %' or priority is null or coalesce(offer_text, '') = ''
            or offer_text like '%' || chr(123) || '%' or lower(offer_text) like '%://%'
        union all
        select
            'seeds/offers.csv: offer ' || offer || ' is for the reason ' || coalesce(reason, '(none)')
            || ', which no score is ever given: any, {{ reason_codes() | join(', ') }}' as problem
        from {{ offers }}
        where coalesce(reason, '') not in ('any', '{{ reason_codes() | join("', '") }}')
        order by problem
{% endmacro %}

{% macro policy_offer_problems(policy, offers) %}
        select distinct
            'seeds/alert_policy.csv, segment ' || policies.segment || ': there is no offer '
            || allowed.listed || ' in seeds/offers.csv' as problem
        from {{ policy }} as policies
        cross join lateral {{ words('policies.offers') }} as allowed
        left join {{ offers }} as offers on allowed.listed = offers.offer
        where allowed.listed <> 'any' and offers.offer is null
        order by problem
{% endmacro %}

{# Renders to a statement that does nothing, or stops with the first problem. #}
{% macro stop_on_problems(problems) %}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed'] -%}
        {%- for row in run_query(problems).rows[:1] -%}
            {%- do exceptions.raise_compiler_error(row[0]) -%}
        {%- endfor -%}
    {%- endif -%}
    select 1
{% endmacro %}
