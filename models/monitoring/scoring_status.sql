with

health as (

    select * from {{ ref('pipeline_health') }}

),

data_end as (

    {{ last_closed_day(ref('churn_metrics_live'), utc_now()) }}

),

latest_run as (

    select {{ status_without_customers('status') }} as status
    from {{ ref('train_churn_model') }}
    qualify row_number() over (order by trained_at desc) = 1

),

model as (

    select version from {{ ref('active_churn_model') }}

),

population as (

    select
        count(*) as customers,
        count(case when {{ in_population('data_end.last_closed_date', 'metrics.') }} then 1 end)
            as customers_to_score
    from {{ ref('churn_metrics_live') }} as metrics
    cross join data_end

),

scored as (

    select count(*) as customers
    from {{ ref('churn_scores') }}
    where band in ('high', 'low')

),

known as (

    select
        health.data_as_of,
        health.is_stale,
        health.is_history,
        {{ moment_text('health.data_as_of') }} as data_as_of_text,
        model.version,
        latest_run.status,
        population.customers_to_score,
        scored.customers as scored_customers
    from health
    cross join population
    cross join scored
    left join model on 1 = 1
    left join latest_run on 1 = 1

),

status as (

    select
        is_history,
        data_as_of_text,
        {{ why_not_scored() }} as not_scored_because
    from known

),

worded as (

    select
        is_history,
        not_scored_because,
        case
            when not_scored_because is not null then 'not scored: ' || not_scored_because
            when is_history
                then 'history: the data ends on ' || data_as_of_text || ', and is scored as of then'
        end as said
    from status

)

select * from worded
