{# Drafts a message for every alert that is open, of both arms: from the LLM's reply if one was accepted,
   by the template if none is asked, when all tries failed, or when nobody may be asked. A reply with
   words of its own waits until its second reading was asked for. The reply never held a name, an
   address or an offer; draft_message judges it, marks what is not the company's, and puts them in.
   Safe to run again: a draft is made once. #}
{% macro draft_emails() %}
    insert into {{ ref('retention_emails') }} (
        alert_id, subject, body, provider, model, prompt_version, checks, status, error, created_at,
        revision, author, marks
    )
    with offer_texts as (
        select offer, max(offer_text) as offer_text from {{ ref('offers') }} group by offer
    ),
    calls as (
        select
            alert_id,
            max(case when outcome = 'accepted' then call_id end) as accepted_call_id,
            count(case when outcome in ('refused', 'failed') then 1 end) as failures,
            max(case when outcome = 'not_called' then detail end) as not_called_because
        from {{ ref('llm_calls') }}
        where {{ is_writing() }}
        group by alert_id
    ),
    -- The reply of the second reading; empty when it failed or was not made.
    reviews as (
        select
            alert_id,
            coalesce(max(case when outcome = 'accepted' then reply end), '') as review
        from {{ ref('llm_calls') }}
        where purpose = 'review' and outcome not in ('asked', 'replied')
        group by alert_id
    ),
    waiting as (
        select
            alerts.alert_id,
            alerts.customer_id,
            alerts.top_reasons,
            offer_texts.offer_text,
            settings.sentences,
            settings.prompt_version,
            accepted.reply,
            case when accepted.own_words is not null then coalesce(reviews.review, '') end as review,
            accepted.provider,
            accepted.model,
            case
                when accepted.call_id is not null or settings.provider = 'template' then null
                when calls.failures >= settings.tries
                    then 'written by the template: no draft in ' || calls.failures || ' tries'
                else 'written by the template: ' || calls.not_called_because
            end as fallback
        from {{ ref('alert_states') }} as states
        inner join {{ ref('high_risk_history') }} as alerts on states.alert_id = alerts.alert_id
        inner join offer_texts on alerts.offer = offer_texts.offer
        cross join {{ ref('message_settings') }} as settings
        left join {{ ref('retention_emails') }} as drafted on alerts.alert_id = drafted.alert_id
        left join calls on alerts.alert_id = calls.alert_id
        left join {{ ref('llm_calls') }} as accepted on calls.accepted_call_id = accepted.call_id
        left join reviews on alerts.alert_id = reviews.alert_id
        where
            states.state = 'OPEN'
            and drafted.alert_id is null
            and (
                settings.provider = 'template'
                or (
                    accepted.call_id is not null
                    and (accepted.own_words is null or reviews.review is not null)
                )
                or calls.failures >= settings.tries
                or calls.not_called_because is not null
            )
    ),
    -- The LLM's letter, judged again: with name and offer, and by today's sentences and checks.
    written as (
        select
            waiting.*,
            names.name,
            {{ parse_json('draft_message(waiting.reply' ~ facts_of_a_letter() ~ ', waiting.review)') }}
                as verdict
        from waiting
        inner join {{ greeted_names('waiting') }} as names
            on waiting.customer_id = names.customer_id
    ),
    -- The template's letter, if the LLM wrote none or its letter is refused now.
    drafted as (
        select
            *,
            {{ json_text('verdict', 'error') }} is null as is_by_llm,
            case
                when {{ json_text('verdict', 'error') }} is null then verdict
                else {{ parse_json(
                    'draft_message(write_from_template(top_reasons, sentences)'
                    ~ facts_of_a_letter() ~ ', null)'
                ) }}
            end as letter
        from written
    )
    select
        alert_id,
        {{ json_text('letter', 'subject') }} as subject,
        {{ json_text('letter', 'body') }} as body,
        case when is_by_llm then provider else 'template' end as provider,
        case when is_by_llm then model else 'none' end as model,
        prompt_version,
        cast({{ json_part('letter', 'checks') }} as {{ dbt.type_string() }}) as checks,
        case when {{ json_text('letter', 'error') }} is null then 'DRAFTED' else 'FAILED' end
            as status,
        coalesce(
            {{ json_text('letter', 'error') }},
            fallback,
            case
                when not is_by_llm and reply is not null
                    then 'written by the template: ' || {{ json_text('verdict', 'error') }}
            end
        ) as error,
        {{ as_of() }} as created_at,
        0 as revision,
        case when is_by_llm then provider else 'template' end as author,
        cast({{ json_part('letter', 'marks') }} as {{ dbt.type_string() }}) as marks
    from drafted
{% endmacro %}

{# What a letter is filled with and judged by, as arguments of draft_message. #}
{% macro facts_of_a_letter() %}{{ return(', name, offer_text, top_reasons, sentences') }}{% endmacro %}
