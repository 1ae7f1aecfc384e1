{# The end of the data, as one row: the columns of last_closed_day, and whether customers are scored
   as of it (is_scored_as_of).

   They are while the newest activity is no older than stale_after_minutes(): older data means that a
   loader has stopped, and silence then says nothing about customers. Data of files only is no loader
   that has stopped. It ends where the files end, and everybody is scored as of there, however long
   ago that is: is_history.
   metrics: churn_metrics_live. now: the moment asked about; as_of() is a task's. #}
{% macro data_end(metrics, now=none) %}
    {%- set now = now or as_of() %}
    select
        newest_activity_at,
        last_closed_date,
        is_recent or is_from_files as is_scored_as_of,
        is_from_files and not is_recent as is_history
    from (
        select
            newest.*,
            coalesce(
                newest.newest_activity_at
                >= {{ now }} - interval '{{ stale_after_minutes() }} minutes', false
            ) as is_recent,
            newest.newest_activity_at is not null and live.n = 0 as is_from_files
        from ({{ last_closed_day(metrics, now) }}) as newest
        cross join ({{ live_events() }}) as live
    ) as known
{% endmacro %}

{# How many events came over a topic, as one row (n): 0 or 1, because one is enough to know. Rows of
   a file are stored under `file:` and its name, which no topic of Kafka can be called. The range says
   so in a form by which both engines skip what is stored of files. #}
{% macro live_events() %}
    select count(*) as n
    from (
        select kafka_topic
        from {{ ref('churn_scores_raw') }}
        where kafka_topic < 'file:' or kafka_topic >= 'file;'
        limit 1
    ) as events_of_topics
{% endmacro %}

{# One row if customers are scored as of the end of the data, none if they are not. #}
{% macro scored_data_end() %}
    select newest_activity_at
    from ({{ data_end(ref('churn_metrics_live')) }}) as data_end
    where is_scored_as_of
{% endmacro %}
