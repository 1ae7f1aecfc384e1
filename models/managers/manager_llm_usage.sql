with

calls as (

    select * from {{ ref('llm_calls') }}

),

settings as (

    select * from {{ ref('message_settings') }}

),

usage as (

    select
        cast(calls.called_at as date) as called_on,
        calls.provider,
        calls.model,
        calls.prompt_version,
        coalesce(calls.purpose, 'write') as purpose,
        count(case when calls.outcome <> 'not_called' then 1 end) as calls,
        count(case when calls.outcome = 'accepted' then 1 end) as accepted,
        count(case when calls.outcome = 'refused' then 1 end) as refused,
        count(case when calls.outcome = 'failed' then 1 end) as failed,
        count(case when calls.outcome = 'not_called' then 1 end) as not_called,
        cast(coalesce(sum(calls.prompt_tokens), 0) as bigint) as prompt_tokens,
        cast(coalesce(sum(calls.reply_tokens), 0) as bigint) as reply_tokens,
        coalesce(round(sum({{ finite('calls.cost') }}), 6), 0) as cost,
        avg({{ finite('calls.seconds') }}) as mean_seconds,
        max(calls.seconds) as max_seconds,
        min(settings.calls_per_day) as budget_calls
    from calls
    cross join settings
    where {{ may_see_all_regions() }}
    group by
        cast(calls.called_at as date),
        calls.provider,
        calls.model,
        calls.prompt_version,
        coalesce(calls.purpose, 'write')

)

select * from usage
