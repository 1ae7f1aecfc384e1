{# A new revision with what EDIT_DRAFT was given, of a draft that nobody has decided on yet, if it
   keeps to what every draft keeps to. #}
{% macro add_revision() %}
    insert into {{ ref('retention_emails') }} (
        alert_id, subject, body, provider, model, prompt_version, checks, status, error,
        created_at, revision, author, marks
    )
    select
        edited.alert_id,
        {{ json_text('edited.verdict', 'subject') }} as subject,
        {{ json_text('edited.verdict', 'body') }} as body,
        'manager' as provider,
        'none' as model,
        edited.prompt_version,
        cast({{ json_part('edited.verdict', 'checks') }} as {{ dbt.type_string() }}) as checks,
        'DRAFTED' as status,
        null as error,
        {{ as_of() }} as created_at,
        edited.revision + 1 as revision,
        rights.actor as author,
        cast({{ json_part('edited.verdict', 'marks') }} as {{ dbt.type_string() }}) as marks
    from {{ edited_draft() }} as edited
    inner join {{ caller_rights(edited_customer()) }} as rights
        on edited.customer_id = rights.customer_id
    where
        rights.may_act
        and edited.state = 'DRAFTED'
        and edited.is_changed
        and {{ json_text('edited.verdict', 'error') }} is null
{% endmacro %}

{# After the edit: why it was not taken, if it was not. #}
{% macro refused_revision() %}
    select
        asked.alert_id,
        case
            {{- refused_by_rights('rights', 'alert') }}
            when edited.alert_id is null then 'There is no draft of this alert.'
            when edited.state <> 'DRAFTED'
                then 'An alert that is ' || edited.state || ' has no draft to edit.'
            else 'Not taken: ' || {{ json_text('edited.verdict', 'error') }} || '.'
        end as sentence
    from (select {{ parameter('alert_id') }} as alert_id) as asked
    left join {{ edited_draft() }} as edited on asked.alert_id = edited.alert_id
    left join {{ caller_rights(edited_customer()) }} as rights on 1 = 1
    where not coalesce(rights.may_act, false) or edited.alert_id is null or edited.is_changed
{% endmacro %}

{# The draft that is edited, and what the checks say of the new words. #}
{% macro edited_draft() %}
    (
        select
            drafts.alert_id,
            alerts.customer_id,
            drafts.prompt_version,
            coalesce(drafts.revision, 0) as revision,
            states.state,
            drafts.subject <> {{ parameter('subject') }}
            or drafts.body <> {{ parameter('body') }} as is_changed,
            {{ parse_json(
                'check_message(' ~ parameter('subject') ~ ', ' ~ parameter('body')
                ~ ', names.name, offer_texts.offer_text, alerts.top_reasons, settings.sentences)'
            ) }} as verdict
        from {{ ref('current_drafts') }} as drafts
        inner join {{ ref('alert_states') }} as states on drafts.alert_id = states.alert_id
        inner join {{ ref('high_risk_history') }} as alerts on drafts.alert_id = alerts.alert_id
        left join {{ greeted_names(edited_customer()) }} as names
            on alerts.customer_id = names.customer_id
        inner join (
            select offer, max(offer_text) as offer_text from {{ ref('offers') }} group by offer
        ) as offer_texts on alerts.offer = offer_texts.offer
        cross join {{ ref('message_settings') }} as settings
        where drafts.alert_id = {{ parameter('alert_id') }}
    )
{% endmacro %}

{# The customer of the alert whose draft is edited. #}
{% macro edited_customer() %}
    (
        select customer_id
        from {{ ref('high_risk_history') }}
        where alert_id = {{ parameter('alert_id') }}
    )
{% endmacro %}
