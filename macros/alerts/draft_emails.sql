{# Drafts a message for every treated alert whose customer consents and that has none yet, under a
   cap per run and per day. GENERATE_RETENTION_EMAIL gets reasons and numbers, never a name, an
   address or an offer: SQL puts those in afterwards. Safe to run again: a draft is made once. #}
{% macro draft_emails(emails, history, policies, offers) %}
    insert into {{ emails }} (
        alert_id, subject, body, provider, model, prompt_version, checks, status, error, created_at,
        revision, author
    )
    with today as (
        select count(*) as drafted
        from {{ emails }}
        where cast(created_at as date) = cast({{ as_of() }} as date)
    ),
    offer_texts as (
        select offer, max(offer_text) as offer_text from {{ offers }} group by offer
    ),
    waiting as (
        select history.*, policies.name, offer_texts.offer_text
        from {{ history }} as history
        inner join {{ policies }} as policies on history.customer_id = policies.customer_id
        inner join offer_texts on history.offer = offer_texts.offer
        left join {{ emails }} as drafted on history.alert_id = drafted.alert_id
        cross join today
        where
            history.arm = 'treated'
            and policies.has_marketing_consent
            and policies.cancelled_at is null
            and drafted.alert_id is null
        qualify row_number() over (order by history.value_at_risk desc, history.alert_id)
            <= least({{ var('emails_per_run') }}, {{ var('emails_per_day') }} - today.drafted)
    ),
    generated as (
        select
            waiting.*,
            {{ parse_json('generate_retention_email(waiting.top_reasons)') }} as reply
        from waiting
    ),
    opened as (
        select
            *,
            {{ json_text('reply', 'subject') }} as subject_text,
            {{ json_text('reply', 'body') }} as body_text
        from generated
    ),
    checked as (
        select
            *,
            coalesce(length(subject_text) between 1 and 200
                and length(body_text) between 1 and 4000, false) as has_length,
            coalesce(body_text like '%{offer}%', false) as has_offer,
            coalesce(lower(subject_text || body_text) not like '%http%', false) as has_no_link
        from opened
    )
    select
        alert_id,
        replace(subject_text, '{name}', coalesce(name, 'Dear customer')) as subject,
        replace(replace(body_text, '{offer}', offer_text), '{name}', coalesce(name, 'customer'))
            as body,
        '{{ email_provider() }}' as provider,
        '{{ email_model() }}' as model,
        '1' as prompt_version,
        '{"length":' || case when has_length then 'true' else 'false' end
        || ',"offer":' || case when has_offer then 'true' else 'false' end
        || ',"no_link":' || case when has_no_link then 'true' else 'false' end || '}' as checks,
        case when has_length and has_offer and has_no_link then 'DRAFTED' else 'FAILED' end
            as status,
        case when has_length and has_offer and has_no_link then null
            else 'the draft broke a check, see checks' end as error,
        {{ as_of() }} as created_at,
        0 as revision,
        '{{ email_provider() }}' as author
    from checked
{% endmacro %}

{# Who writes: the template on DuckDB, Cortex on Snowflake. #}
{% macro email_provider() %}{{ return(adapter.dispatch('email_provider')()) }}{% endmacro %}
{% macro default__email_provider() %}{{ no_such_engine('email_provider') }}{% endmacro %}
{% macro snowflake__email_provider() %}{{ return('cortex') }}{% endmacro %}
{% macro duckdb__email_provider() %}{{ return('template') }}{% endmacro %}

{% macro email_model() %}{{ return(adapter.dispatch('email_model')()) }}{% endmacro %}
{% macro default__email_model() %}{{ no_such_engine('email_model') }}{% endmacro %}
{% macro snowflake__email_model() %}{{ return(var('cortex_model')) }}{% endmacro %}
{% macro duckdb__email_model() %}{{ return('none') }}{% endmacro %}
