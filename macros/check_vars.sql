{# Bad configuration stops here, in words, before anything is built: all that is wrong at once. #}
{% macro check_vars() %}
    {%- set wrong = wrong_vars() + wrong_message_vars() -%}
    {%- if wrong -%}
        {%- do exceptions.raise_compiler_error(
            (wrong | join('\n')) ~ '\ncorrect this in dbt_project.yml or in --vars'
        ) -%}
    {%- endif -%}
    select 1
{% endmacro %}

{# What is wrong with the vars of metrics, training and operation, one sentence each. #}
{% macro wrong_vars() %}
    {%- set wrong = wrong_whole_numbers([
        'churn_horizon_days', 'population_min_active_days', 'population_window_days',
        'training_cutoff_every_days', 'training_cutoffs', 'ingest_rate_minutes',
        'training_rolling_origins', 'alerts_per_week', 'task_failures_before_suspension',
        'llm_tries', 'llm_max_tokens', 'llm_timeout_seconds', 'delivery_attempts',
        'monthly_credit_quota_queries', 'monthly_credit_quota_initialization',
    ], 1) + wrong_numbers([
        'promotion_tolerance_auc', 'promotion_tolerance_brier', 'contact_cost',
        'offer_cost', 'contact_success_share',
    ]) -%}
    {%- if var('churn_label') not in ['lapse', 'half_spend'] -%}
        {%- do wrong.append(wrong_var('churn_label', 'lapse or half_spend')) -%}
    {%- endif -%}
    {%- if var('snowflake_edition') not in ['standard', 'enterprise'] -%}
        {%- do wrong.append(wrong_var(
            'snowflake_edition', 'standard or enterprise (which stands for all above it too)'
        )) -%}
    {%- endif -%}
    {%- if var('snowflake_model_format') not in ['onnx', 'trees'] -%}
        {%- do wrong.append(wrong_var('snowflake_model_format', 'onnx or trees')) -%}
    {%- endif -%}
    {%- for end in ['earliest', 'latest'] -%}
        {%- set name = 'training_' ~ end ~ '_cutoff' -%}
        {%- if var(name) != end and not is_full_match('[0-9]{4}-[0-9]{2}-[0-9]{2}', var(name)) -%}
            {%- do wrong.append(wrong_var(name, end ~ ' or a date as 2026-01-31')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not is_full_match('[12][0-9]{3}-[01][0-9]-[0-3][0-9]', var('earliest_event_date')) -%}
        {%- do wrong.append(wrong_var('earliest_event_date', 'a date in quotes, as "2000-01-01"')) -%}
    {%- endif -%}
    {%- set largest = var('largest_amount') -%}
    {%- if largest is not number or largest <= 0 or largest > 1e12 -%}
        {%- do wrong.append(wrong_var('largest_amount', 'a number above 0 and at most 1e12')) -%}
    {%- endif -%}
    {%- if not is_full_match('(?i)off|[1-9][0-9]{0,4} (MINUTE|HOUR)S?', var('retrain_schedule')) -%}
        {%- do wrong.append(wrong_var('retrain_schedule', 'off or a span such as 24 HOURS')) -%}
    {%- endif -%}
    {{ return(wrong + wrong_event_categories() + wrong_retention_vars() + check_cost_vars()) }}
{% endmacro %}

{# What is wrong with the types of events and their categories. #}
{% macro wrong_event_categories() %}
    {%- set categories, wrong, places = var('event_categories'), [], {} -%}
    {%- if categories is not mapping -%}
        {{ return([wrong_var(
            'event_categories', 'categories with their event types, or {} for none'
        )]) }}
    {%- endif -%}
    {%- set known = known_event_categories() -%}
    {%- for category, event_types in categories.items() -%}
        {%- if category not in known -%}
            {%- do wrong.append(
                "var 'event_categories' has the unknown category '" ~ category ~ "': use "
                ~ known[:-1] | join(', ') ~ ' or ' ~ known[-1]
            ) -%}
        {%- endif -%}
        {%- if event_types is string or event_types is mapping or event_types is number -%}
            {%- do wrong.append(
                "var 'event_categories' must list the event types of '" ~ category
                ~ "' in brackets, as [one, another], not '" ~ event_types ~ "'"
            ) -%}
        {%- else -%}
            {%- for event_type in event_types or [] -%}
                {%- if not is_full_match('[a-z][a-z0-9]*(_[a-z0-9]+)*', event_type)
                    or (event_type | string | length) > 40 -%}
                    {%- do wrong.append(
                        "var 'event_categories' names '" ~ event_type ~ "', which is no"
                        ~ " lower_snake_case text of at most 40 characters: no such event is loaded"
                    ) -%}
                {%- endif -%}
                {%- do places.setdefault(event_type | string, []).append(category) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for event_type, found in places.items() if found | length > 1 -%}
        {%- do wrong.append(
            "var 'event_categories' lists '" ~ event_type ~ "' twice, in " ~ found | join(' and ')
            ~ ': keep one category'
        ) -%}
    {%- endfor -%}
    {{ return(wrong) }}
{% endmacro %}

{# The sentence about a var that is not what it must be. #}
{% macro wrong_var(name, wanted) %}
    {{ return("var '" ~ name ~ "' must be " ~ wanted ~ ", not '" ~ var(name) ~ "'") }}
{% endmacro %}

{% macro wrong_whole_numbers(names, least) %}
    {%- set wrong = [] -%}
    {%- for name in names if var(name) is not integer or var(name) < least -%}
        {%- do wrong.append(wrong_var(name, 'a whole number of at least ' ~ least)) -%}
    {%- endfor -%}
    {{ return(wrong) }}
{% endmacro %}

{% macro wrong_numbers(names) %}
    {%- set wrong = [] -%}
    {%- for name in names if var(name) is not number or var(name) < 0 -%}
        {%- do wrong.append(wrong_var(name, 'a number of at least 0')) -%}
    {%- endfor -%}
    {{ return(wrong) }}
{% endmacro %}

{% macro is_full_match(pattern, value) %}
    {{ return(modules.re.fullmatch(pattern, value | string) is not none) }}
{% endmacro %}
