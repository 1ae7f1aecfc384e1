{# What managers may ask Cortex Analyst about, over their own views: each answer holds what the asking
   role sees there, no more. No names, addresses or texts: a question needs none. #}
tables (
    customers as {{ ref('manager_customers') }} primary key (customer_id)
    with synonyms ('clients', 'subscribers')
    comment = 'One row per customer, with the present risk of churn.',
    alerts as {{ ref('manager_outreach') }} primary key (alert_id)
    with synonyms ('messages', 'outreach')
    comment = 'One row per alert of a customer at risk, with the state of its message.'
)
relationships (
    alerts_of_customers as alerts (customer_id) references customers (customer_id)
)
facts (
    {{ described_columns('customers', 'manager_customers', ['score', 'value_at_risk']) }}
)
dimensions (
    {{ described_columns('customers', 'manager_customers', [
        'customer_id', 'region', 'segment', 'band', 'first_reason', 'has_lapsed', 'is_too_new',
        'has_marketing_consent', 'scored_at',
    ]) }},
    {{ described_columns('alerts', 'manager_outreach', [
        'alert_id', 'state', 'since', 'arm', 'offer_text', 'owner',
    ]) }}
)
metrics (
    customers.number_of_customers as count(customers.customer_id)
    comment = 'How many customers.',
    customers.customers_at_risk as count(case when customers.band = 'high' then 1 end)
    with synonyms ('customers in the high band')
    comment = 'How many customers are in the high band.',
    customers.total_value_at_risk as sum(case when customers.band = 'high' then customers.value_at_risk end)
    comment = 'What the customers in the high band are expected to spend over the horizon, times their scores.',
    customers.mean_score as avg(customers.score)
    comment = 'The mean probability of churn.',
    alerts.number_of_alerts as count(alerts.alert_id)
    comment = 'How many alerts.',
    alerts.alerts_waiting as count(case when alerts.state = 'DRAFTED' then 1 end)
    comment = 'How many drafts wait for approval.'
)
comment = 'Customers at risk of churn and what is done about them, as the asking role sees them.'
