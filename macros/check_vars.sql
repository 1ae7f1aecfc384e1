{# Bad configuration stops here, in words, before anything is built. #}
{% macro check_vars() %}
    {%- for name in [
        'churn_horizon_days', 'population_min_active_days', 'population_window_days',
        'training_cutoff_every_days', 'training_cutoffs', 'stale_after_minutes',
        'ingest_rate_minutes',
        'training_rolling_origins', 'alerts_per_week',
        'task_failures_before_suspension', 'llm_tries', 'llm_max_tokens', 'llm_timeout_seconds',
        'delivery_attempts',
        'monthly_credit_quota',
    ] -%}
        {%- if var(name) is not integer or var(name) < 1 -%}
            {%- do exceptions.raise_compiler_error(
                "var '" ~ name ~ "' must be a whole number of at least 1, not '" ~ var(name)
                ~ "': correct it in dbt_project.yml or in --vars"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- check_message_vars() -}}
    {%- if var('churn_label') not in ['lapse', 'half_spend'] -%}
        {%- do exceptions.raise_compiler_error(
            "var 'churn_label' must be lapse or half_spend, not '" ~ var('churn_label') ~ "'"
        ) -%}
    {%- endif -%}
    {%- if var('snowflake_edition') not in ['standard', 'enterprise'] -%}
        {%- do exceptions.raise_compiler_error(
            "var 'snowflake_edition' must be standard or enterprise (which stands for all above it too),"
            ~ " not '" ~ var('snowflake_edition') ~ "'"
        ) -%}
    {%- endif -%}
    {%- if not modules.re.fullmatch(
        '([1-9][0-9]* (second|minute|hour|day)s?)', var('snowflake_target_lag')
    ) -%}
        {%- do exceptions.raise_compiler_error(
            "var 'snowflake_target_lag' must be a time as Snowflake prints it, 1 minute or 5 minutes,"
            ~ " not '" ~ var('snowflake_target_lag') ~ "'"
        ) -%}
    {%- endif -%}
    {%- for end in ['earliest', 'latest'] -%}
        {%- set name = 'training_' ~ end ~ '_cutoff' -%}
        {%- set cutoff = var(name) | string -%}
        {%- if cutoff != end and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', cutoff) -%}
            {%- do exceptions.raise_compiler_error(
                "var '" ~ name ~ "' must be " ~ end ~ " or a date as 2026-01-31, not '"
                ~ cutoff ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in [
        'promotion_tolerance_auc', 'promotion_tolerance_brier', 'contact_cost',
        'contact_success_share',
    ] -%}
        {%- if var(name) is not number or var(name) < 0 -%}
            {%- do exceptions.raise_compiler_error(
                "var '" ~ name ~ "' must be a number of at least 0, not '" ~ var(name) ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set every = var('retrain_schedule') | string | upper -%}
    {%- if every != 'OFF' and not modules.re.fullmatch('[1-9][0-9]{0,4} (MINUTE|HOUR)S?', every) -%}
        {%- do exceptions.raise_compiler_error(
            "var 'retrain_schedule' must be off or a span such as 24 HOURS, not '"
            ~ var('retrain_schedule') ~ "'"
        ) -%}
    {%- endif -%}
    {%- set seen = [] -%}
    {%- for category, event_types in var('event_categories').items() -%}
        {%- if category not in ['purchase', 'friction', 'marketing', 'profile', 'cancellation'] -%}
            {%- do exceptions.raise_compiler_error(
                "var 'event_categories' has the unknown category '" ~ category
                ~ "': use purchase, friction, marketing, profile or cancellation"
            ) -%}
        {%- endif -%}
        {%- for event_type in event_types -%}
            {%- if event_type in seen -%}
                {%- do exceptions.raise_compiler_error(
                    "var 'event_categories' lists '" ~ event_type ~ "' twice: keep one category"
                ) -%}
            {%- endif -%}
            {%- do seen.append(event_type) -%}
        {%- endfor -%}
    {%- endfor -%}
    select 1
{% endmacro %}
