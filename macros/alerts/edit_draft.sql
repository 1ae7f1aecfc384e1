{# A new revision with what EDIT_DRAFT was given, of a draft that nobody has decided on yet. #}
{% macro add_revision() %}
    insert into {{ ref('retention_emails') }} (
        alert_id, subject, body, provider, model, prompt_version, checks, status, error,
        created_at, revision, author
    )
    select
        drafts.alert_id,
        {{ parameter('subject') }} as subject,
        {{ parameter('body') }} as body,
        'manager' as provider,
        'none' as model,
        drafts.prompt_version,
        drafts.checks,
        'DRAFTED' as status,
        null as error,
        {{ as_of() }} as created_at,
        coalesce(drafts.revision, 0) + 1 as revision,
        {{ parameter('actor') }} as author
    from {{ ref('current_drafts') }} as drafts
    inner join {{ ref('alert_states') }} as states on drafts.alert_id = states.alert_id
    where
        drafts.alert_id = {{ parameter('alert_id') }}
        and states.state = 'DRAFTED'
        and (drafts.subject <> {{ parameter('subject') }} or drafts.body <> {{ parameter('body') }})
{% endmacro %}

{# After the edit: why it was not taken, if it was not. #}
{% macro refused_revision() %}
    select
        asked.alert_id,
        case
            when states.alert_id is null then 'There is no such alert.'
            when states.state = 'OPEN' then 'There is no draft yet.'
            else 'An alert that is ' || states.state || ' has no draft to edit.'
        end as sentence
    from (select {{ parameter('alert_id') }} as alert_id) as asked
    left join {{ ref('alert_states') }} as states on asked.alert_id = states.alert_id
    left join {{ ref('current_drafts') }} as drafts on asked.alert_id = drafts.alert_id
    where
        coalesce(states.state, '') <> 'DRAFTED'
        or drafts.subject <> {{ parameter('subject') }}
        or drafts.body <> {{ parameter('body') }}
{% endmacro %}
