with

visits as (

    select
        *,
        lag(activity_month) over (
            partition by customer_id order by activity_month
        ) as previous_month,
        lead(activity_month) over (
            partition by customer_id order by activity_month
        ) as next_month
    from {{ ref('visible_visits') }}

),

monthly as (

    select * from {{ ref('customer_activity_monthly') }}

),

last_months as (

    select activity_month as last_month
    from {{ ref('activity_months') }}
    where is_unfinished

),

came as (

    select
        activity_month,
        segment,
        case
            when previous_month is null then 'new'
            when datediff('month', previous_month, activity_month) = 1 then 'kept'
            else 'returned'
        end as stage
    from visits

),

-- Who came in a month and not in the next one; the last month cannot tell yet.
stayed_away as (

    select
        cast({{ dbt.dateadd('month', 1, 'visits.activity_month') }} as date) as activity_month,
        visits.segment,
        visits.last_active_date,
        visits.last_resumed_at,
        coalesce(next_months.last_cancelled_at, visits.last_cancelled_at) as last_cancelled_at,
        coalesce(next_months.last_paused_at, visits.last_paused_at) as last_paused_at
    from visits
    cross join last_months
    left join monthly as next_months
        on
            visits.customer_id = next_months.customer_id
            and next_months.activity_month
            = cast({{ dbt.dateadd('month', 1, 'visits.activity_month') }} as date)
    where
        visits.activity_month < last_months.last_month
        and coalesce(datediff('month', visits.activity_month, visits.next_month) > 1, true)

),

-- Of these, who pauses has said so.
explained as (

    select
        *,
        {{ unless_returned('last_cancelled_at', 'last_active_date', 'last_resumed_at') }}
            as cancelled_at,
        {{ unless_returned('last_paused_at', 'last_active_date', 'last_resumed_at') }}
            as paused_at
    from stayed_away

),

stages as (

    select * from came
    union all
    select
        activity_month,
        segment,
        case when {{ is_paused('explained') }} then 'paused' else 'dormant' end as stage
    from explained

),

lifecycle as (

    select
        stages.activity_month,
        stages.segment,
        stages.stage,
        stages.activity_month = last_months.last_month as is_unfinished,
        count(*) as customers
    from stages
    cross join last_months
    group by stages.activity_month, stages.segment, stages.stage, last_months.last_month

)

select * from lifecycle
