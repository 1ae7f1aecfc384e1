{# What the vars say about messages, before anything is built. #}
{% macro check_message_vars() %}
    {%- for name in ['llm_calls_per_run', 'llm_calls_per_day'] -%}
        {%- if var(name) is not integer or var(name) < 0 -%}
            {%- do exceptions.raise_compiler_error(
                "var '" ~ name ~ "' must be a whole number of at least 0, not '" ~ var(name) ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set cost = var('llm_cost_per_million_tokens') -%}
    {%- if cost is not number or cost < 0 -%}
        {%- do exceptions.raise_compiler_error(
            "var 'llm_cost_per_million_tokens' must be a number of at least 0, not '" ~ cost ~ "'"
        ) -%}
    {%- endif -%}
    {%- if var('email_provider') not in email_providers() -%}
        {%- do exceptions.raise_compiler_error(
            "var 'email_provider' must be " ~ (email_providers() | join(' or ')) ~ ' on '
            ~ target.type ~ ", not '" ~ var('email_provider') ~ "'"
        ) -%}
    {%- endif -%}
    {%- if var('digest_recipients') != '' and target.type != 'snowflake' -%}
        {%- do exceptions.raise_compiler_error(
            "var 'digest_recipients' needs Snowflake, whose SYSTEM$SEND_EMAIL sends the digest"
        ) -%}
    {%- endif -%}
    {%- set detect = var('effect_to_detect') -%}
    {%- if detect is not number or detect <= 0 or detect > 1 -%}
        {%- do exceptions.raise_compiler_error(
            "var 'effect_to_detect' must be above 0 and at most 1, not '" ~ detect ~ "'"
        ) -%}
    {%- endif -%}
    {%- for name in ['sender_address', 'unsubscribe_address'] -%}
        {%- if not modules.re.fullmatch('[^@\r\n]+@[^@\s<>]+>?', var(name) | string) -%}
            {%- do exceptions.raise_compiler_error(
                "var '" ~ name ~ "' must be an e-mail address, not '" ~ var(name) ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# Who may write messages on this engine. #}
{% macro email_providers() %}{{ return(adapter.dispatch('email_providers')()) }}{% endmacro %}
{% macro default__email_providers() %}{{ no_such_engine('email_providers') }}{% endmacro %}
{% macro snowflake__email_providers() %}{{ return(['template', 'cortex']) }}{% endmacro %}
{% macro duckdb__email_providers() %}{{ return(['template', 'ollama']) }}{% endmacro %}

{# The model that is asked; none for the template. #}
{% macro llm_model() %}
    {{ return({
        'template': 'none', 'ollama': var('ollama_model'), 'cortex': var('cortex_model'),
    }[var('email_provider')]) }}
{% endmacro %}
