{# What is wrong with the vars of messages, one sentence each. #}
{% macro wrong_message_vars() %}
    {%- set wrong = wrong_whole_numbers(['llm_calls_per_run', 'llm_calls_per_day'], 0)
        + wrong_whole_numbers(['effect_best_n'], 1)
        + wrong_numbers(['llm_cost_per_million_tokens']) -%}
    {%- if var('email_provider') not in email_providers() -%}
        {%- do wrong.append(wrong_var(
            'email_provider', (email_providers() | join(' or ')) ~ ' on ' ~ target.type
        )) -%}
    {%- endif -%}
    {%- if var('alert_order') not in ['value_at_risk', 'value_kept'] -%}
        {%- do wrong.append(wrong_var('alert_order', 'value_at_risk or value_kept')) -%}
    {%- endif -%}
    {%- if var('digest_recipients') != '' and target.type != 'snowflake' -%}
        {%- do wrong.append(
            "var 'digest_recipients' needs Snowflake, whose SYSTEM$SEND_EMAIL sends the digest"
        ) -%}
    {%- endif -%}
    {%- set detect = var('effect_to_detect') -%}
    {%- if detect is not number or detect <= 0 or detect > 1 -%}
        {%- do wrong.append(wrong_var('effect_to_detect', 'above 0 and at most 1')) -%}
    {%- endif -%}
    {%- set address = "[A-Za-z0-9!#$&'*+/^_`{|}~.-]+@[A-Za-z0-9.-]+" -%}
    {%- set sender = address ~ '|[^<>@\\\\\r\n]*<' ~ address ~ '>' -%}
    {%- for name, form in [('sender_address', sender), ('unsubscribe_address', address)]
        if not is_full_match(form, var(name)) -%}
        {%- do wrong.append(wrong_var(name, 'an e-mail address in plain ASCII')) -%}
    {%- endfor -%}
    {{ return(wrong) }}
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
