{# What is kept how long: the parts of the task delete_expired. #}

{# The vars that say so: forever, or a number of days. #}
{% macro retention_vars() %}
    {{ return(['rejected_days', 'letter_days', 'inactive_customer_days']) }}
{% endmacro %}

{# Whether a retention var names days. #}
{% macro keeps_for_days(name) %}{{ return(var(name) | string != 'forever') }}{% endmacro %}

{# What is wrong with the retention vars, one sentence each. Training looks at everybody who was a customer
   at its earliest cut-off: without those who left since then, it would see fewer churners than there
   were. #}
{% macro wrong_retention_vars() %}
    {%- set wrong = [] -%}
    {%- for name in retention_vars() if keeps_for_days(name) -%}
        {%- if var(name) is not integer or var(name) < 1 -%}
            {%- do wrong.append(wrong_var(name, 'forever or a whole number of days, at least 1')) -%}
        {%- elif name == 'inactive_customer_days' and var(name) < longest_look_back() -%}
            {%- do wrong.append(wrong_var(
                name, 'forever or at least ' ~ longest_look_back()
                ~ ' days, as far as training_cutoffs and the windows of training and spend look back'
            )) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(wrong) }}
{% endmacro %}

{# How many days before the data's end something still reads a customer's events. #}
{% macro longest_look_back() %}
    {{ return(
        var('training_cutoffs') * var('training_cutoff_every_days') + var('churn_horizon_days')
        + var('population_window_days') + (spend_spans() | max) + correction_days()
    ) }}
{% endmacro %}

{# Whether a moment lies further back than a retention var allows. #}
{% macro is_older(moment, name) -%}
    {{ moment }} < {{ as_of() }} - interval '{{ var(name) }} days'
{%- endmacro %}

{# A row if delete_expired has anything to do, for stop_unless. #}
{% macro expired_rows() %}
    select id_hash as why from {{ ref('forgotten_customers') }}
    {%- for name in retention_vars() if keeps_for_days(name) %}
    union all
    select '{{ name }}' as why
    {%- endfor %}
{% endmacro %}

{# A query of the customers who were forgotten, among those of whom something came within a month.
   moment: when a row of the relation came. #}
{% macro forgotten_among(relation, moment) %}
    select customer_id
    from (
        select distinct customer_id
        from {{ relation }}
        where {{ moment }} >= {{ as_of() }} - interval '31 days'
    ) as recent
    where {{ is_forgotten('recent.customer_id') }}
{% endmacro %}

{# What a task wrote that had begun before the customer was forgotten, and ended after it: outcomes and spend
   of an alert that is not called so any more. They were not counted before. #}
{% macro delete_late_outcomes() %}
    delete from {{ ref('outcomes') }}
    where
        alert_id not in (select alert_id from {{ ref('high_risk_history') }})
        and (select count(*) from {{ ref('forgotten_customers') }}) > 0;
    delete from {{ ref('alert_spend') }}
    where
        alert_id not in (select alert_id from {{ ref('high_risk_history') }})
        and (select count(*) from {{ ref('forgotten_customers') }}) > 0
{% endmacro %}

{# A query of the ids of which nothing has happened for longer than inactive_customer_days, nor of those
   that they are merged with. By the day, so that they go at one time of it. #}
{% macro inactive_customers() %}
    select customer_id
    from (
        select
            customer_id,
            max(last_at) over (partition by surviving_id) as last_at
        from (
            select
                raw_events.customer_id,
                {{ surviving_id('identities', 'raw_events.customer_id') }} as surviving_id,
                max(raw_events.occurred_at) as last_at
            from {{ ref('churn_scores_raw') }} as raw_events
            left join {{ ref('customer_identities') }} as identities
                on raw_events.customer_id = identities.customer_id
            group by 1, 2
        ) as by_id
    ) as by_customer
    where
        cast(last_at as date)
        < cast({{ as_of() }} as date) - {{ var('inactive_customer_days') }}
{% endmacro %}

{# The words of letters, and of the language model about them, once nobody decides on the alert any more.
   The rows stay, because they are counted. #}
{% macro delete_old_letters() %}
    update {{ ref('retention_emails') }}
    set subject = null, body = null, checks = null, error = null, marks = '[]'
    where
        body is not null
        and {{ is_older('created_at', 'letter_days') }}
        and alert_id not in ({{ undecided_alerts() }});
    update {{ ref('llm_calls') }}
    set detail = null, reply = null, own_words = null
    where
        coalesce(reply, detail, own_words) is not null
        and {{ is_older('called_at', 'letter_days') }}
        and alert_id not in ({{ undecided_alerts() }})
    {%- if target.type == 'snowflake' and var('email_provider') == 'cortex' %};
    delete from {{ ref('llm_answers') }}
    where
        {{ is_older('called_at', 'letter_days') }}
        and alert_id not in ({{ undecided_alerts() }})
    {%- endif %}
{% endmacro %}

{% macro undecided_alerts() -%}
    select alert_id from {{ ref('alert_states') }}
    where state in ('OPEN', 'DRAFTED', 'APPROVED', 'QUEUED')
{%- endmacro %}
