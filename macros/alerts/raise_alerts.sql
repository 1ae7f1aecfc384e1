{# Raises an alert for every customer that entered the high band and has none for this stay in it:
   at most one in cooldown_days, and at most max_alerts_per_run and max_alerts_per_day per segment,
   the greatest alert_priority first; who does not fit is taken by the next run. The arm is a hash of
   the customer, for ever, and kept here, but it changes nothing before somebody approves the message
   (manager_moves): until then alerts of both arms are treated alike, and no manager sees the arm. #}
{% macro raise_alerts(history, scores, policies, offers) %}
    insert into {{ history }} (
        alert_id, customer_id, score, threshold, value_at_risk, top_reasons, offer, arm, status,
        model_version, created_at, segment, suppressed_because, holdout_percent, arm_drawn
    )
    with policies as (select * from {{ policies }}),
    previous as (
        select customer_id, max(created_at) as last_alert_at
        from ({{ of_surviving_ids(history) }}) as raised
        group by customer_id
    ),
    today as (
        select segment, count(*) as raised
        from {{ history }}
        where cast(created_at as date) = cast({{ as_of() }} as date)
        group by segment
    ),
    candidates as (
        select
            scores.*,
            policies.segment,
            policies.policy_segment,
            {{ alert_threshold('policies', 'scores.value_at_risk / nullif(scores.score, 0)') }}
                as threshold,
            policies.offers as allowed_offers,
            policies.holdout_percent,
            least(
                policies.max_alerts_per_run,
                policies.max_alerts_per_day - coalesce(today.raised, 0)
            ) as alerts_left
        from {{ scores }} as scores
        inner join policies on scores.customer_id = policies.customer_id
        left join previous on scores.customer_id = previous.customer_id
        left join today on policies.policy_segment = today.segment
        where
            scores.band = 'high'
            and not {{ is_forgotten('scores.customer_id') }}
            and (
                previous.last_alert_at is null
                or (
                    previous.last_alert_at < scores.band_since
                    and datediff('second', previous.last_alert_at, {{ as_of() }})
                    >= policies.cooldown_days * 86400
                )
            )
    ),
    capped as (
        select candidates.*
        from candidates
        {{ alert_priority_joins('candidates') }}
        qualify row_number() over (
            partition by candidates.policy_segment
            order by {{ alert_priority('candidates') }} desc, candidates.customer_id
        ) <= candidates.alerts_left
    ),
    chosen as (
        select
            capped.*,
            contacts.suppressed_because,
            {{ json_text(parse_json('capped.top_reasons'), '[0].code') }} as first_reason,
            case
                when {{ hash_bucket("capped.customer_id || '|' || '" ~ var('holdout_salt') ~ "'") }}
                    < capped.holdout_percent then 'holdout'
                else 'treated'
            end as arm
        from capped
        left join {{ contact_suppressions(as_of(), 'capped', 'policies') }} as contacts
            on capped.customer_id = contacts.customer_id
    ),
    offered as (
        select chosen.*, offers.offer
        from chosen
        left join {{ offers }} as offers
            on
                offers.reason in ('any', chosen.first_reason)
                and {{ spelling('offers.segment') }} in ('any', coalesce(chosen.segment, 'any'))
                and (
                    chosen.allowed_offers = 'any'
                    or ' ' || chosen.allowed_offers || ' ' like '% ' || offers.offer || ' %'
                )
        qualify row_number() over (
            partition by chosen.customer_id order by offers.priority, offers.offer
        ) = 1
    )
    select
        md5(customer_id || '|' || {{ time_text('band_since') }}) as alert_id,
        customer_id,
        score,
        threshold,
        value_at_risk,
        top_reasons,
        offer,
        arm,
        'OPEN' as status,
        model_version,
        {{ as_of() }} as created_at,
        policy_segment as segment,
        suppressed_because,
        holdout_percent,
        'approval' as arm_drawn
    from offered
{% endmacro %}
