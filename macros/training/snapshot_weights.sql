{# What an outcome counts for, given that messages change outcomes: a relation with the customers whose
   arm was drawn for an alert within the horizon before the cut-off or in the label window, one row per
   cut-off and customer. Whoever has no row there counts 1: an alert that nobody approved changed
   nothing.

   Alerts of the label window are raised because somebody has fallen silent: leaving out the treated
   alone would leave out future churners. So the held out stand for them (inverse probability of
   censoring weights): of customers whose arm was drawn in that time the treated count 0, and the held
   out 100 / holdout_percent. Whether a message was sent does not matter, as in RETENTION_EFFECT: what
   happens after the draw must not decide what is learnt. The day of the draw counts, not that of the
   alert: from then on a message may change what the customer does, and until then both arms are alike.

   A held-out customer counts most_weight() at most, or one customer would be a figure. What is missing
   then, and everything where nobody is held out, is made up for by the treated themselves, whose
   outcomes are those that messages left: for 0 % they count 1. The weights of all customers add up to
   their number on average, whatever the share.

   cutoffs: an alias with cutoff_date and, by_customer, customer_id. alerts: drawn_alerts. Of several
   shares the smallest counts: the hash is permanent, so that whoever is held out by it is held out by
   all. Alerts without a share were raised before it was kept; the policy of today stands for it. #}
{% macro snapshot_weights(cutoffs, alerts, policies, by_customer=false) %}
    {%- set horizon = var('churn_horizon_days') -%}
    {%- set least_percent = 100 / most_weight() -%}
    select
        cutoff_date,
        customer_id,
        alert_arm,
        cast(case
            when alert_arm = 'holdout' then 100.0 / greatest(holdout_percent, {{ least_percent }})
            else {{ most_weight() }} * greatest({{ least_percent }} - holdout_percent, 0.0)
                / greatest(100.0 - holdout_percent, 1.0)
        end as double) as snapshot_weight
    from (
        select
            {{ cutoffs }}.cutoff_date,
            alerts.customer_id,
            -- Whoever was treated once in that time was treated: 'treated' is the greater word.
            max(alerts.arm) as alert_arm,
            min(coalesce(
                alerts.holdout_percent, policies.holdout_percent, default_policy.holdout_percent
            )) as holdout_percent
        from {{ cutoffs }}
        inner join {{ alerts }} as alerts
            on
                cast(alerts.drawn_at as date) > {{ cutoffs }}.cutoff_date - {{ horizon }}
                and cast(alerts.drawn_at as date) <= {{ cutoffs }}.cutoff_date + {{ horizon }}
                {%- if by_customer %}
                and alerts.customer_id = {{ cutoffs }}.customer_id
                {%- endif %}
        left join {{ policies }} as policies on alerts.segment = policies.segment
        left join {{ policies }} as default_policy
            on {{ spelling('default_policy.segment') }} = 'default'
        group by {{ cutoffs }}.cutoff_date, alerts.customer_id
    ) as alerted
{% endmacro %}

{# The most that one held-out customer counts: where fewer than 5 % are held out, noise would be
   greater than the error that the treated bring in. #}
{% macro most_weight() %}{{ return(20) }}{% endmacro %}
