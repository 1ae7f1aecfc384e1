{# Why a score is high, as groups of features: the one definition. Each group says what its features
   would be had the customer behaved as usual (SQL over a scored row), its text, in numbers only, and
   when the text is true: `holds` compares the numbers that the text shows, after their rounding, so
   that nobody reads "5, usually 5". However much of a score a group explains, a reason that does not
   hold is not told.

   Days without activity are whole days that are over (features_date in last_closed_day.sql), so that
   "No activity for 5 days" is so whenever it is read.

   Usual is the customer's own: the last visit lies half a usual gap back, four weeks hold what four
   weeks hold (reason_features.sql), and nothing goes wrong. The habit itself, which is as usual by
   definition, is compared with the median of those who stayed: the CTE stayers.
   Campaigns are what the business did, not the customer: they stay as they are and are no reason.

   `numbers` are whole numbers that a letter's sentences may hold (seeds/message_sentences.csv), in
   words that stay true until it is read: more than so many weeks, for so many years. #}
{% macro reason_groups() %}
    {%- set days = usual('active_days_84d', 'active_days_total') -%}
    {%- set amount = usual('purchase_amount_84d', 'purchase_amount_total') -%}
    {%- set more_days = days ~ ' / nullif(' ~ recent('active_days_84d') ~ ', 0)' -%}
    {%- set more_spend = amount ~ ' / nullif(' ~ recent('purchase_amount_84d') ~ ', 0)' -%}
    {%- set purchases = recent('purchase_count_84d') ~ ' * ' ~ more_spend -%}
    {%- set problems = 'friction_count_since_last_activity' -%}
    {%- set stayers_gap = 'stayers.gap_days_mean_of_stayers' -%}
    {%- set habit = {} -%}
    {%- for feature in habit_features() -%}
        {%- do habit.update({feature: 'stayers.' ~ feature ~ '_of_stayers'}) -%}
    {%- endfor -%}
    {{ return([
        {
            'code': 'silent',
            'text': "'No activity for ' || days_since_last_activity || ' days, usually every '
                || " ~ number_text('gap_days_mean', 1)
                ~ " || ' days, so far at most ' || gap_days_max",
            'holds': 'days_since_last_activity > ' ~ fitting_number('gap_days_mean', 1),
            'numbers': {'weeks_away': 'floor((days_since_last_activity - 1) / 7)'},
            'usual': {
                'days_since_last_activity': 'gap_days_mean / 2',
                'recency_to_usual_gap': 'gap_days_mean / 2 / nullif(gap_days_mean, 0)',
                'recency_to_longest_gap': 'gap_days_mean / 2 / nullif(gap_days_max, 0)',
            },
        },
        {
            'code': 'fewer_active_days',
            'text': "'Active on ' || active_days_28d || ' days in the 4 weeks up to the last visit,'
                || ' usually on ' || " ~ number_text(days, 0),
            'holds': 'active_days_28d < ' ~ fitting_number(days, 0),
            'usual': {
                'active_days_7d': days ~ ' / 4',
                'active_days_28d': days,
                'active_days_84d': 'active_days_84d * ' ~ more_days,
                'activity_count_28d': recent('activity_count_84d') ~ ' * ' ~ more_days,
                'activity_count_84d': 'activity_count_84d * ' ~ more_days,
                'active_days_trend_7d_28d': '1',
                'active_days_trend_28d_84d': usual_trend('active_days_84d'),
            },
        },
        {
            'code': 'lower_spend',
            'text': "'Bought ' || purchase_count_28d || ' times for ' || "
                ~ number_text(spent('purchase_amount_28d'), 0)
                ~ " || ' in the 4 weeks up to the last visit, usually for ' || "
                ~ number_text(amount, 0),
            'holds': fitting_number(spent('purchase_amount_28d'), 0) ~ ' < '
                ~ fitting_number(amount, 0),
            'usual': {
                'purchase_count_7d': purchases ~ ' / 4',
                'purchase_count_28d': purchases,
                'purchase_count_84d': 'purchase_count_84d * ' ~ more_spend,
                'purchase_amount_7d': amount ~ ' / 4',
                'purchase_amount_28d': amount,
                'purchase_amount_84d': amount ~ ' * ' ~ days_known(84) ~ ' / 28',
                'purchase_amount_trend_28d_84d': usual_trend('purchase_amount_total'),
            },
        },
        {
            'code': 'friction',
            'text': "'Problems (tickets, failed payments): ' || (friction_count_28d + " ~ problems
                ~ ") || ' since 4 weeks before the last visit, ' || (friction_count_84d + "
                ~ problems ~ ") || ' since 12 weeks before'",
            'holds': '(friction_count_84d + ' ~ problems ~ ') > 0',
            'usual': {'friction_count_28d': '0', 'friction_count_84d': '0', problems: '0'},
        },
        {
            'code': 'few_visits',
            'text': "'A customer for ' || (tenure_days + 1) || ' days, active on '
                || active_days_total || ' of them: every ' || " ~ number_text('gap_days_mean', 1)
                ~ " || ' days; customers who stayed come every ' || " ~ number_text(stayers_gap, 1)
                ~ " || ' days'",
            'holds': fitting_number('gap_days_mean', 1) ~ ' > ' ~ fitting_number(stayers_gap, 1),
            'numbers': {'years_with_us': 'floor(tenure_days / 365.25)'},
            'usual': habit,
        },
    ]) }}
{% endmacro %}

{# What a customer's habit is: the features that are as usual by definition. #}
{% macro habit_features() %}
    {{ return([
        'tenure_days', 'active_days_total', 'purchase_amount_total',
        'gap_days_mean', 'gap_days_max', 'gap_days_stddev',
    ]) }}
{% endmacro %}

{# What is never a reason and stays as it is. #}
{% macro features_without_reason() %}
    {{ return([
        'marketing_count_28d', 'marketing_count_84d', 'marketing_count_since_last_activity',
    ]) }}
{% endmacro %}

{# The names of all those numbers. #}
{% macro reason_numbers() %}
    {%- set names = [] -%}
    {%- for group in reason_groups() -%}
        {%- do names.extend((group.numbers or {}).keys()) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{# The numbers of a group, as the end of a JSON object; nothing for one without. #}
{% macro facts_of(group) -%}
    {%- if group.numbers -%}
    ',"facts":{'
    {%- for name, number in group.numbers.items() %}
    || '{{ "," if not loop.first }}"{{ name }}":' || coalesce({{ whole_number(number) }}, 0)
    {%- endfor %}
    || '}'
    {%- else -%} ''
    {%- endif -%}
{%- endmacro %}
