{# Whether a customer may be written to now, and why not: the one definition, asked when an alert is
   raised, when a draft is approved, when a message is queued and when it is handed over.
   A relation with customer_id and suppressed_because (NULL: may be written to).
   policies: customer_policies, or a CTE of the same columns that is there already. #}
{% macro contact_suppressions(moment, policies=none) %}
    (
        select
            policies.customer_id,
            case
                when policies.cancelled_at is not null then 'the customer has cancelled'
                when not policies.has_marketing_consent
                    then 'the customer has not agreed to marketing'
                when not policies.has_address then 'the customer has no e-mail address'
                when suppressed.customer_id is not null
                    then 'the customer is on the suppression list: ' || suppressed.reason
                when
                    datediff('second', contacts.last_contact_at, {{ moment }})
                    < policies.contact_gap_days * 86400
                    then 'the customer was written to less than '
                        || policies.contact_gap_days || ' days ago'
            end as suppressed_because
        from {{ policies or ref('customer_policies') }} as policies
        left join (
            select customer_id, min(reason) as reason
            from {{ ref('suppressions') }}
            group by customer_id
        ) as suppressed on policies.customer_id = suppressed.customer_id
        left join (
            select customer_id, max(noted_at) as last_contact_at
            from {{ messages_to_customers() }} as messages
            group by customer_id
        ) as contacts on policies.customer_id = contacts.customer_id
    )
{% endmacro %}
