create dynamic table CHURN.PIPELINE.customer_events target_lag = 'DOWNSTREAM' warehouse = CHURN_WH refresh_mode = INCREMENTAL initialize = ON_CREATE scheduler = 'ENABLE' as ( … )
